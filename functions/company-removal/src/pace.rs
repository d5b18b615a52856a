//! Keeps a run below a number of capacity units per second, so that it leaves the table's
//! throughput to the requests of users.

use std::time::Duration;

/// The units that a run has used since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    per_second: f64,
    used: f64,
}

impl Pace {
    pub(crate) fn new(per_second: f64) -> Self {
        Self { per_second, used: 0.0 }
    }

    /// Adds units that were used.
    pub(crate) fn add(&mut self, units: f64) {
        self.used += units;
    }

    /// How long the run must wait, if it started this long ago.
    pub(crate) fn pause(&self, elapsed: Duration) -> Duration {
        let wanted = Duration::try_from_secs_f64(self.used / self.per_second);
        wanted.unwrap_or(Duration::MAX).saturating_sub(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_until_its_units_fit_in_the_time_that_has_passed() {
        let mut pace = Pace::new(100.0);
        assert_eq!(pace.pause(Duration::ZERO), Duration::ZERO);
        pace.add(250.0);
        assert_eq!(pace.pause(Duration::ZERO), Duration::from_millis(2500));
        assert_eq!(pace.pause(Duration::from_secs(1)), Duration::from_millis(1500));
        assert_eq!(pace.pause(Duration::from_secs(3)), Duration::ZERO);
    }
}
