//! The Lambda service. It runs functions as processes that use the Lambda Runtime API.
//!
//! | file | content |
//! |---|---|
//! | `handle` | `Lambda`, which the rest of the local cloud uses |
//! | `service` | runs one invocation |
//! | `asynchronous`, `retry` | asynchronous events and their retries |
//! | `pool`, `environment`, `output` | the processes of a function, one process, what it prints |
//! | `variables` | the environment variables of a process |
//! | `runtime_api` | the API that a process gets its events from |
//! | `invoke_api` | the Invoke operation for `aws lambda invoke` and the like |
//! | `outcome`, `errors`, `limits` | the result of an invocation, errors, size limits |
//! | `cold_start` | measures the start of a process |

mod asynchronous;
mod cold_start;
mod environment;
mod errors;
mod handle;
mod invoke_api;
mod limits;
mod outcome;
mod output;
mod pool;
mod retry;
mod runtime_api;
mod service;
mod variables;

pub use cold_start::{ColdStart, ColdStartError};
pub use errors::{FunctionError, InvokeError, StartError};
pub use handle::Lambda;
pub use invoke_api::router;
pub use limits::{MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES};
pub use outcome::InvokeOutcome;
pub use retry::RetryDelays;
pub use service::LambdaOptions;
