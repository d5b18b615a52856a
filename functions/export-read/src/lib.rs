//! `GET /cdp/exports`, `GET /cdp/exports/{id}` and `DELETE /cdp/exports/{id}`: lists, reads and
//! cancels the caller's export jobs (SPEC §4). For the jobs of other users, the response is 404.

use std::sync::Arc;

use futures::{StreamExt, stream};
use shared::{
    entry::{
        Failure, Reply,
        http::Request,
        page::{PageRequest, encode_cursor, invalid_cursor},
    },
    environment::{Environment, StartError},
    error::chain,
    export::{CancelOutcome, ExportStore, Job, JobRef, Status, event},
    identity::Viewer,
};

/// The maximum number of filters that a list reads from the bucket in parallel.
const READS_AT_ONCE: usize = 16;

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    store: ExportStore,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { store: environment.export_store()? })
    }
}

/// Lists the caller's jobs, returns one of them, or cancels one.
///
/// # Errors
/// 404 if the caller has no job with this id. All other errors are as in SPEC §5.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    if request.route() == "GET /cdp/exports" {
        return list(&app.store, viewer, request.query()).await;
    }
    let at =
        JobRef { company: viewer.company.clone(), user: viewer.user, job: request.path("id")? };
    match request.method() {
        "DELETE" => cancel(&app.store, viewer, &at, request.source_ip()).await,
        _ => {
            let job = app.store.jobs.get(&at).await?.ok_or_else(Failure::not_found)?;
            respond(&app.store, &job).await
        }
    }
}

async fn list(
    store: &ExportStore,
    viewer: &Viewer,
    query: &[(String, String)],
) -> Result<Reply, Failure> {
    let PageRequest { limit, after } = PageRequest::parse(query)?;
    let after = after.map(|id| id.parse().map_err(|_| invalid_cursor())).transpose()?;
    let (jobs, next) = store.jobs.list(&viewer.company, viewer.user, after, limit).await?;
    let now = store.now();
    let selections = jobs.iter().map(|job| store.selection(job));
    let selections = stream::iter(selections).buffered(READS_AT_ONCE).collect::<Vec<_>>().await;
    let mut views = Vec::with_capacity(jobs.len());
    for (job, selection) in jobs.iter().zip(&selections) {
        views.push(job.view(now, selection.as_ref(), store.download_url(job).await?));
    }
    Ok(Reply::ok(&views)?
        .with_meta("next_cursor", next.map(|last| encode_cursor(&last.to_string()))))
}

/// Cancels a job and deletes the objects that it left in the bucket. If that fails, the clean-up
/// deletes them.
async fn cancel(
    store: &ExportStore,
    viewer: &Viewer,
    at: &JobRef,
    source_ip: Option<&str>,
) -> Result<Reply, Failure> {
    let job = match store.jobs.cancel(at, store.now()).await? {
        CancelOutcome::Missing => return Err(Failure::not_found()),
        CancelOutcome::AlreadyEnded(job) => job,
        CancelOutcome::Ended(job) => {
            match job.status {
                Status::Expired => event::export_expired(&job),
                _ => event::export_cancelled(&job, viewer, source_ip),
            }
            if let Err(error) = store.files.purge(&job).await {
                tracing::warn!(
                    error = %chain(&error),
                    "could not delete the files of a canceled export; the clean-up will delete \
                     them"
                );
            }
            job
        }
    };
    respond(store, &job).await
}

async fn respond(store: &ExportStore, job: &Job) -> Result<Reply, Failure> {
    let selection = store.selection(job).await;
    Reply::ok(&job.view(store.now(), selection.as_ref(), store.download_url(job).await?))
}
