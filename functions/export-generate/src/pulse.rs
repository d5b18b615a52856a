//! Keeps an attempt's claim and its message alive, and tells when the work must stop.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::{
    clock::Clock,
    entry::queue::Hold,
    export::{Job, Jobs},
};
use tokio::time::{MissedTickBehavior, interval};

use crate::{HOLD, writer::Progress};

/// How often an attempt gives a sign of life, and with it its progress.
const BEAT: Duration = Duration::from_secs(1);
/// After so many beats the message is kept hidden for longer.
const BEATS_PER_HOLD: u32 = 20;
/// What ending in good order takes, before the invocation's time is up.
const MARGIN: SignedDuration = SignedDuration::from_secs(15);

/// Why the work must stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stop {
    /// The job was called off, or somebody else has it now.
    #[error("the claim is lost")]
    Lost,
    /// The invocation's time is nearly up.
    #[error("the invocation's time is up")]
    OutOfTime,
}

/// The pulse of one attempt.
#[derive(Debug)]
pub struct Pulse<'a> {
    /// Where the job stands.
    pub jobs: &'a Jobs,
    /// The job as it was claimed.
    pub job: &'a Job,
    /// How far the work is.
    pub progress: &'a Progress,
    /// The message that has the work done.
    pub hold: &'a Hold,
    /// The time.
    pub clock: &'a Clock,
    /// When the invocation's time is up.
    pub deadline: Option<Timestamp>,
}

impl Pulse<'_> {
    /// Beats until the work must stop. A beat that cannot be given is logged: others take the job
    /// over only after many of them.
    pub async fn run(&self) -> Stop {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats: u32 = 0;
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            if self.deadline.is_some_and(|deadline| now + MARGIN >= deadline) {
                return Stop::OutOfTime;
            }
            match self.jobs.beat(self.job, self.progress.beat(), now).await {
                Ok(true) => {}
                Ok(false) => return Stop::Lost,
                Err(error) => tracing::warn!(%error, "a sign of life could not be given"),
            }
            beats = beats.wrapping_add(1);
            if beats.is_multiple_of(BEATS_PER_HOLD) {
                self.hold.set_visibility(HOLD).await;
            }
        }
    }
}
