//! What the local cloud remembers of a run, for the `/_local` endpoints (SPEC §6): usage of AWS,
//! events that functions logged, mail and notifications.
//!
//! Everything here is bounded: a run that goes on for days drops its oldest entries.

mod events;
mod log;
mod mailbox;
mod notifications;
mod usage;

pub use events::Events;
pub use mailbox::{Attachment, Mail, Mailbox};
pub use notifications::{Notification, Notifications};
pub use usage::{AwsCall, Invocation, InvocationCost, Usage};
