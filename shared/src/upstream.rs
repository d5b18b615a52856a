//! Errors of calls to upstream services, as text that is safe to log. The errors of reqwest are not
//! safe to log, because they contain the URL, which contains ids and queries.

use std::error::Error;

use crate::error::chain;

/// The reason why a call has no valid response. The type is cheap to clone, because errors are
/// cached for a short time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    /// The status of the response is not 200.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The call took longer than its time-out.
    #[error("time-out while {0}")]
    Timeout(Phase),
    /// No connection was made, so nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection failed after it was made, so the request may have arrived.
    #[error("the connection failed while {phase}: {cause}")]
    Broken {
        /// The phase of the call in which the connection failed.
        phase: Phase,
        /// The error with all its causes.
        cause: String,
    },
    /// The body of a response with status 200 is invalid. The text contains no values of the body.
    #[error("invalid response body: {0}")]
    Body(String),
}

/// The phase of a call in which it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Phase {
    /// The connection was being made: name resolution, TCP and TLS.
    #[error("connecting")]
    Connecting,
    /// The request was being sent or was sent, and the response had not begun.
    #[error("waiting for the response")]
    Waiting,
    /// The response had begun.
    #[error("reading the response body")]
    Reading,
}

impl CallFailure {
    /// Converts an error of reqwest into an error that does not contain the URL.
    #[must_use]
    pub fn from_reqwest(error: &reqwest::Error) -> Self {
        let phase = if error.is_connect() {
            Phase::Connecting
        } else if error.is_body() || error.is_decode() {
            Phase::Reading
        } else {
            Phase::Waiting
        };
        // The error itself contains the URL; its causes do not.
        let cause = || error.source().map_or_else(String::new, |cause| chain(cause).to_string());
        match phase {
            _ if error.is_timeout() => Self::Timeout(phase),
            Phase::Connecting => Self::Connect(cause()),
            Phase::Waiting | Phase::Reading => Self::Broken { phase, cause: cause() },
        }
    }

    /// Converts an error of serde into its kind and position, because its text may quote a value.
    #[must_use]
    pub fn from_json(error: &serde_json::Error) -> Self {
        Self::Body(format!(
            "{:?} error at line {}, column {}",
            error.classify(),
            error.line(),
            error.column()
        ))
    }

    /// Whether it is certain that nothing was sent.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout(Phase::Connecting))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::http_client;

    /// The failure of a call to a server that handles its only connection with `serve`.
    async fn failure<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> CallFailure {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/private/users/secret-id", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
        let failure = call(&url).await;
        server.abort();
        failure
    }

    async fn call(url: &str) -> CallFailure {
        let client = http_client::builder().build().unwrap();
        let sent = client.get(url).timeout(Duration::from_millis(300)).send().await;
        let error = match sent {
            Ok(response) => response.bytes().await.unwrap_err(),
            Err(error) => error,
        };
        CallFailure::from_reqwest(&error)
    }

    async fn read_request(connection: &mut TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(connection.read_u8().await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_failure_names_its_phase_and_cause_and_no_url() {
        let refused = call("http://127.0.0.1:9/private/users/secret-id").await;
        let text = refused.to_string();
        assert!(text.starts_with("cannot connect: "), "{text}");
        assert!(text.contains("Connection refused"), "{text}");
        assert!(refused.never_sent() && !text.contains("secret-id"), "{text}");

        let silent = failure(|mut connection| async move {
            read_request(&mut connection).await;
            std::future::pending::<()>().await;
        });
        let text = silent.await.to_string();
        assert_eq!(text, "time-out while waiting for the response");

        let closed = failure(|mut connection| async move { read_request(&mut connection).await });
        let closed = closed.await;
        let text = closed.to_string();
        assert!(
            text.starts_with("the connection failed while waiting for the response: "),
            "{text}"
        );
        assert!(!closed.never_sent() && !text.contains("secret-id"), "{text}");

        let halted = failure(|mut connection| async move {
            read_request(&mut connection).await;
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await.unwrap();
            std::future::pending::<()>().await;
        });
        let text = halted.await.to_string();
        assert_eq!(text, "time-out while reading the response body");
    }

    #[tokio::test]
    async fn an_unknown_host_is_a_failure_to_connect() {
        let unknown = call("http://no-such-host.invalid/private/users/secret-id").await;
        assert!(unknown.never_sent(), "{unknown}");
        assert!(!unknown.to_string().contains("secret-id"), "{unknown}");
    }

    #[test]
    fn an_invalid_body_is_described_without_its_values() {
        let error = serde_json::from_str::<u8>(r#""Citra Anggraini""#).unwrap_err();
        let text = CallFailure::from_json(&error).to_string();
        assert_eq!(text, "invalid response body: Data error at line 1, column 17");
    }
}
