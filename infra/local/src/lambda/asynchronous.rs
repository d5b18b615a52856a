//! Asynchronous events: accepted at once, tried again when the function fails.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::errors::InvokeError;
use super::service::Service;

/// Longest that an asynchronous event waits for concurrency, as on AWS.
const MAX_EVENT_AGE: Duration = Duration::from_secs(6 * 3600);

/// Pauses before an asynchronous event that failed is tried again.
#[derive(Clone, Debug)]
pub struct RetryDelays {
    /// After an error of the function: one pause per retry.
    pub after_error: Vec<Duration>,
    /// After throttling; doubled each time up to 5 minutes.
    pub after_throttle: Duration,
}

impl Default for RetryDelays {
    /// Lambda's own: two retries, after 1 and after 2 minutes.
    fn default() -> Self {
        Self {
            after_error: vec![Duration::from_secs(60), Duration::from_secs(120)],
            after_throttle: Duration::from_secs(1),
        }
    }
}

impl Service {
    /// Runs an asynchronous event until it succeeds or has failed once and twice again.
    pub(super) async fn retry(&self, function: &str, payload: &Bytes) {
        let delays = &self.options.retry_delays;
        let accepted = Instant::now();
        let mut after_error = delays.after_error.iter();
        let mut after_throttle = delays.after_throttle;
        loop {
            let delay = match self.run(function, payload.clone()).await {
                Ok(outcome) if outcome.function_error.is_none() => return,
                Ok(_) => match after_error.next() {
                    Some(delay) => *delay,
                    None => return,
                },
                Err(InvokeError::Throttled(_)) if accepted.elapsed() < MAX_EVENT_AGE => {
                    let delay = after_throttle;
                    after_throttle = (delay * 2).min(Duration::from_secs(300));
                    delay
                }
                Err(_) => return,
            };
            if self.shutdown.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                return;
            }
        }
    }
}
