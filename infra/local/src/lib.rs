//! The local cloud: it runs the whole service on one machine with one command. The functions are
//! the same binaries as in a deployment. AWS and the upstream services are emulated.

pub mod account;
pub mod aws;
pub mod backfill;
pub mod bench;
pub mod cargo;
pub mod cli;
pub mod client;
pub mod cloud;
pub mod console;
pub mod control;
pub mod demo;
pub mod demo_company;
pub mod demo_contacts;
pub mod gateway;
pub mod grants;
pub mod identity;
pub mod import;
pub mod lambda;
pub mod loopback;
pub mod operator;
pub mod record;
pub mod resources;
pub mod sign_in;
pub mod sources;
pub mod template;
pub mod trace;
pub mod upstreams;
pub mod web_console;

pub use cloud::{LocalCloud, Options, StartError};

#[cfg(test)]
mod testing {
    //! An HTTP client for tests.

    /// A client with the same settings as the HTTP client of the functions.
    pub(crate) fn client() -> reqwest::Client {
        let limit = std::time::Duration::from_secs(10);
        shared::http_client::builder().timeout(limit).build().unwrap()
    }
}
