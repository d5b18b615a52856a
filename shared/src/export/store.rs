use jiff::Timestamp;

use super::{Files, FilesError, Job, Jobs};
use crate::clock::Clock;

/// The jobs, their files and the time: what is needed to hand finished files out.
#[derive(Clone, Debug)]
pub struct ExportStore {
    /// Where jobs and links stand.
    pub jobs: Jobs,
    /// Where the files are.
    pub files: Files,
    /// Tells whether a file has expired.
    pub clock: Clock,
}

impl ExportStore {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An address under which a job's file can be had for ten minutes; `None` when it cannot be
    /// had any more.
    ///
    /// # Errors
    /// When no address can be signed.
    pub async fn download_url(&self, job: &Job) -> Result<Option<String>, FilesError> {
        self.files.download_url(job, self.now()).await
    }
}
