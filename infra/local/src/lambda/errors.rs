//! The errors of invocations, and the payloads that Lambda returns for them.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::limits::MAX_PAYLOAD_BYTES;
use crate::template::UnresolvedError;

/// The reason why the Lambda service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The Runtime API could not listen on a port.
    #[error("the Lambda Runtime API cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// An environment variable of a function has no local value.
    #[error("{function}: environment variable {variable}: {source}")]
    Environment {
        /// Logical id of the function.
        function: String,
        /// Name of the variable.
        variable: String,
        /// The part of the value that is unknown.
        source: UnresolvedError,
    },
}

/// The reason why a function was not invoked.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No function has this logical id.
    #[error("there is no function called {0}")]
    NotFound(String),
    /// The function has reached its concurrency limit.
    #[error("{0} has reached its concurrency limit")]
    Throttled(String),
    /// A chain of messages has invoked the function so often that Lambda takes it for an endless
    /// loop.
    #[error("{0} was invoked again and again by its own messages")]
    Recursive(String),
    /// The payload is larger than its limit.
    #[error("the payload has {size} bytes, more than {limit}")]
    PayloadTooLarge {
        /// Size of the payload in bytes.
        size: usize,
        /// Largest allowed size in bytes.
        limit: usize,
    },
    /// The local cloud is shutting down.
    #[error("the local cloud is shutting down")]
    ShuttingDown,
}

/// The kind of failure of a function. The details are in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionError {
    /// The handler returned an error, or the runtime caught its panic.
    Handler,
    /// The initialization failed or timed out.
    Init,
    /// The invocation timed out and the process was killed.
    TimedOut,
    /// The process ended without a response.
    Exited,
    /// The response is larger than its limit.
    ResponseTooLarge,
}

impl FunctionError {
    /// The status of a failed invocation in logs and counts.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Handler => "error",
            Self::Init => "init-error",
            Self::TimedOut => "timeout",
            Self::Exited => "exit",
            Self::ResponseTooLarge => "too-large",
        }
    }
}

/// An error payload in the format of Lambda.
fn payload(error_type: &str, request_id: &str, message: &str) -> Bytes {
    let message = format!("RequestId: {request_id} Error: {message}");
    json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}

pub(super) fn timed_out(request_id: &str, timeout: Duration) -> Bytes {
    let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
    payload("Sandbox.Timedout", request_id, &message)
}

pub(super) fn exited(request_id: &str, status: Option<ExitStatus>) -> Bytes {
    let message = match status {
        Some(status) if status.success() => "Runtime exited without providing a reason".to_owned(),
        Some(status) => format!("Runtime exited with error: {status}"),
        None => "Runtime exited with error: signal: killed".to_owned(),
    };
    payload("Runtime.ExitError", request_id, &message)
}

pub(super) fn not_started(request_id: &str, reason: &std::io::Error) -> Bytes {
    payload("Runtime.InvalidEntrypoint", request_id, &reason.to_string())
}

pub(super) fn response_too_large(request_id: &str) -> Bytes {
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes)."
    );
    payload("Function.ResponseSizeTooLarge", request_id, &message)
}
