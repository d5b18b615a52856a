//! One attempt at a job: everything between its claim and its end.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use shared::{
    access::{AccessError, Permission, Scope},
    contact::Contacts,
    directory::DirectoryError,
    entry::queue::Hold,
    event,
    export::{FailureCode, Field, FilesError, Finished, Job, Selection, content_disposition},
    metric::{self, Slice},
    table::TableError,
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::{JoinError, JoinHandle, spawn_blocking},
};

use crate::{
    App, HOLD,
    file::ChunkSender,
    pulse::{Pulse, Stop},
    row::RowPlan,
    source::{self, Feed},
    upload::{Upload, UploadError},
    writer::{self, FilePlan, Progress, WriteError, Written},
};

/// Reads that wait for the writer.
const FEED_AHEAD: usize = 2;
/// Chunks of bytes that wait for the upload.
const BYTES_AHEAD: usize = 8;

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The requester may not, or cannot be told to, see contacts.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Launchpad could not name the teams.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The bucket's trouble.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The upload's trouble.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The file's trouble.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The writer's thread died, as it does when the disk is full.
    #[error("the writer's thread died")]
    Thread(#[from] JoinError),
    /// The work had to stop.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl AttemptError {
    /// Whether somebody else has the job now, or it is over.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Stopped(Stop::Lost))
    }

    /// What the requester is told if this was the last attempt, and whether it is in any case.
    pub(crate) fn verdict(&self) -> (FailureCode, bool) {
        match self {
            Self::Access(AccessError::Disabled | AccessError::OutOfScope) => {
                (FailureCode::Forbidden, true)
            }
            Self::Access(AccessError::Directory(_)) | Self::Directory(_) => {
                (FailureCode::DirectoryUnavailable, false)
            }
            Self::Write(WriteError::TooLarge) => (FailureCode::ExportTooLarge, true),
            _ => (FailureCode::ExportFailed, false),
        }
    }
}

/// One attempt.
pub(crate) struct Attempt<'a> {
    pub(crate) app: &'a App,
    pub(crate) job: &'a Job,
    pub(crate) earlier: Option<&'a Job>,
    pub(crate) hold: &'a Hold,
    pub(crate) deadline: Option<Timestamp>,
}

