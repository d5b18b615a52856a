//! One attempt at a job: all steps from taking the job lease to completing the job.

use std::{collections::HashMap, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use shared::{
    contact::Contacts,
    entry::queue::MessageLease,
    error::chain,
    export::{Field, Finished, Job, content_disposition, event},
    locale::Locale,
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    attempt_error::{AttemptError, Stop},
    heartbeat::{Heartbeat, MESSAGE_LEASE_TIME, check_scope, unless_cancelled, watched},
    row::RowPlan,
    scope::ExportScope,
    settings::FileSettings,
    source::{self, Feed},
    upload::Upload,
    writer::{self, FilePlan, Progress, WriteError, Written},
};

/// The maximum number of chunks of contacts that wait for the writer.
const FEED_AHEAD: usize = 2;

/// One attempt at a job.
pub(crate) struct Attempt<'a> {
    pub(crate) app: &'a App,
    pub(crate) job: &'a Job,
    pub(crate) lease: &'a MessageLease,
    pub(crate) deadline: Option<Timestamp>,
}

impl Attempt<'_> {
    /// Makes the file, uploads it and completes the job.
    ///
    /// # Errors
    /// [`AttemptError`]. The attempt then deletes its objects from the bucket. If it cannot, the
    /// next attempt deletes them.
    pub(crate) async fn run(&self) -> Result<(), AttemptError> {
        self.lease.set_visibility(MESSAGE_LEASE_TIME).await;
        let (progress, token) = (Arc::new(Progress::default()), CancellationToken::new());
        let heartbeat = Heartbeat {
            jobs: &self.app.jobs,
            job: self.job,
            progress: &progress,
            lease: self.lease,
            clock: &self.app.services.clock,
            deadline: self.deadline,
        };
        // The futures of an attempt are large, and each wrapper around one would have it twice.
        let file = Box::pin(self.make_file(&progress, &token));
        let file = watched(&token, heartbeat.run(), file).await?;
        self.complete(file).await
    }

    /// Makes the file and uploads it, unless `token` is canceled.
    async fn make_file(
        &self,
        progress: &Arc<Progress>,
        token: &CancellationToken,
    ) -> Result<Finished, AttemptError> {
        let (scope, rows) = unless_cancelled(token, Box::pin(self.prepare())).await?;
        let services = &self.app.services;
        let scope_check = check_scope(&self.app.authority, &services.clock, self.job, &scope);
        let file = async {
            let written = self.write(&scope, rows, progress, token).await?;
            self.upload(&written, token).await
        };
        watched(token, Box::pin(scope_check), Box::pin(file)).await
    }

    /// Loads what is needed before the first row: the requester's scope, and the plan for
    /// converting contacts to rows.
    async fn prepare(&self) -> Result<(ExportScope, RowPlan), AttemptError> {
        self.app.files.discard_attempts(self.job, self.job.attempt - 1).await?;
        let scope = async {
            let selection = self.app.files.selection(self.job).await?;
            Ok(ExportScope::for_requester(&self.app.authority, self.job, selection).await?)
        };
        tokio::try_join!(scope, self.rows())
    }

    /// Creates the plan for converting contacts to rows. Names are loaded once for all rows, and
    /// only if a column shows them.
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
            // If Launchpad does not respond, the names stored on the contacts are used.
            let names = directory.people_names(company).await;
            names.unwrap_or_else(|error| {
                tracing::warn!(
                    job_id = %self.job.id,
                    error = %chain(&error),
                    "could not load people's names; using the names stored on contacts"
                );
                HashMap::new()
            })
        };
        let (teams, people) = tokio::join!(teams, people);
        let teams = teams?;
        let zone = TimeZone::get(&self.job.time_zone).unwrap_or(TimeZone::UTC);
        Ok(RowPlan { columns, zone, teams, people })
    }

    /// Reads contacts and writes rows at the same time until the file is complete.
    async fn write(
        &self,
        scope: &ExportScope,
        rows: RowPlan,
        progress: &Arc<Progress>,
        token: &CancellationToken,
    ) -> Result<Written, AttemptError> {
        let (feed_in, feed) = mpsc::channel(FEED_AHEAD);
        let writer_token = token.child_token();
        let mut writer = self.spawn_writer(rows, feed, Arc::clone(progress), writer_token.clone());
        let written =
            unless_cancelled(token, Box::pin(self.pipe(&mut writer, scope, feed_in))).await;
        if !writer.is_finished() {
            // The writer must not continue after the invocation. It ends soon, because its feed has
            // ended and its token is canceled.
            writer_token.cancel();
            let _ = writer.await;
        }
        written
    }

    fn spawn_writer(
        &self,
        rows: RowPlan,
        feed: Receiver<Feed>,
        progress: Arc<Progress>,
        cancellation: CancellationToken,
    ) -> JoinHandle<Result<Written, WriteError>> {
        let plan = FilePlan {
            directory: self.app.directory.clone(),
            settings: self.settings(),
            max_rows: self.app.limits.max_rows(rows.columns.len()),
            rows,
        };
        spawn_blocking(move || writer::write(&plan, feed, &progress, &cancellation))
    }

    fn settings(&self) -> FileSettings {
        let extension = format!(".{}", self.job.format.extension());
        let title = self.job.file_name.strip_suffix(&extension);
        FileSettings {
            format: self.job.format,
            delimiter: self.job.delimiter,
            sheet_name: match self.job.locale {
                Locale::En => "Contacts",
                Locale::Id => "Kontak",
            }
            .to_owned(),
            title: title.unwrap_or(&self.job.file_name).to_owned(),
            created_at: self.now(),
        }
    }

    async fn pipe(
        &self,
        writer: &mut JoinHandle<Result<Written, WriteError>>,
        scope: &ExportScope,
        feed: Sender<Feed>,
    ) -> Result<Written, AttemptError> {
        let fed = self.feed(scope, feed).await;
        let written = writer.await?;
        // If the feed failed, return its error: it is the cause, and the writer only ended early.
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

    /// Uploads the file, unless `token` is canceled.
    async fn upload(
        &self,
        written: &Written,
        token: &CancellationToken,
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
        let send = async { Ok(upload.send(written.file.path()).await?) };
        match unless_cancelled(token, Box::pin(send)).await {
            Ok(size_bytes) => Ok(Finished {
                upload_started_at,
                rows: written.rows,
                skipped: written.skipped,
                cut_cells: written.file.cut_cells(),
                size_bytes,
            }),
            Err(error) => {
                if let Err(error) = self.discard(upload).await {
                    tracing::warn!(
                        job_id = %self.job.id,
                        error = %chain(&error),
                        "could not abort an upload"
                    );
                }
                Err(error)
            }
        }
    }

    /// Aborts the upload and deletes the object. The object may exist, because S3 may have
    /// completed the upload although the attempt did not wait for the response.
    async fn discard(&self, upload: Upload) -> Result<(), AttemptError> {
        upload.abort().await?;
        Ok(self.app.files.delete(&self.job.object_key()).await?)
    }

    /// Completes the job. If the attempt has lost its lease, deletes the object that it uploaded.
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
