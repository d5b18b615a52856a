//! The records of a run, which the `/_local` endpoints show (SPEC §6): usage of AWS, requests with
//! the invocations that they caused, events that functions logged, mail and notifications.
//!
//! Every list has a maximum length. When a list is full, its oldest entries are removed. Therefore
//! the local cloud can run for days.

mod cost;
mod events;
mod log;
mod mailbox;
mod notifications;
mod price;
mod requests;
mod usage;

pub use cost::{ActionCosts, InvocationCost};
pub use events::Events;
pub use mailbox::{Attachment, Mail, Mailbox};
pub use notifications::{Notification, Notifications};
pub use requests::{CausedInvocation, MAX_REQUESTS, ReceivedRequest, Requests};
pub use usage::{AwsCall, Invocation, Usage};
