//! The stage's limit on requests: a token bucket.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::template::Throttle;

/// Tokens left, and when they were counted.
pub(super) struct Bucket {
    limits: Throttle,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(limits: Throttle, now: Instant) -> Self {
        Self { limits, state: Mutex::new((f64::from(limits.burst), now)) }
    }

    /// Takes a token; `false` when there is none.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = now.saturating_duration_since(state.1).as_secs_f64() * self.limits.rate;
        let tokens = (state.0 + refill).min(f64::from(self.limits.burst));
        let admitted = tokens >= 1.0;
        *state = (if admitted { tokens - 1.0 } else { tokens }, now.max(state.1));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let start = Instant::now();
        let bucket = Bucket::new(Throttle { burst: 3, rate: 2.0 }, start);
        let admitted = |at| (0..10).filter(|_| bucket.take(at)).count();
        assert_eq!(admitted(start), 3);
        assert_eq!(admitted(start + Duration::from_millis(500)), 1);
        assert_eq!(admitted(start + Duration::from_secs(60)), 3);
    }
}
