//! Processes the due items of exports. The clean-up function calls it.

use jiff::Timestamp;

use super::{
    event,
    files::{Files, FilesError},
    job::{FailureCode, JobRef},
    jobs::Jobs,
    transition::Overdue,
};
use crate::{
    outbox::Outbox,
    table::{DueItem, TableError},
};

/// Why a due item was not processed. The item stays, and a later clean-up processes it again.
#[derive(Debug, thiserror::Error)]
pub enum ExpiryError {
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The call to the bucket failed.
    #[error(transparent)]
    Files(#[from] FilesError),
}

/// Processes a [`DueKind::JobDeadline`](crate::table::DueKind::JobDeadline). At its first passed
/// deadline, an active job is queued again. At the second, the job fails and its owner is informed.
/// Also deletes the objects that the job's attempts left in the bucket.
///
/// # Errors
/// [`ExpiryError`]. It is safe to call this function again.
pub async fn deadline_passed(
    jobs: &Jobs,
    files: &Files,
    outbox: &Outbox,
    item: &DueItem,
    now: Timestamp,
) -> Result<(), ExpiryError> {
    let at: JobRef = item.due.payload()?;
    match jobs.overdue(&at, item.due.at, now).await? {
        Overdue::Requeued(job, message) => {
            outbox.send(&[message]).await;
            files.discard_attempts(&job, job.attempt).await?;
        }
        Overdue::Failed(job, message) => {
            event::export_failed(&job, FailureCode::ExportFailed);
            outbox.send(&[message]).await;
            files.purge(&job).await?;
        }
        Overdue::Ended(job) => files.purge(&job).await?,
        Overdue::Unchanged => {}
    }
    Ok(jobs.table().complete_due(&item.key).await?)
}

/// Processes a [`DueKind::FileExpiry`](crate::table::DueKind::FileExpiry): 48 hours after the
/// upload of a file began, deletes the job's objects and sets the job's status to `expired`.
///
/// # Errors
/// [`ExpiryError`]. It is safe to call this function again.
pub async fn file_expired(
    jobs: &Jobs,
    files: &Files,
    item: &DueItem,
    now: Timestamp,
) -> Result<(), ExpiryError> {
    let at: JobRef = item.due.payload()?;
    if let Some((job, ended)) = jobs.expire(&at, now).await? {
        files.purge(&job).await?;
        if ended {
            event::export_expired(&job);
        }
    }
    Ok(jobs.table().complete_due(&item.key).await?)
}
