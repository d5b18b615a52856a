//! One attempt at a job: everything between its claim and its end.

use std::{
    collections::{HashMap, HashSet},
    pin::{Pin, pin},
    sync::{Arc, OnceLock},
};

use jiff::{Timestamp, tz::TimeZone};
use shared::{
    access::AccessError,
    contact::{Catalog, Contacts, FieldType},
    directory::DirectoryError,
    entry::queue::MessageLease,
    error::chain,
    export::event,
    export::{FailureCode, Field, FilesError, Finished, Job, content_disposition},
    id::CompanyId,
    table::{Table, TableError},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::{JoinError, JoinHandle, spawn_blocking},
};

use crate::{
    App, LEASE_TIME,
    file::FileError,
    heartbeat::{Heartbeat, Stop},
    row::RowPlan,
    scope::ExportScope,
    source::{self, Feed},
    upload::{Upload, UploadError},
    writer::{self, FilePlan, Progress, WriteError, Written},
};

/// Reads that wait for the writer.
const FEED_AHEAD: usize = 2;

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
    #[error("the writer thread panicked")]
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
            Self::Stopped(Stop::Forbidden) => (FailureCode::Forbidden, true),
            Self::Write(WriteError::TooLarge | WriteError::File(FileError::TooLarge)) => {
                (FailureCode::ExportTooLarge, true)
            }
            _ => (FailureCode::ExportFailed, false),
        }
    }
}

/// One attempt.
pub(crate) struct Attempt<'a> {
    pub(crate) app: &'a App,
    pub(crate) job: &'a Job,
    pub(crate) lease: &'a MessageLease,
    pub(crate) deadline: Option<Timestamp>,
}

