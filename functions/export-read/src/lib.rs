//! `GET /cdp/exports`, `GET /cdp/exports/{id}` and `DELETE /cdp/exports/{id}`: the caller's own
//! export jobs (SPEC §4). Somebody else's are not there.

use std::sync::Arc;

use shared::{
    entry::{
        Failure, Reply,
        http::Request,
        page::{PageRequest, cursor, foreign_cursor},
    },
    environment::{Environment, StartError},
    error::chain,
    export::event,
    export::{Cancellation, ExportStore, Job, JobRef, Status},
    identity::Viewer,
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    store: ExportStore,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { store: environment.export_store()? })
    }
}

/// Answers the caller's jobs, or one of them, or calls one off.
///
/// # Errors
/// 404 for a job that is not the caller's; otherwise as SPEC §5 maps them.
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
            answer(&app.store, &job).await
        }
    }
}

async fn list(
    store: &ExportStore,
    viewer: &Viewer,
    query: &[(String, String)],
) -> Result<Reply, Failure> {
    let PageRequest { limit, after } = PageRequest::parse(query)?;
    let after = after.map(|id| id.parse().map_err(|_| foreign_cursor())).transpose()?;
    let (jobs, next) = store.jobs.list(&viewer.company, viewer.user, after, limit).await?;
    let now = store.now();
    let mut views = Vec::with_capacity(jobs.len());
    for job in &jobs {
        views.push(job.view(now, store.download_url(job).await?));
    }
    Ok(Reply::ok(&views)?.with_meta("next_cursor", next.map(|last| cursor(&last.to_string()))))
}

/// Calls a job off. What it left is taken away here; the clean-up does it should this fail.
async fn cancel(
    store: &ExportStore,
    viewer: &Viewer,
    at: &JobRef,
    source_ip: Option<&str>,
) -> Result<Reply, Failure> {
    let job = match store.jobs.cancel(at, store.now()).await? {
        Cancellation::Missing => return Err(Failure::not_found()),
        Cancellation::Over(job) => job,
        Cancellation::Done(job) => {
            match job.status {
                Status::Expired => event::export_expired(&job),
                _ => event::export_cancelled(&job, viewer, source_ip),
            }
            if let Err(error) = store.files.purge(&job).await {
                tracing::warn!(error = %chain(&error), "could not delete the files of a cancelled export; the clean-up will delete them");
            }
            job
        }
    };
    answer(store, &job).await
}

async fn answer(store: &ExportStore, job: &Job) -> Result<Reply, Failure> {
    Reply::ok(&job.view(store.now(), store.download_url(job).await?))
}
