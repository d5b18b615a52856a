//! Writes the file of an export job and uploads it (SPEC §4).
//!
//! Memory use does not depend on the size of the file. [`source`] reads contacts ahead into a
//! bounded channel. [`writer`] converts them to rows on a separate thread and writes the rows to
//! disk. [`upload`] sends the file in parts.
//!
//! | module | what it does |
//! |---|---|
//! | [`attempt`] | runs one attempt at a job under its lease |
//! | [`attempt_error`] | why an attempt failed or had to stop |
//! | [`heartbeat`] | renews the leases, and cancels the attempt |
//! | [`scope`] | which contacts the file may contain |
//! | [`source`] | reads the contacts |
//! | [`row`], `custom`, [`cell`] | turn a contact into cells that are safe in a spreadsheet |
//! | [`writer`] | writes rows to a file on a blocking thread |
//! | [`file`](mod@file), [`csv`], [`xlsx`], [`settings`], [`file_error`] | the file on disk, in either format |
//! | [`upload`] | uploads the file to S3 |

mod app;
pub mod attempt;
pub mod attempt_error;
pub mod cell;
pub mod csv;
mod custom;
pub mod file;
pub mod file_error;
pub mod heartbeat;
pub mod row;
pub mod scope;
pub mod settings;
pub mod source;
pub mod upload;
pub mod writer;
pub mod xlsx;

use std::{sync::Arc, time::Duration};

pub use app::App;
use attempt::Attempt;
use attempt_error::AttemptError;
use shared::{
    entry::queue::Message,
    error::chain,
    export::{FailureCode, JOB_LEASE_TIME, Job, JobLease, JobRef, MAX_ATTEMPTS, event},
    table::TableError,
};

/// The pause before the second attempt. It doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The environment variable with the URL of the queue that invokes the function.
pub const QUEUE_URL: &str = "EXPORT_QUEUE_URL";

/// Why a message must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Another worker has the job lease.
    #[error("another worker is processing the job")]
    Busy,
    /// The attempt with this number failed, but another attempt may succeed.
    #[error("attempt {0} failed")]
    Attempt(u32, #[source] AttemptError),
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Processes one job if its job lease is available. A message that is delivered twice or late
/// changes nothing.
///
/// # Errors
/// [`GenerateError`] if the message must be delivered again.
pub async fn handle(app: Arc<App>, message: Message<JobRef>) -> Result<(), GenerateError> {
    let now = app.services.clock.now();
    match app.jobs.acquire_lease(&message.body, now).await? {
        JobLease::Finished => Ok(()),
        JobLease::HeldByAnother => {
            // The queue moves a message to the dead-letter queue after a few deliveries, and an
            // attempt can take longer than these. So the pause grows with each delivery, which
            // keeps the message in the queue until the attempt ends.
            let pause = JOB_LEASE_TIME.unsigned_abs() + FIRST_PAUSE;
            message.lease.set_visibility(pause * message.receive_count.clamp(1, 10)).await;
            Err(GenerateError::Busy)
        }
        JobLease::AttemptsExhausted(job) => Ok(app.fail(&job, FailureCode::ExportFailed).await?),
        JobLease::Acquired(job) => {
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
    /// Handles a failed attempt: fails the job, or releases its lease for another attempt.
    async fn attempt_failed(
        &self,
        job: &Job,
        error: AttemptError,
        message: &Message<JobRef>,
    ) -> Result<(), GenerateError> {
        let (code, is_final) = error.failure_code();
        if !error.is_lost() {
            if is_final || job.attempt >= MAX_ATTEMPTS {
                let attempt = job.attempt;
                tracing::warn!(
                    job_id = %job.id,
                    attempt,
                    error = %chain(&error),
                    "the export failed"
                );
                return Ok(self.fail(job, code).await?);
            }
            if self.jobs.release_lease(job).await? {
                let pause = FIRST_PAUSE * 2u32.pow(job.attempt.saturating_sub(1));
                message.lease.set_visibility(pause).await;
                return Err(GenerateError::Attempt(job.attempt, error));
            }
        }
        // If the job is still active, another worker may have it and need its message.
        match self.jobs.get(&job.reference()).await? {
            Some(now) if now.status.is_active() => Err(GenerateError::Attempt(job.attempt, error)),
            _ => Ok(()),
        }
    }

    /// Fails a job and starts the delivery of this result. Also deletes the objects that the
    /// attempts left in the bucket; if that fails, the clean-up deletes them.
    async fn fail(&self, job: &Job, code: FailureCode) -> Result<(), TableError> {
        let now = self.services.clock.now();
        let Some((job, message)) = self.jobs.fail(job, code, now).await? else { return Ok(()) };
        self.outbox.send(&[message]).await;
        event::export_failed(&job, code);
        if let Err(error) = self.files.purge(&job).await {
            tracing::warn!(
                job_id = %job.id,
                error = %chain(&error),
                "could not delete the files of a failed export; the clean-up will delete them"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod contact_tests;
#[cfg(test)]
mod libreoffice_tests;
