//! The delays before an asynchronous event is retried.

use std::time::Duration;

/// The delays before an asynchronous event is retried.
#[derive(Clone, Debug)]
pub struct RetryDelays {
    /// The delays after errors of the function. There is one retry for each delay.
    pub after_error: Vec<Duration>,
    /// The delay after the first throttling. It is doubled after each further throttling, up to 5
    /// minutes.
    pub after_throttle: Duration,
}

impl Default for RetryDelays {
    /// The delays of Lambda: after an error, two retries with delays of 1 minute and of 2 minutes.
    fn default() -> Self {
        Self {
            after_error: vec![Duration::from_secs(60), Duration::from_secs(120)],
            after_throttle: Duration::from_secs(1),
        }
    }
}
