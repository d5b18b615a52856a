//! Delivers the result of an export: by email, and by a notification in the application if there is
//! a file (SPEC §4).

mod app;
mod email;
mod in_app;
mod outcome;

use std::{sync::Arc, time::Duration};

pub use app::App;
use outcome::{Deliverable, Outcome};
use shared::{
    entry::queue::Message,
    export::{Channel, Delivery, DeliveryLease, Job, JobRef, LinkError, Status},
    metric::{self, MetricGroup},
    table::TableError,
};

/// The maximum number of attempts of a delivery that was certainly not accepted. With the pauses, they
/// take about two and a half hours.
const MAX_TRIES: u32 = 16;
/// The pause before the second attempt, if the channel requests no other pause. It doubles with each
/// attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(20);
/// The maximum pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// The pause before a delivery is tried again if another worker has its lease. It is longer than
/// the lease, so that the lease has expired by then.
const LEASE_PAUSE: Duration = Duration::from_secs(95);

/// The environment variable with the URL of the queue that invokes the function.
pub const QUEUE_URL: &str = "EXPORT_EMAIL_QUEUE_URL";

/// Why a message must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Another worker has the delivery lease.
    #[error("another worker is delivering over this channel")]
    Busy,
    /// The channel did not accept the message. The delivery is tried again after this time.
    #[error("the {0:?} channel did not accept the message; it will be tried again")]
    Retry(Channel, Duration),
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The download link could not be created.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl DeliveryError {
    fn after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(LEASE_PAUSE),
            Self::Retry(_, after) => Some(*after),
            Self::Table(_) | Self::Link(_) => None,
        }
    }
}

/// Delivers the result of one job over all channels that are still open, in parallel.
///
/// # Errors
/// [`DeliveryError`] if a channel must be tried again.
pub async fn handle(app: Arc<App>, message: Message<JobRef>) -> Result<(), DeliveryError> {
    let Some(job) = app.jobs.get(&message.body).await? else { return Ok(()) };
    if !Channel::ALL.iter().any(|channel| channel.is_open(&job)) {
        return Ok(());
    }
    let link = match job.status {
        Status::Completed if job.available_until(app.clock.now()).is_some() => {
            let token = app.jobs.create_link(&job).await?;
            Some(format!("{}/d/{}", app.public_url, token.as_str()))
        }
        Status::Failed => None,
        // The job was canceled or has expired, so there is nothing to deliver.
        _ => return Ok(()),
    };
    let tries = message.receive_count;
    let (email, in_app) = tokio::join!(
        app.deliver(&job, Channel::Email, tries, email::compose(&app, &job, link.as_deref())),
        app.deliver(&job, Channel::InApp, tries, in_app::compose(&app, &job, link.as_deref())),
    );
    let failed: Vec<DeliveryError> = [email, in_app].into_iter().filter_map(Result::err).collect();
    if let Some(after) = failed.iter().filter_map(DeliveryError::after).min() {
        message.lease.set_visibility(after).await;
    }
    failed.into_iter().next().map_or(Ok(()), Err)
}

impl App {
    /// Composes the message, takes the delivery lease, sends the message and records the outcome.
    /// The lease is taken just before sending, so that after an earlier error certainly nothing was
    /// sent. If the channel does not accept the last attempt, the delivery has failed.
    async fn deliver<T: Deliverable>(
        &self,
        job: &Job,
        channel: Channel,
        tries: u32,
        composing: impl Future<Output = Result<T, Outcome>>,
    ) -> Result<(), DeliveryError> {
        if !channel.is_open(job) {
            return Ok(());
        }
        let composed = composing.await;
        match self.jobs.acquire_delivery_lease(&job.reference(), channel, self.clock.now()).await? {
            DeliveryLease::Finished => return Ok(()),
            DeliveryLease::HeldByAnother => return Err(DeliveryError::Busy),
            DeliveryLease::Acquired => {}
        }
        let outcome = match composed {
            Ok(deliverable) => deliverable.send(self).await,
            Err(outcome) => outcome,
        };
        let (status, retry) = match outcome {
            Outcome::Sent => (Delivery::Sent, None),
            Outcome::NotSent(after) if tries < MAX_TRIES => {
                (Delivery::Pending, Some(after.unwrap_or_else(|| pause(tries))))
            }
            Outcome::NotSent(_) | Outcome::Refused => (Delivery::Failed, None),
            Outcome::Unknown => (Delivery::Unknown, None),
        };
        tracing::info!(job_id = %job.id, ?channel, ?outcome, "delivery attempt ended");
        self.jobs.record_delivery(&job.reference(), channel, status, self.clock.now()).await?;
        if status != Delivery::Pending {
            let failed = metric::share(status != Delivery::Sent);
            metric::emit(&[MetricGroup {
                dimensions: &[],
                metrics: &[("ExportDeliveryFailed", "Count", failed)],
            }]);
        }
        retry.map_or(Ok(()), |after| Err(DeliveryError::Retry(channel, after)))
    }
}

/// The pause after this number of failed attempts.
fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        assert_eq!([1, 2, 3].map(pause).map(|pause| pause.as_secs()), [20, 40, 80]);
        assert_eq!([pause(8), pause(MAX_TRIES)], [LONGEST_PAUSE; 2]);
        let in_all: Duration = (1..MAX_TRIES).map(pause).sum();
        assert!(in_all > Duration::from_mins(150), "{in_all:?}");
    }
}
