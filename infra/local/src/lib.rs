//! The local cloud: the whole bundle on one machine, with one command.

pub mod aws;
pub mod cargo;
pub mod cli;
pub mod cloud;
pub mod console;
pub mod control;
pub mod demo_company;
pub mod gateway;
pub mod identity;
pub mod lambda;
pub mod neighbors;
pub mod record;
mod resources;
pub mod sources;
pub mod template;

pub use cloud::{LocalCloud, Options, StartError};
pub use resources::ResourcesError;

#[cfg(test)]
mod testing {
    //! An HTTP client for tests.

    /// A client; the one process-wide choice that its TLS needs is made on first use.
    pub(crate) fn client() -> reqwest::Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    }
}
