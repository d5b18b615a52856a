//! Watches an attempt while it works: renews the leases of its job and message, and checks the
//! requester's scope again.

use std::{convert::Infallible, time::Duration};

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

use crate::{
    attempt_error::{AttemptError, Stop},
    scope::ExportScope,
    writer::Progress,
};

/// The time for which a message stays invisible in its queue after each renewal of its lease.
pub(crate) const MESSAGE_LEASE_TIME: Duration = Duration::from_secs(60);

/// The interval at which the job lease is renewed and the progress is recorded, and at which the
/// clock is read for the next check of the scope.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// The number of heartbeats after which the message's lease is renewed.
const HEARTBEATS_PER_MESSAGE_RENEWAL: u32 = 20;
/// The interval at which the requester's scope is checked again.
const SCOPE_CHECK_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// The time before the end of the invocation at which the attempt is canceled, so that it can
/// clean up.
const SHUTDOWN_TIME: SignedDuration = SignedDuration::from_secs(15);

/// Does the work while `watch` watches it, and cancels `token` when the first of them ends. If
/// `watch` ends, the work must stop; it may clean up first. If the work has succeeded nevertheless,
/// its result counts.
///
/// # Errors
/// The reason why `watch` ended, or the error of the work.
pub async fn watched<T>(
    token: &CancellationToken,
    watch: impl Future<Output = Result<Infallible, Stop>>,
    work: impl Future<Output = Result<T, AttemptError>>,
) -> Result<T, AttemptError> {
    let watch = async {
        let stop = token.run_until_cancelled(watch).await;
        token.cancel();
        stop
    };
    let work = async {
        let done = work.await;
        token.cancel();
        done
    };
    let (stop, done) = tokio::join!(watch, work);
    match (done, stop) {
        (Err(_), Some(Err(stop))) => Err(stop.into()),
        (done, _) => done,
    }
}

/// Does work that can be dropped at any point, unless `token` is canceled.
///
/// # Errors
/// [`AttemptError::Cancelled`], or the error of the work.
pub async fn unless_cancelled<T>(
    token: &CancellationToken,
    work: impl Future<Output = Result<T, AttemptError>>,
) -> Result<T, AttemptError> {
    token.run_until_cancelled(work).await.unwrap_or(Err(AttemptError::Cancelled))
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
    /// The clock for the current time.
    pub clock: &'a Clock,
    /// The time at which the invocation ends; `None` if it has no limit.
    pub deadline: Option<Timestamp>,
}

impl Heartbeat<'_> {
    /// Sends heartbeats. If a heartbeat cannot be recorded, the error is only logged: another worker
    /// can take over the job only after many failed heartbeats.
    ///
    /// # Errors
    /// The reason why the attempt must stop.
    pub async fn run(&self) -> Result<Infallible, Stop> {
        let mut ticks = interval(HEARTBEAT_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeats: u32 = 0;
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            if self.deadline.is_some_and(|deadline| now + SHUTDOWN_TIME >= deadline) {
                return Err(Stop::OutOfTime);
            }
            match self.jobs.renew_lease(self.job, self.progress.snapshot(), now).await {
                Ok(true) => {}
                Ok(false) => return Err(Stop::Lost),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not record a heartbeat");
                }
            }
            heartbeats = heartbeats.wrapping_add(1);
            if heartbeats.is_multiple_of(HEARTBEATS_PER_MESSAGE_RENEWAL) {
                self.lease.set_visibility(MESSAGE_LEASE_TIME).await;
            }
        }
    }
}

/// Checks every 30 seconds whether the requester still has the scope with which the file is written.
/// If the scope cannot be resolved, the attempt continues with the scope with which it began.
///
/// # Errors
/// The reason why the attempt must stop.
pub async fn check_scope(
    authority: &Authority,
    clock: &Clock,
    job: &Job,
    began_under: &ExportScope,
) -> Result<Infallible, Stop> {
    // The clock decides, as for every other time, and a test can set it.
    let mut ticks = interval(HEARTBEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut checked_at = clock.now();
    loop {
        ticks.tick().await;
        let now = clock.now();
        if now < checked_at + SCOPE_CHECK_INTERVAL {
            continue;
        }
        checked_at = now;
        match began_under.renewed(authority, job).await {
            Ok(scope) if scope == *began_under => {}
            Ok(_) => return Err(Stop::ScopeChanged),
            Err(
                AccessError::Disabled | AccessError::OutOfScope | AccessError::OutOfNarrowedScope,
            ) => return Err(Stop::Forbidden),
            Err(error @ (AccessError::Directory(_) | AccessError::Table(_))) => {
                tracing::warn!(
                    error = %chain(&error),
                    "could not check the requester's scope again"
                );
            }
        }
    }
}
