//! The records of a run, for the `/_local` endpoints (SPEC §6): usage of AWS, events that functions
//! logged, mail and notifications.
//!
//! Every list is bounded: when it is full, the oldest entries are dropped, so that the local cloud
//! can run for days.

mod events;
mod log;
mod mailbox;
mod notifications;
mod usage;

pub use events::Events;
pub use mailbox::{Attachment, Mail, Mailbox};
pub use notifications::{Notification, Notifications};
pub use usage::{AwsCall, Invocation, InvocationCost, Usage};
