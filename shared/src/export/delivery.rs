//! Delivers a job's result, at most once over each channel (SPEC §4). A worker takes a delivery
//! lease before it sends. A delivery whose outcome is unknown is never repeated.

use jiff::{SignedDuration, Timestamp};

use super::{
    job::{Delivery, Job, JobRef},
    jobs::{Change, Jobs},
};
use crate::table::TableError;

/// The time after which a delivery lease expires. The worker that took the lease is dead then,
/// because no invocation of its function runs longer.
const DELIVERY_LEASE_TIME: SignedDuration = SignedDuration::from_secs(90);

/// A channel over which a job's owner is informed of the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// An email.
    Email,
    /// A notification in the application.
    InApp,
}

/// Whether a worker may deliver over a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryLease {
    /// This worker has the lease and may deliver. No other worker may.
    Acquired,
    /// Another worker is delivering.
    HeldByAnother,
    /// There is nothing to deliver: the delivery is finished, is skipped, or has an unknown
    /// outcome.
    Finished,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 2] = [Self::Email, Self::InApp];

    /// Whether the delivery over this channel is pending or in progress, according to `job`.
    #[must_use]
    pub fn is_open(self, job: &Job) -> bool {
        matches!(self.status(job).0, Delivery::Pending | Delivery::Sending)
    }

    /// The status of the delivery over this channel, and the time at which it last changed.
    fn status(self, job: &Job) -> (Delivery, Timestamp) {
        match self {
            Self::Email => (job.email_status, job.email_changed_at),
            Self::InApp => (job.notification_status, job.notification_changed_at),
        }
    }

    fn set_status(self, job: &mut Job, status: Delivery, now: Timestamp) {
        match self {
            Self::Email => (job.email_status, job.email_changed_at) = (status, now),
            Self::InApp => (job.notification_status, job.notification_changed_at) = (status, now),
        }
    }
}

/// Marks the deliveries that have not begun as skipped, because the file was deleted.
pub(super) fn skip_undelivered(job: &mut Job, now: Timestamp) {
    for channel in Channel::ALL {
        if channel.status(job).0 == Delivery::Pending {
            channel.set_status(job, Delivery::Skipped, now);
        }
    }
}

impl Jobs {
    /// Takes the lease for a delivery over one channel. If the worker that holds the lease died,
    /// the outcome of its delivery becomes [`Delivery::Unknown`].
    pub async fn acquire_delivery_lease(
        &self,
        at: &JobRef,
        channel: Channel,
        now: Timestamp,
    ) -> Result<DeliveryLease, TableError> {
        let change = self
            .change(at, |job| {
                let next = match channel.status(job) {
                    (Delivery::Pending, _) => Delivery::Sending,
                    (Delivery::Sending, since) if now >= since + DELIVERY_LEASE_TIME => {
                        Delivery::Unknown
                    }
                    _ => return Ok(None),
                };
                channel.set_status(job, next, now);
                Ok(Some(Vec::new()))
            })
            .await?;
        let is_sending = |job: &Job| channel.status(job).0 == Delivery::Sending;
        Ok(match change {
            Change::Written(job) if is_sending(&job) => DeliveryLease::Acquired,
            Change::Unchanged(job) if is_sending(&job) => DeliveryLease::HeldByAnother,
            Change::Written(_) | Change::Unchanged(_) | Change::Missing => DeliveryLease::Finished,
        })
    }

    /// Records the outcome of a delivery. The worker must have its lease. [`Delivery::Pending`]
    /// releases the lease, and must be used only if the worker certainly sent nothing.
    pub async fn record_delivery(
        &self,
        at: &JobRef,
        channel: Channel,
        outcome: Delivery,
        now: Timestamp,
    ) -> Result<(), TableError> {
        self.change(at, |job| {
            let is_recordable = match channel.status(job).0 {
                Delivery::Sending => true,
                // The worker recorded the outcome late. The outcome replaces `Unknown`, but
                // `Pending` is ignored: a delivery that was unknown is never repeated.
                Delivery::Unknown => outcome != Delivery::Pending,
                _ => false,
            };
            Ok(is_recordable.then(|| {
                channel.set_status(job, outcome, now);
                Vec::new()
            }))
        })
        .await?;
        Ok(())
    }
}