impl Attempt<'_> {
    /// Makes the file and completes the job.
    ///
    /// # Errors
    /// [`AttemptError`]; nothing of the attempt is left then, or the next one takes it away.
    pub(crate) async fn run(&self) -> Result<(), AttemptError> {
        self.hold.set_visibility(HOLD).await;
        if let Some(earlier) = self.earlier {
            self.app.files.discard_attempt(earlier).await?;
        }
        let (scope, rows) = tokio::try_join!(self.scope(), self.rows())?;
        let upload_started_at = self.now();
        let mut upload = Upload::begin(
            self.app.files.client(),
            self.app.files.bucket(),
            &self.job.object_key(),
            self.job.format.content_type(),
            &content_disposition(&self.job.file_name),
        )
        .await?;
        match self.fill(&mut upload, &scope, rows).await {
            Ok((written, size_bytes)) => {
                let Written { rows, skipped, cut_cells, .. } = written;
                let file = Finished { upload_started_at, rows, skipped, cut_cells, size_bytes };
                self.complete(file).await
            }
            Err(error) => {
                if let Err(abort) = upload.abort().await {
                    tracing::warn!(job_id = %self.job.id, error = %abort, "an upload is left");
                }
                Err(error)
            }
        }
    }

    /// The requester's scope as it is now; there is no fallback (SPEC §2).
    async fn scope(&self) -> Result<Scope, AttemptError> {
        let needed = [Permission::ViewCustomers];
        let session = self.app.authority.strict_session(&self.job.viewer(), &needed).await?;
        Ok(session.scope(Permission::ViewCustomers)?)
    }

    async fn rows(&self) -> Result<RowPlan, AttemptError> {
        let columns = self.job.columns.clone();
        let names_teams = columns.iter().any(|column| column.field == Field::TeamOwnerNames);
        let teams = match names_teams {
            true => self.app.authority.directory().team_names(&self.job.company).await?,
            false => std::collections::HashMap::new(),
        };
        let zone = TimeZone::get(&self.job.time_zone).unwrap_or(TimeZone::UTC);
        Ok(RowPlan { columns, zone, teams })
    }

    /// Fills the upload and completes it, as long as the claim holds.
    async fn fill(
        &self,
        upload: &mut Upload,
        scope: &Scope,
        rows: RowPlan,
    ) -> Result<(Written, u64), AttemptError> {
        if !self.app.jobs.record_upload(self.job, upload.upload_id()).await? {
            return Err(Stop::Lost.into());
        }
        let progress = Arc::new(Progress::default());
        let (feed_in, feed) = mpsc::channel(FEED_AHEAD);
        let (bytes_in, bytes) = mpsc::channel(BYTES_AHEAD);
        let mut writer = self.spawn_writer(rows, feed, bytes_in, Arc::clone(&progress));
        let pulse = Pulse {
            jobs: &self.app.jobs,
            job: self.job,
            progress: &progress,
            hold: self.hold,
            clock: self.app.authority.clock(),
            deadline: self.deadline,
        };
        let filled = tokio::select! {
            filled = self.pipe(upload, &mut writer, scope, feed_in, bytes) => filled,
            stop = pulse.run() => Err(stop.into()),
        };
        if !writer.is_finished() {
            // Its channels are gone, so it ends soon; nothing may run on behind the invocation.
            let _ = writer.await;
        }
        filled
    }

    fn spawn_writer(
        &self,
        rows: RowPlan,
        feed: Receiver<Feed>,
        bytes: Sender<Bytes>,
        progress: Arc<Progress>,
    ) -> JoinHandle<Result<Written, WriteError>> {
        let plan = FilePlan {
            format: self.job.format,
            locale: self.job.locale,
            max_rows: writer::max_rows(rows.columns.len()),
            rows,
        };
        spawn_blocking(move || writer::write(&plan, feed, ChunkSender::new(bytes), &progress))
    }

    /// Reads, writes and uploads side by side, then completes the upload. Returns what was written
    /// and its size.
    async fn pipe(
        &self,
        upload: &mut Upload,
        writer: &mut JoinHandle<Result<Written, WriteError>>,
        scope: &Scope,
        feed: Sender<Feed>,
        bytes: Receiver<Bytes>,
    ) -> Result<(Written, u64), AttemptError> {
        let (fed, sent) = tokio::join!(self.feed(scope, feed), send(upload, bytes));
        let written = writer.await?;
        // The stage that broke first, and made the others break off, is the one that counts.
        sent?;
        fed?;
        let written = written?;
        if let Some(file) = &written.file {
            upload.push_file(file.path()).await?;
        }
        let size = upload.complete().await?;
        Ok((written, size))
    }

    async fn feed(&self, scope: &Scope, into: Sender<Feed>) -> Result<(), AttemptError> {
        let contacts = Contacts::under(&self.app.authority, &self.job.company);
        match &self.job.selection {
            Selection::Ids { .. } => {
                let ids = self.app.files.ids(self.job).await?;
                source::feed_ids(&contacts, scope, &ids, into).await?;
            }
            Selection::Filter(filter) => {
                source::feed_filter(&contacts, scope, filter, into).await?;
            }
        }
        Ok(())
    }

    /// The last transition. Whoever fails it takes away the object that it made.
    async fn complete(&self, file: Finished) -> Result<(), AttemptError> {
        let Some((job, message)) = self.app.jobs.complete(self.job, file, self.now()).await? else {
            self.app.files.delete(&self.job.object_key()).await?;
            return Err(Stop::Lost.into());
        };
        self.app.outbox.send(&[message]).await;
        event::export_completed(&job);
        let took = self.now().duration_since(job.started_at.unwrap_or(job.created_at));
        // Counts of rows are far below where a float loses one.
        #[allow(clippy::cast_precision_loss)]
        let rows = job.rows as f64;
        metric::emit(&[
            Slice {
                by: &[("format", job.format.extension())],
                metrics: &[("ExportDuration", "Milliseconds", took.as_secs_f64() * 1000.0)],
            },
            Slice {
                by: &[],
                metrics: &[
                    ("ExportRows", "Count", rows),
                    ("ExportFailed", "Count", metric::share(false)),
                ],
            },
        ]);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.app.authority.clock().now()
    }
}

/// Uploads what a streaming format writes.
async fn send(upload: &mut Upload, mut bytes: Receiver<Bytes>) -> Result<(), UploadError> {
    while let Some(chunk) = bytes.recv().await {
        upload.push(chunk).await?;
    }
    Ok(())
}
