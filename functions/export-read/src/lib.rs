//! `GET /cdp/exports`, `GET /cdp/exports/{id}` and `DELETE /cdp/exports/{id}`: the caller's own
//! export jobs (SPEC §4). Somebody else's are not there.

mod page;

use std::sync::Arc;

use shared::{
    access::Viewer,
    clock::Clock,
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    event,
    export::{Cancellation, Files, Job, JobRef, Jobs, Status},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Where jobs stand.
    pub jobs: Jobs,
    /// Where their files are.
    pub files: Files,
    /// Tells whether a file has expired.
    pub clock: Clock,
}

impl App {
    /// What the function works with in these surroundings.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            jobs: Jobs::new(environment.table()?),
            files: environment.files()?,
            clock: environment.clock(),
        })
    }
}

/// Answers the caller's jobs, or one of them, or calls one off.
///
/// # Errors
/// 404 for a job that is not the caller's; otherwise as SPEC §5 maps them.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    if request.route() == "GET /cdp/exports" {
        return app.list(viewer, request.query()).await;
    }
    let at =
        JobRef { company: viewer.company.clone(), user: viewer.user, job: request.path("id")? };
    match request.method() {
        "DELETE" => app.cancel(viewer, &at, request.source_ip()).await,
        _ => {
            let job = app.jobs.get(&at).await?.ok_or_else(Failure::not_found)?;
            app.answer(&job).await
        }
    }
}

impl App {
    async fn list(&self, viewer: &Viewer, query: &[(String, String)]) -> Result<Reply, Failure> {
        let page::PageRequest { limit, after } = page::parse(query)?;
        let (jobs, next) = self.jobs.list(&viewer.company, viewer.user, after, limit).await?;
        let now = self.clock.now();
        let mut views = Vec::with_capacity(jobs.len());
        for job in &jobs {
            views.push(job.view(now, self.download_url(job).await?));
        }
        Ok(Reply::ok(&views)?.with_meta("next_cursor", next.map(page::cursor)))
    }

    /// Calls a job off. What it left is taken away here; the clean-up does it should this fail.
    async fn cancel(
        &self,
        viewer: &Viewer,
        at: &JobRef,
        source_ip: Option<&str>,
    ) -> Result<Reply, Failure> {
        let job = match self.jobs.cancel(at, self.clock.now()).await? {
            Cancellation::Missing => return Err(Failure::not_found()),
            Cancellation::Over(job) => job,
            Cancellation::Done(job) => {
                match job.status {
                    Status::Expired => event::export_expired(&job),
                    _ => event::export_cancelled(&job, viewer, source_ip),
                }
                if let Err(error) = self.files.purge(&job).await {
                    tracing::warn!(%error, "the remains of a job are left to the clean-up");
                }
                job
            }
        };
        self.answer(&job).await
    }

    async fn answer(&self, job: &Job) -> Result<Reply, Failure> {
        let url = self.download_url(job).await?;
        Reply::ok(&job.view(self.clock.now(), url))
    }

    async fn download_url(&self, job: &Job) -> Result<Option<String>, Failure> {
        self.files.download_url(job, self.clock.now()).await.map_err(|error| {
            let message = "the file's address cannot be made at the moment, try again";
            Failure::new(Code::Unavailable, message).with_source(error)
        })
    }
}
