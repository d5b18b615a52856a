//! The only source of the current time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Returns the current time: of the system, or of a manual clock that only changes when it is
/// moved.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The clock of the system.
    #[default]
    System,
    /// A manual clock, in milliseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Creates a manual clock with the time `start`.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// The current time in milliseconds. Stored and compared times are not more precise.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(millis).unwrap_or_default()
    }

    /// Moves a manual clock forward. Has no effect on the system's clock.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// A duration in whole milliseconds, for log fields and metrics.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The form of a time in keys. It has a fixed width, so that texts sort in the order of the times.
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
