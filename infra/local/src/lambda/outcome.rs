//! How an invocation ended, as its caller sees it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::environment::Ending;
use super::errors::{self, FunctionError};

/// The answer of a function.
#[derive(Clone, Debug)]
pub struct InvokeOutcome {
    /// `x-amzn-requestid` of the invocation.
    pub request_id: String,
    /// The answer, or Lambda's description of the error.
    pub payload: Bytes,
    /// How the function failed, if it did.
    pub function_error: Option<FunctionError>,
    /// From the event's delivery to the answer.
    pub duration: Duration,
    /// Time of the process's start, when it was started for this event.
    pub init: Option<Duration>,
    /// The processor time of the process meanwhile, its start's included.
    pub cpu: Duration,
    /// Highest resident memory of the process so far; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
    /// The last 4 KiB that it printed.
    pub log_tail: String,
}

impl InvokeOutcome {
    /// One word: `ok` or how it failed.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.function_error.map_or("ok", FunctionError::status)
    }
}

/// The payload that Lambda answers for an ending.
pub(super) fn answer(
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

/// An initialization that runs out of time is an error of the initialization.
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
