//! The one way to build a client for the neighbors.

use std::time::Duration;

/// How long a connection may idle before it is not used again: a function that was frozen longer
/// would find it dead.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// A pooled client whose calls end within `timeout`, connecting included. TLS is rustls with ring,
/// as in the AWS SDK.
///
/// # Errors
/// A text that says why no client can be built.
pub fn build(timeout: Duration) -> Result<reqwest::Client, String> {
    // Fails only when a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_millis(300)))
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())
}
