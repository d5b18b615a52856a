//! The one source of "now".

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// Tells the time: the system's, or one that stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Milliseconds since the epoch, moved by hand.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// The time, to the millisecond: what is stored and compared has no finer parts.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(millis).unwrap_or_default()
    }

    /// Moves a manual clock on; the system's clock goes its own way.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// A duration in whole milliseconds, as log fields and metrics carry it.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The fixed-width form of a time in keys: its text sorts as the time does.
#[must_use]
pub fn sortable(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sortable_times_have_one_width() {
        let whole: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        assert_eq!(sortable(whole), "2026-11-21T08:00:00.000Z");
        assert_eq!(sortable(whole + SignedDuration::from_millis(7)), "2026-11-21T08:00:00.007Z");
    }
}
