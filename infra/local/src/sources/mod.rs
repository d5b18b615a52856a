//! The event sources that invoke functions, apart from HTTP requests: queues and schedules.

pub mod queue_event;
mod schedule;
mod sqs;

pub use schedule::{FireError, Schedules};
pub use sqs::{QueueSources, QueueSourcesOptions};
