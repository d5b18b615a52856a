//! The outcome of an invocation, which the caller of the service receives.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::environment::Ending;
use super::errors::{self, FunctionError};

/// The outcome of an invocation.
#[derive(Clone, Debug)]
pub struct InvokeOutcome {
    /// Request id of the invocation, which is the value of the `x-amzn-requestid` header.
    pub request_id: String,
    /// The response of the function, or the error payload if the function failed.
    pub payload: Bytes,
    /// The kind of failure; `None` if the function succeeded.
    pub function_error: Option<FunctionError>,
    /// Time from the delivery of the event to the response.
    pub duration: Duration,
    /// Time of the initialization; `None` if a warm process handled the event.
    pub init: Option<Duration>,
    /// Processor time of the process during the invocation, including the start of the process if
    /// it was started for this event.
    pub cpu: Duration,
    /// Highest resident memory of the process so far; 0 if the system does not report it.
    pub peak_memory_bytes: u64,
    /// The last 4 KiB of the output of the process.
    pub log_tail: String,
}

impl InvokeOutcome {
    /// The status in logs and counts: `ok`, or how the function failed.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.function_error.map_or("ok", FunctionError::status)
    }
}

/// The payload that Lambda returns for this ending, and the kind of failure if the function failed.
pub(super) fn result(
    ending: Ending,
    request_id: &str,
    timeout: Duration,
) -> (Bytes, Option<FunctionError>) {
    match ending {
        Ending::Response(payload) => (payload, None),
        Ending::Error(payload) => (payload, Some(FunctionError::Handler)),
        Ending::InitError(payload) => (payload, Some(FunctionError::Init)),
        Ending::ResponseTooLarge => {
            (errors::response_too_large(request_id), Some(FunctionError::ResponseTooLarge))
        }
        Ending::TimedOut => (errors::timed_out(request_id, timeout), Some(FunctionError::TimedOut)),
        Ending::Exited(status) => (errors::exited(request_id, status), Some(FunctionError::Exited)),
        Ending::Ready => (errors::exited(request_id, None), Some(FunctionError::Exited)),
    }
}

/// Converts a time-out of an initialization to an initialization error.
pub(super) fn init_failure(ending: Ending) -> Ending {
    match ending {
        Ending::TimedOut => Ending::InitError(Bytes::from_static(
            br#"{"errorType":"Sandbox.Timedout","errorMessage":"Init phase timed out after 10.00 seconds"}"#,
        )),
        other => other,
    }
}

pub(super) fn not_started(
    request_id: String,
    error: &std::io::Error,
    started: Instant,
) -> InvokeOutcome {
    InvokeOutcome {
        payload: errors::not_started(&request_id, error),
        request_id,
        function_error: Some(FunctionError::Init),
        duration: started.elapsed(),
        init: None,
        cpu: Duration::ZERO,
        peak_memory_bytes: 0,
        log_tail: String::new(),
    }
}
