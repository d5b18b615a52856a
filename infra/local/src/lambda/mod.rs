//! The Lambda service: functions as processes that speak the Lambda Runtime API.

mod asynchronous;
mod cold_start;
mod environment;
mod errors;
mod invoke_api;
mod outcome;
mod output;
mod pool;
mod runtime_api;
mod service;

pub use asynchronous::RetryDelays;
pub use cold_start::{ColdStart, ColdStartError};
pub use errors::{FunctionError, InvokeError, StartError};
pub use invoke_api::router;
pub use outcome::InvokeOutcome;
pub use service::{Lambda, LambdaOptions};

/// Largest payload and answer of a synchronous invocation, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Largest payload of an asynchronous invocation, in bytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
