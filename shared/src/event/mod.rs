//! The structured events that the functions log, by the names of the RFC (§3), the PRD (§11) and
//! SPEC §4.
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

mod access;
mod export;
mod note;

use std::time::Duration;

pub use access::*;
pub use export::*;
pub use note::*;

/// A duration in whole milliseconds, as logs have it.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
