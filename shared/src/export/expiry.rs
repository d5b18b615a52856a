//! What the clean-up does for exports when their due items come.

use jiff::Timestamp;

use super::{FailureCode, Files, FilesError, JobRef, Jobs, event, transition::Overdue};
use crate::{
    outbox::Outbox,
    table::{DueItem, TableError},
};

/// What the clean-up could not do; the due item stays and is worked off again.
#[derive(Debug, thiserror::Error)]
pub enum ExpiryError {
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The bucket's trouble.
    #[error(transparent)]
    Files(#[from] FilesError),
}

/// Works off a [`DueKind::JobDeadline`](crate::table::DueKind::JobDeadline): a job whose deadline
/// passed is queued once more, then fails and its owner is told; what attempts left is taken away.
///
/// # Errors
/// [`ExpiryError`]; doing it again is harmless.
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
        Overdue::Over(job) => files.purge(&job).await?,
        Overdue::Nothing => {}
    }
    Ok(jobs.table().complete_due(&item.key).await?)
}

/// Works off a [`DueKind::FileExpiry`](crate::table::DueKind::FileExpiry): a file's 48 hours are
/// over, its objects go and the job is `expired`.
///
/// # Errors
/// [`ExpiryError`]; doing it again is harmless.
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
