//! The records of a run, which the `/_local` endpoints show (SPEC §6): usage of AWS, events that
//! functions logged, mail and notifications.
//!
//! Every list has a maximum length. When a list is full, its oldest entries are removed. Therefore
//! the local cloud can run for days.

mod events;
mod log;
mod mailbox;
mod notifications;
mod usage;

pub use events::Events;
pub use mailbox::{Attachment, Mail, Mailbox};
pub use notifications::{Notification, Notifications};
pub use usage::{AwsCall, Invocation, InvocationCost, Usage};
