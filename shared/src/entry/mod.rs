//! From a Lambda event to a handler's call, and from its result to an answer: once for HTTP, once
//! for queues, once for direct invocations, once for functions that have both.

mod contact;
pub mod direct;
pub mod direct_or_queue;
mod failure;
pub mod http;
mod log;
mod note;
pub mod page;
pub mod queue;
mod reply;
mod start;

pub use failure::{Code, Failure};
pub use reply::{Reply, Warning};
