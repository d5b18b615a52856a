use jiff::Timestamp;

use super::{
    files::{Files, FilesError},
    job::Job,
    jobs::Jobs,
    order::Selection,
};
use crate::{clock::Clock, error::chain};

/// The jobs, their files and the clock. Functions use it to let users download finished files.
#[derive(Clone, Debug)]
pub struct ExportStore {
    /// The jobs and their download links in the table.
    pub jobs: Jobs,
    /// The bucket with the files.
    pub files: Files,
    /// The clock that decides whether a file has expired.
    pub clock: Clock,
}

impl ExportStore {
    /// The current time of [`ExportStore::clock`]. Tests can set it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the user selected for a job, with the texts of the filter; `None` if they were deleted
    /// with the file, or cannot be read now.
    pub async fn selection(&self, job: &Job) -> Option<Selection> {
        if !job.filter_texts.is_empty() && !job.has_objects(self.now()) {
            return None;
        }
        let read = self.files.selection(job).await;
        read.inspect_err(|error| {
            tracing::warn!(error = %chain(error), "could not read the filter of an export");
        })
        .ok()
    }

    /// Calls [`Files::download_url`] with the current time.
    ///
    /// # Errors
    /// [`FilesError`] if no URL can be signed.
    pub async fn download_url(&self, job: &Job) -> Result<Option<String>, FilesError> {
        self.files.download_url(job, self.now()).await
    }

    /// Calls [`Files::head_url`] with the current time.
    ///
    /// # Errors
    /// [`FilesError`] if no URL can be signed.
    pub async fn head_url(&self, job: &Job) -> Result<Option<String>, FilesError> {
        self.files.head_url(job, self.now()).await
    }
}