impl Attempt<'_> {
    /// Makes the file and completes the job.
    ///
    /// # Errors
    /// [`AttemptError`]; nothing of the attempt is left then, or the next one takes it away.
    pub(crate) async fn run(&self) -> Result<(), AttemptError> {
        self.lease.set_visibility(LEASE_TIME).await;
        let (progress, scope) = (Arc::new(Progress::default()), OnceLock::new());
        let heartbeat = Heartbeat {
            jobs: &self.app.jobs,
            job: self.job,
            progress: &progress,
            lease: self.lease,
            authority: &self.app.authority,
            clock: &self.app.services.clock,
            scope: &scope,
            deadline: self.deadline,
        };
        let mut stop = pin!(heartbeat.run());
        let (scope, rows) = tokio::select! {
            prepared = self.prepare(&scope) => prepared?,
            stop = stop.as_mut() => return Err(stop.into()),
        };
        let written = self.write(scope, rows, Arc::clone(&progress), stop.as_mut()).await?;
        let file = self.upload(&written, stop).await?;
        self.complete(file).await
    }

    /// What must be known before the first row: what the requester may see, which is told to the pulse
    /// through `scope`, and what rows are made by.
    async fn prepare<'r>(
        &self,
        scope: &'r OnceLock<ExportScope>,
    ) -> Result<(&'r ExportScope, RowPlan), AttemptError> {
        self.app.files.discard_attempts(self.job, self.job.attempt - 1).await?;
        let (found, rows) = tokio::try_join!(
            async { Ok(ExportScope::for_requester(&self.app.authority, self.job).await?) },
            self.rows()
        )?;
        Ok((scope.get_or_init(|| found), rows))
    }

    /// What rows are made by. Names are looked up once for all of them, where a column shows some.
    async fn rows(&self) -> Result<RowPlan, AttemptError> {
        let columns = self.job.columns.clone();
        let shows = |fields: &[Field]| columns.iter().any(|column| fields.contains(&column.field));
        let (directory, company) = (&self.app.services.directory, &self.job.company);
        let teams = async {
            match shows(&[Field::TeamOwnerNames]) {
                true => directory.team_names(company).await,
                false => Ok(HashMap::new()),
            }
        };
        let people = async {
            if !shows(&[Field::OwnerName, Field::AssigneeName]) {
                return HashMap::new();
            }
            // Contacts hold the names that their people had: no reason to fail for the newest.
            let names = directory.people_names(company).await;
            names.unwrap_or_else(|error| {
                tracing::warn!(job_id = %self.job.id, error = %chain(&error), "could not load people's names; using the names stored on contacts");
                HashMap::new()
            })
        };
        let dates = async {
            match columns.iter().any(|column| matches!(column.field, Field::Custom(_))) {
                true => date_fields(&self.app.services.table, company).await,
                false => Ok(HashSet::new()),
            }
        };
        let (teams, people, dates) = tokio::join!(teams, people, dates);
        let (teams, dates) = (teams?, dates?);
        let zone = TimeZone::get(&self.job.time_zone).unwrap_or(TimeZone::UTC);
        Ok(RowPlan { columns, zone, teams, people, dates })
    }

    /// Reads and writes side by side until the file is whole.
    async fn write(
        &self,
        scope: &ExportScope,
        rows: RowPlan,
        progress: Arc<Progress>,
        stop: Pin<&mut impl Future<Output = Stop>>,
    ) -> Result<Written, AttemptError> {
        let (feed_in, feed) = mpsc::channel(FEED_AHEAD);
        let mut writer = self.spawn_writer(rows, feed, Arc::clone(&progress));
        let written = tokio::select! {
            written = self.pipe(&mut writer, scope, feed_in) => written,
            stop = stop => Err(stop.into()),
        };
        if !writer.is_finished() {
            // Its channel is gone and it is told to halt, so it ends soon; nothing may run on behind
            // the invocation.
            progress.halt.set();
            let _ = writer.await;
        }
        written
    }

    fn spawn_writer(
        &self,
        rows: RowPlan,
        feed: Receiver<Feed>,
        progress: Arc<Progress>,
    ) -> JoinHandle<Result<Written, WriteError>> {
        let plan = FilePlan {
            format: self.job.format,
            locale: self.job.locale,
            max_rows: self.app.limits.rows_of(rows.columns.len()),
            rows,
        };
        spawn_blocking(move || writer::write(&plan, feed, &progress))
    }

    async fn pipe(
        &self,
        writer: &mut JoinHandle<Result<Written, WriteError>>,
        scope: &ExportScope,
        feed: Sender<Feed>,
    ) -> Result<Written, AttemptError> {
        let fed = self.feed(scope, feed).await;
        let written = writer.await?;
        // The stage that broke first, and made the other break off, is the one that counts.
        fed?;
        Ok(written?)
    }

    async fn feed(&self, scope: &ExportScope, into: Sender<Feed>) -> Result<(), AttemptError> {
        let contacts = Contacts::from_services(&self.app.services, &self.job.company);
        match &scope.criteria {
            None => {
                let ids = self.app.files.ids(self.job).await?;
                source::feed_ids(&contacts, &scope.scope, &ids, into).await?;
            }
            Some(criteria) => {
                source::feed_filter(&contacts, &scope.scope, criteria.clone(), into).await?;
            }
        }
        Ok(())
    }

    /// Uploads the file, as long as the claim and the scope hold.
    async fn upload(
        &self,
        written: &Written,
        stop: Pin<&mut impl Future<Output = Stop>>,
    ) -> Result<Finished, AttemptError> {
        let upload_started_at = self.now();
        let mut upload = Upload::begin(
            self.app.files.client(),
            self.app.files.bucket(),
            &self.job.object_key(),
            self.job.format.content_type(),
            &content_disposition(&self.job.file_name),
        )
        .await?;
        let sent = tokio::select! {
            sent = upload.send(written.file.path()) => sent.map_err(AttemptError::from),
            stop = stop => Err(stop.into()),
        };
        match sent {
            Ok(size_bytes) => Ok(Finished {
                upload_started_at,
                rows: written.rows,
                skipped: written.skipped,
                cut_cells: written.file.cut_cells(),
                size_bytes,
            }),
            Err(error) => {
                if let Err(left) = self.take_back(upload).await {
                    tracing::warn!(job_id = %self.job.id, error = %chain(&left), "could not abort an upload");
                }
                Err(error)
            }
        }
    }

    /// Leaves neither parts nor an object: the upload may have been completed behind an answer that
    /// nobody waited for any more.
    async fn take_back(&self, upload: Upload) -> Result<(), AttemptError> {
        upload.abort().await?;
        Ok(self.app.files.delete(&self.job.object_key()).await?)
    }

    /// The last transition. Whoever fails it takes away the object that it made.
    async fn complete(&self, file: Finished) -> Result<(), AttemptError> {
        let Some((job, message)) = self.app.jobs.complete(self.job, file, self.now()).await? else {
            self.app.files.delete(&self.job.object_key()).await?;
            return Err(Stop::Lost.into());
        };
        self.app.outbox.send(&[message]).await;
        event::export_completed(&job);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.app.services.clock.now()
    }
}

/// The keys of a company's own fields that hold dates.
async fn date_fields(table: &Table, company: &CompanyId) -> Result<HashSet<String>, AttemptError> {
    let fields = Catalog::of(table, company).await?.into_iter();
    let dates = fields.filter(|field| field.field_type == FieldType::Date);
    Ok(dates.map(|field| field.key).collect())
}
