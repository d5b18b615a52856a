//! Writes an export's file and uploads it (SPEC §4).
//!
//! Memory stays flat: [`source`] reads pointers and contacts ahead into a bounded channel,
//! [`writer`] makes rows of them on a thread of its own and a file of the rows on disk, [`upload`]
//! sends the file in parts. [`attempt`] joins them under one claim, which [`pulse`] keeps alive.

pub mod attempt;
pub mod cell;
pub mod csv;
pub mod file;
pub mod heartbeat;
pub mod row;
pub mod scope;
pub mod source;
pub mod upload;
pub mod writer;
pub mod xlsx;

use std::{sync::Arc, time::Duration};

use attempt::{Attempt, AttemptError};
use shared::{
    access::Authority,
    entry::queue::Message,
    environment::{Environment, StartError},
    error::chain,
    export::event,
    export::{FailureCode, Files, Job, JobLease, JobRef, Jobs, MAX_ATTEMPTS, STALE},
    outbox::{Outbox, Queue},
    services::Services,
    table::TableError,
};
use writer::Limits;

/// How long a message stays hidden after the last sign of life of the one who works on it.
const LEASE_TIME: Duration = Duration::from_secs(60);
/// The pause before the second attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The environment variable with the URL of the queue that feeds the function.
pub const QUEUE_URL: &str = "EXPORT_QUEUE_URL";

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Tells whose contacts a file may hold.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// Where jobs stand.
    pub jobs: Jobs,
    /// Where files go.
    pub files: Files,
    /// Has the end told.
    pub outbox: Outbox,
    /// How large a file may be.
    pub limits: Limits,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self {
            jobs: Jobs::new(services.table.clone()),
            authority: Authority::new(services.clone()),
            services,
            files: environment.files()?,
            outbox: environment.outbox(&[Queue::ExportEmail])?,
            limits: Limits::default(),
        })
    }
}

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Somebody else is at work on the job.
    #[error("another worker is processing the job")]
    Busy,
    /// The attempt failed; another one may not.
    #[error("attempt {0} failed: {1}")]
    Attempt(u32, #[source] AttemptError),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Works on one job, if it is there to be worked on: a message that comes twice, or late, changes
/// nothing.
///
/// # Errors
/// [`GenerateError`] when the message is to come back.
pub async fn handle(app: Arc<App>, message: Message<JobRef>) -> Result<(), GenerateError> {
    let now = app.services.clock.now();
    match app.jobs.claim(&message.body, now).await? {
        JobLease::Over => Ok(()),
        JobLease::Busy => {
            // The longest work outlasts the few tries that the queue grants: they wait ever longer.
            let pause = STALE.unsigned_abs() + FIRST_PAUSE;
            message.lease.set_visibility(pause * message.receive_count.clamp(1, 10)).await;
            Err(GenerateError::Busy)
        }
        JobLease::Exhausted(job) => Ok(app.fail(&job, FailureCode::ExportFailed).await?),
        JobLease::Held(job) => {
            let attempt =
                Attempt { app: &app, job: &job, lease: &message.lease, deadline: message.deadline };
            match attempt.run().await {
                Ok(()) => Ok(()),
                Err(error) => app.attempt_failed(&job, error, &message).await,
            }
        }
    }
}

impl App {
    /// Decides what becomes of a job whose attempt failed.
    async fn attempt_failed(
        &self,
        job: &Job,
        error: AttemptError,
        message: &Message<JobRef>,
    ) -> Result<(), GenerateError> {
        let (code, is_final) = error.verdict();
        if !error.is_lost() {
            if is_final || job.attempt >= MAX_ATTEMPTS {
                let attempt = job.attempt;
                tracing::warn!(job_id = %job.id, attempt, error = %chain(&error), "the export failed");
                return Ok(self.fail(job, code).await?);
            }
            if self.jobs.give_back(job).await? {
                let pause = FIRST_PAUSE * 2u32.pow(job.attempt.saturating_sub(1));
                message.lease.set_visibility(pause).await;
                return Err(GenerateError::Attempt(job.attempt, error));
            }
        }
        // Whoever has the job now needs its message, unless it is over.
        match self.jobs.get(&job.at()).await? {
            Some(now) if now.status.is_active() => Err(GenerateError::Attempt(job.attempt, error)),
            _ => Ok(()),
        }
    }

    /// Fails a job for good and has its owner told. What its attempts left is taken away here; the
    /// clean-up does it should that fail.
    async fn fail(&self, job: &Job, code: FailureCode) -> Result<(), TableError> {
        let now = self.services.clock.now();
        let Some((job, message)) = self.jobs.fail(job, code, now).await? else { return Ok(()) };
        self.outbox.send(&[message]).await;
        event::export_failed(&job, code);
        if let Err(error) = self.files.purge(&job).await {
            tracing::warn!(job_id = %job.id, error = %chain(&error), "could not delete the files of a failed export; the clean-up will delete them");
        }
        Ok(())
    }
}

#[cfg(test)]
mod contact_tests;
