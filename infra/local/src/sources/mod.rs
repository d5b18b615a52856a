//! What invokes functions besides requests: queues and schedules.

pub mod queue_event;
mod schedule;
mod sqs;

pub use schedule::{FireError, Schedules};
pub use sqs::{QueueSources, QueueSourcesOptions};
