//! Renews the leases of an attempt's job and message, checks the requester's scope again, and
//! cancels the attempt if it must stop.

use std::{sync::OnceLock, time::Duration};

use jiff::{SignedDuration, Timestamp};
use shared::{
    access::{AccessError, Authority},
    clock::Clock,
    entry::queue::MessageLease,
    error::chain,
    export::{Job, Jobs},
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{scope::ExportScope, writer::Progress};

/// The time for which a message stays invisible in its queue after each renewal of its lease.
pub(crate) const MESSAGE_LEASE_TIME: Duration = Duration::from_secs(60);

/// The interval at which the job lease is renewed and the progress is recorded.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// The number of heartbeats after which the message's lease is renewed.
const HEARTBEATS_PER_MESSAGE_RENEWAL: u32 = 20;
/// The interval at which the requester's scope is checked again.
const SCOPE_CHECK_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// The time before the end of the invocation at which the attempt is cancelled, so that it can
/// clean up.
const SHUTDOWN_TIME: SignedDuration = SignedDuration::from_secs(15);

/// Why an attempt must stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stop {
    /// The job has ended, or another worker has its lease.
    #[error("another worker has taken over the job, or the job is over")]
    Lost,
    /// The time of the invocation is nearly over.
    #[error("the invocation is nearly out of time")]
    OutOfTime,
    /// The requester may no longer see contacts.
    #[error("the requester no longer has permission to see contacts")]
    Forbidden,
    /// The requester's scope has changed, so the file must be written again.
    #[error("the requester's scope changed")]
    ScopeChanged,
}

/// A cancellation token with the reason for the cancellation.
#[derive(Debug, Default)]
pub struct Cancellation {
    token: CancellationToken,
    reason: OnceLock<Stop>,
}

impl Cancellation {
    /// Cancels the work. If it is called more than once, the first reason is kept.
    pub fn cancel(&self, reason: Stop) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// Creates a token for work that cannot be dropped. It is cancelled together with this one, or
    /// when its own [`DropGuard`](tokio_util::sync::DropGuard) is dropped.
    pub fn child_token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// Runs `work` until it ends. A cancellation drops it.
    ///
    /// # Errors
    /// The reason for the cancellation.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let done = self.token.run_until_cancelled(work).await;
        done.ok_or_else(|| self.reason.get().copied().unwrap_or(Stop::Lost))
    }
}

/// The heartbeat of one attempt.
#[derive(Debug)]
pub struct Heartbeat<'a> {
    /// The jobs in the table.
    pub jobs: &'a Jobs,
    /// The job, in its state when the lease was taken.
    pub job: &'a Job,
    /// The progress of the attempt, which the heartbeat records.
    pub progress: &'a Progress,
    /// The lease on the message that started the attempt.
    pub lease: &'a MessageLease,
    /// Resolves the requester's scope.
    pub authority: &'a Authority,
    /// The clock for the current time.
    pub clock: &'a Clock,
    /// The scope with which the file is written. It is empty until it is resolved.
    pub scope: &'a OnceLock<ExportScope>,
    /// The time at which the invocation ends; `None` if it has no limit.
    pub deadline: Option<Timestamp>,
    /// Cancels the attempt.
    pub cancellation: &'a Cancellation,
}

impl Heartbeat<'_> {
    /// Sends heartbeats until the attempt must stop, and then cancels it. If a heartbeat cannot be
    /// recorded, the error is only logged: another worker can take over the job only after many
    /// failed heartbeats.
    pub async fn run(&self) {
        let mut ticks = interval(HEARTBEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeats: u32 = 0;
        let mut scope_checked_at = self.clock.now();
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            if self.deadline.is_some_and(|deadline| now + SHUTDOWN_TIME >= deadline) {
                return self.cancellation.cancel(Stop::OutOfTime);
            }
            match self.jobs.renew_lease(self.job, self.progress.snapshot(), now).await {
                Ok(true) => {}
                Ok(false) => return self.cancellation.cancel(Stop::Lost),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not record a heartbeat");
                }
            }
            heartbeats = heartbeats.wrapping_add(1);
            if heartbeats.is_multiple_of(HEARTBEATS_PER_MESSAGE_RENEWAL) {
                self.lease.set_visibility(MESSAGE_LEASE_TIME).await;
            }
            if now >= scope_checked_at + SCOPE_CHECK_INTERVAL {
                scope_checked_at = now;
                if let Some(stop) = self.check_scope().await {
                    return self.cancellation.cancel(stop);
                }
            }
        }
    }

    /// Resolves the requester's scope again. Returns the reason if the attempt must stop, and
    /// `None` if it may continue. If the scope cannot be resolved, the attempt continues with the
    /// scope with which it began.
    async fn check_scope(&self) -> Option<Stop> {
        let began_under = self.scope.get()?;
        match ExportScope::for_requester(self.authority, self.job).await {
            Ok(scope) => (scope != *began_under).then_some(Stop::ScopeChanged),
            Err(
                AccessError::Disabled | AccessError::OutOfScope | AccessError::OutOfNarrowedScope,
            ) => Some(Stop::Forbidden),
            Err(error @ (AccessError::Directory(_) | AccessError::Table(_))) => {
                tracing::warn!(
                    error = %chain(&error),
                    "could not check the requester's scope again"
                );
                None
            }
        }
    }
}
