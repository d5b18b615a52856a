//! The local cloud: the whole bundle on one machine, with one command.

pub mod aws;
pub mod control;
pub mod demo_company;
pub mod identity;
pub mod neighbors;
pub mod record;

#[cfg(test)]
mod testing {
    //! An HTTP client for tests.

    /// A client; the one process-wide choice that its TLS needs is made on first use.
    pub(crate) fn client() -> reqwest::Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    }
}
