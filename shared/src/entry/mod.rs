//! Converts a Lambda event into a call of a handler, and the handler's result into a response.
//!
//! `event` parses the text of an event. There is one module for HTTP events (`http`), one for queue
//! events (`queue`), one for direct invocations (`direct`), and one for functions that are invoked
//! directly and also receive queue events (`direct_or_queue`).

mod contact;
pub mod direct;
pub mod direct_or_queue;
mod event;
mod failure;
pub mod http;
mod log;
pub mod note;
pub mod page;
pub mod queue;
mod reply;
mod start;

pub use failure::{Code, Failure};
pub use reply::{Reply, Warning};
