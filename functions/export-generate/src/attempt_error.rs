//! Why an attempt failed or had to stop.

use shared::{
    access::AccessError,
    directory::DirectoryError,
    export::{FailureCode, FilesError},
    table::TableError,
};
use tokio::task::JoinError;

use crate::{file_error::FileError, upload::UploadError, writer::WriteError};

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

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The requester may not see contacts, or it could not be determined which contacts.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Launchpad did not return the names of the company's teams.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The call to the bucket failed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The file could not be uploaded.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The writer's thread panicked, for example because the disk is full (see
    /// [`XlsxFile::row`](crate::xlsx::XlsxFile::row)).
    #[error("the writer thread panicked")]
    Thread(#[from] JoinError),
    /// The attempt had to stop.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// Work ended early because its token was canceled. [`watched`](crate::heartbeat::watched) knows the reason.
    #[error("the attempt was canceled")]
    Cancelled,
}

impl AttemptError {
    /// Whether another worker has taken over the job, or the job has ended.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Stopped(Stop::Lost))
    }

    /// The code that the requester gets if this was the last attempt, and whether another attempt
    /// would certainly fail in the same way.
    pub(crate) fn failure_code(&self) -> (FailureCode, bool) {
        match self {
            Self::Access(
                AccessError::Disabled | AccessError::OutOfScope | AccessError::OutOfNarrowedScope,
            )
            | Self::Stopped(Stop::Forbidden) => (FailureCode::Forbidden, true),
            Self::Access(AccessError::Directory(_)) | Self::Directory(_) => {
                (FailureCode::DirectoryUnavailable, false)
            }
            Self::Write(WriteError::TooLarge | WriteError::File(FileError::TooLarge)) => {
                (FailureCode::ExportTooLarge, true)
            }
            _ => (FailureCode::ExportFailed, false),
        }
    }
}
