//! The event sources that invoke functions: queues and schedules. HTTP requests are in `gateway`.

pub mod queue_event;
mod schedule;
mod sqs;

pub use schedule::{FireError, Schedules};
pub use sqs::{QueueSources, QueueSourcesOptions};
