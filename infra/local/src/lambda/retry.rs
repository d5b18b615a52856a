//! When an asynchronous event is retried.

use std::time::Duration;

/// The delays before an asynchronous event is retried.
#[derive(Clone, Debug)]
pub struct RetryDelays {
    /// After an error of the function: one delay per retry.
    pub after_error: Vec<Duration>,
    /// After the first throttling; doubled after each further one, up to 5 minutes.
    pub after_throttle: Duration,
}

impl Default for RetryDelays {
    /// The delays of Lambda: two retries after an error, after 1 and after 2 minutes.
    fn default() -> Self {
        Self {
            after_error: vec![Duration::from_secs(60), Duration::from_secs(120)],
            after_throttle: Duration::from_secs(1),
        }
    }
}
