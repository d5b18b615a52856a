//! Asynchronous events: they are accepted immediately, and are retried if the function fails.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::errors::InvokeError;
use super::service::Service;
use crate::trace::Trace;

/// Longest delay after throttling. AWS has the same limit.
const MAX_THROTTLE_DELAY: Duration = Duration::from_secs(300);

impl Service {
    /// Runs the function for an asynchronous event until it succeeds or there are no retries left.
    pub(super) async fn run_with_retries(&self, function: &str, payload: &Bytes) {
        let delays = &self.options.retry_delays;
        let settings =
            self.pools.get(function).map(|pool| pool.function.asynchronous).unwrap_or_default();
        let accepted = Instant::now();
        let mut after_error = delays.after_error.iter().take(settings.retries);
        let mut after_throttle = delays.after_throttle;
        loop {
            let delay = match self.run(function, payload.clone(), &Trace::default()).await {
                Ok(outcome) if outcome.function_error.is_none() => return,
                Ok(_) => match after_error.next() {
                    Some(delay) => *delay,
                    None => return,
                },
                Err(InvokeError::Throttled(_)) if accepted.elapsed() < settings.event_age => {
                    let delay = after_throttle;
                    after_throttle = (delay * 2).min(MAX_THROTTLE_DELAY);
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
