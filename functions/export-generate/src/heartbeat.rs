//! Keeps an attempt's claim and its message alive, looks after the requester's scope, and tells when
//! the work must stop.

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

use crate::{LEASE_TIME, scope::ExportScope, writer::Progress};

/// How often an attempt gives a sign of life, and with it its progress.
const BEAT: Duration = Duration::from_secs(1);
/// After so many beats the message is kept hidden for longer.
const BEATS_PER_LEASE_RENEWAL: u32 = 20;
/// After so long the requester's scope is looked at again.
const SCOPE_TIME: SignedDuration = SignedDuration::from_secs(30);
/// What ending in good order takes, before the invocation's time is up.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Why the work must stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stop {
    /// The job was called off, or somebody else has it now.
    #[error("another worker has taken over the job, or the job is over")]
    Lost,
    /// The invocation's time is nearly up.
    #[error("the invocation is nearly out of time")]
    OutOfTime,
    /// The requester may not see contacts any more.
    #[error("the requester no longer has permission to see contacts")]
    Forbidden,
    /// The requester's scope is another one now: the file must be written anew.
    #[error("the requester's scope changed")]
    ScopeChanged,
}

/// The pulse of one attempt.
#[derive(Debug)]
pub struct Heartbeat<'a> {
    /// Where the job stands.
    pub jobs: &'a Jobs,
    /// The job as it was claimed.
    pub job: &'a Job,
    /// How far the work is.
    pub progress: &'a Progress,
    /// The message that has the work done.
    pub lease: &'a MessageLease,
    /// Tells what the requester may see, and the time.
    pub authority: &'a Authority,
    /// The time.
    pub clock: &'a Clock,
    /// What the file is written under, as soon as that is known.
    pub scope: &'a OnceLock<ExportScope>,
    /// When the invocation's time is up.
    pub deadline: Option<Timestamp>,
}

impl Heartbeat<'_> {
    /// Beats until the work must stop. A beat that cannot be given is logged: others take the job
    /// over only after many of them.
    pub async fn run(&self) -> Stop {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats: u32 = 0;
        let mut scope_seen_at = self.clock.now();
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            if self.deadline.is_some_and(|deadline| now + MARGIN >= deadline) {
                return Stop::OutOfTime;
            }
            match self.jobs.renew(self.job, self.progress.snapshot(), now).await {
                Ok(true) => {}
                Ok(false) => return Stop::Lost,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not record a heartbeat")
                }
            }
            beats = beats.wrapping_add(1);
            if beats.is_multiple_of(BEATS_PER_LEASE_RENEWAL) {
                self.lease.set_visibility(LEASE_TIME).await;
            }
            if now >= scope_seen_at + SCOPE_TIME {
                scope_seen_at = now;
                if let Some(stop) = self.scope_stop().await {
                    return stop;
                }
            }
        }
    }

    /// Whether the work must stop because of the requester's scope. While nobody can tell, the one
    /// that the attempt began under counts.
    async fn scope_stop(&self) -> Option<Stop> {
        let began_under = self.scope.get()?;
        match ExportScope::for_requester(self.authority, self.job).await {
            Ok(scope) => (scope != *began_under).then_some(Stop::ScopeChanged),
            Err(AccessError::Disabled | AccessError::OutOfScope) => Some(Stop::Forbidden),
            Err(error @ (AccessError::Directory(_) | AccessError::Table(_))) => {
                tracing::warn!(error = %chain(&error), "could not check the requester's scope again");
                None
            }
        }
    }
}
