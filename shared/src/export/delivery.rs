//! Telling the end of a job at most once per channel: claimed before it is sent, and never
//! repeated when nobody can know whether it was (SPEC §4).

use jiff::{SignedDuration, Timestamp};

use super::{Delivery, Job, JobRef, Jobs, jobs::Changed};
use crate::table::TableError;

/// After this long a claim's worker is dead: longer than its function may run.
const CLAIM_TIME: SignedDuration = SignedDuration::from_secs(90);

/// A way to tell the end of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// By email.
    Email,
    /// In the application.
    InApp,
}

/// Whether somebody may tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryClaim {
    /// Yes, and nobody else.
    Held,
    /// Somebody else is about to.
    Busy,
    /// It was told, or will never be.
    Over,
}

impl Channel {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Email, Self::InApp];

    /// Whether the job's end is still to be told over it, as far as `job` knows.
    #[must_use]
    pub fn is_open(self, job: &Job) -> bool {
        matches!(self.of(job).0, Delivery::Pending | Delivery::Sending)
    }

    fn of(self, job: &Job) -> (Delivery, Timestamp) {
        match self {
            Self::Email => (job.email_status, job.email_changed_at),
            Self::InApp => (job.notification_status, job.notification_changed_at),
        }
    }

    fn set(self, job: &mut Job, status: Delivery, now: Timestamp) {
        match self {
            Self::Email => (job.email_status, job.email_changed_at) = (status, now),
            Self::InApp => (job.notification_status, job.notification_changed_at) = (status, now),
        }
    }
}

/// Says that what was not told yet is not told any more: the file is gone.
pub(super) fn skip_undelivered(job: &mut Job, now: Timestamp) {
    for channel in Channel::ALL {
        if channel.of(job).0 == Delivery::Pending {
            channel.set(job, Delivery::Skipped, now);
        }
    }
}

impl Jobs {
    /// Claims the telling over one channel. A claim whose worker died leaves an outcome that
    /// nobody can know.
    ///
    /// # Errors
    /// As the table says.
    pub async fn claim_delivery(
        &self,
        at: &JobRef,
        channel: Channel,
        now: Timestamp,
    ) -> Result<DeliveryClaim, TableError> {
        let changed = self
            .change(at, |job| {
                let next = match channel.of(job) {
                    (Delivery::Pending, _) => Delivery::Sending,
                    (Delivery::Sending, since) if now >= since + CLAIM_TIME => Delivery::Unknown,
                    _ => return Ok(None),
                };
                channel.set(job, next, now);
                Ok(Some(Vec::new()))
            })
            .await?;
        Ok(match changed {
            Changed::Written(job) if channel.of(&job).0 == Delivery::Sending => DeliveryClaim::Held,
            Changed::Kept(job) if channel.of(&job).0 == Delivery::Sending => DeliveryClaim::Busy,
            Changed::Written(_) | Changed::Kept(_) | Changed::Missing => DeliveryClaim::Over,
        })
    }

    /// Says how a claimed telling ended; [`Delivery::Pending`] gives the claim back, when it is
    /// sure that nothing was sent.
    ///
    /// # Errors
    /// As the table says.
    pub async fn settle_delivery(
        &self,
        at: &JobRef,
        channel: Channel,
        outcome: Delivery,
        now: Timestamp,
    ) -> Result<(), TableError> {
        self.change(at, |job| {
            let claimed = match channel.of(job).0 {
                Delivery::Sending => true,
                // Late news is better than none, but a claim that was given up stays given up.
                Delivery::Unknown => outcome != Delivery::Pending,
                _ => false,
            };
            Ok(claimed.then(|| {
                channel.set(job, outcome, now);
                Vec::new()
            }))
        })
        .await?;
        Ok(())
    }
}
