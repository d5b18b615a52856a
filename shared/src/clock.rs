//! The only source of the current time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// A clock that returns the current time. It is the system's clock, or a manual clock whose time
/// changes only when [`Clock::advance`] is called.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A manual clock. The value is its time in milliseconds since the Unix epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Creates a manual clock that is set to the time `start`.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// The current time, rounded down to a whole millisecond. All times that are stored or compared
    /// have this precision.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(millis).unwrap_or_default()
    }

    /// Moves a manual clock forward by `by`. The call has no effect on the system's clock.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// Converts a duration into whole milliseconds, for log fields and metrics.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Formats a time for use in keys, with millisecond precision. All results have the same length, so
/// that sorting the texts sorts the times.
#[must_use]
pub fn sortable(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sortable_times_have_a_fixed_width() {
        let whole: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        assert_eq!(sortable(whole), "2026-11-21T08:00:00.000Z");
        assert_eq!(sortable(whole + SignedDuration::from_millis(7)), "2026-11-21T08:00:00.007Z");
    }
}
