//! `POST /cdp/exports`: accepts an export and queues it (SPEC §4).

mod job;

use std::sync::Arc;

use shared::{
    access::{Authority, Permission, Viewer},
    directory::Plan,
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    event,
    export::{CreateError, Defaults, ExportOrder, ExportRequest, Files, Job, JobRef, Jobs},
    idempotency::{IdempotencyError, IdempotencyKey},
    outbox::Outbox,
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Tells who may export.
    pub authority: Authority,
    /// Where jobs stand.
    pub jobs: Jobs,
    /// Where selected ids are kept.
    pub files: Files,
    /// Starts the work.
    pub outbox: Outbox,
    /// Language and zone where nobody chose.
    pub defaults: Defaults,
}

impl App {
    /// What the function works with in these surroundings.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        let authority = environment.authority()?;
        Ok(Self {
            jobs: Jobs::new(authority.table().clone()),
            authority,
            files: environment.files()?,
            outbox: environment.outbox(),
            defaults: environment.export_defaults()?,
        })
    }
}

/// Accepts an export: 202 with the job.
///
/// # Errors
/// As SPEC §4 and §5 map them.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let directory = app.authority.directory();
    let (session, company) = tokio::join!(
        app.authority.session(viewer, &[Permission::ViewCustomers]),
        directory.company(&viewer.company)
    );
    session?.scope(Permission::ViewCustomers)?;
    let company = company?;
    if company.plan == Plan::Starter {
        let message = "exports need a Growth or Enterprise plan";
        return Err(Failure::new(Code::PlanNotAllowed, message));
    }
    let now = app.authority.clock().now();
    let order = request
        .json::<ExportRequest>()?
        .check(company.locale, &app.defaults, now)
        .map_err(|error| Failure::invalid(&error.field, error.reason))?;
    let key = idempotency_key(viewer, &request)?;
    if let Some(earlier) = app.earlier(key.as_ref()).await? {
        return accepted(&earlier, &app);
    }
    let job = job::new(directory, viewer, &order, now).await?;
    let created = app.create(&job, &order, key.as_ref()).await?;
    if created == job {
        event::export_requested(&job, request.source_ip());
    }
    accepted(&created, &app)
}

fn accepted(job: &Job, app: &App) -> Result<Reply, Failure> {
    Reply::new(202, &job.view(app.authority.clock().now(), None))
}

fn idempotency_key(viewer: &Viewer, request: &Request) -> Result<Option<IdempotencyKey>, Failure> {
    let Some(header) = request.header("idempotency-key") else { return Ok(None) };
    IdempotencyKey::new(viewer, request.route(), header, request.body()?)
        .map(Some)
        .map_err(idempotency_failure)
}

fn idempotency_failure(error: IdempotencyError) -> Failure {
    match error {
        IdempotencyError::Malformed => Failure::invalid("idempotency-key", error),
        IdempotencyError::Reused => Failure::new(Code::IdempotencyKeyReused, error.to_string()),
        IdempotencyError::Table(error) => error.into(),
    }
}

impl App {
    /// The job that an earlier request with the same key made.
    async fn earlier(&self, key: Option<&IdempotencyKey>) -> Result<Option<Job>, Failure> {
        let Some(key) = key else { return Ok(None) };
        let now = self.authority.clock().now();
        let at: Option<JobRef> =
            key.earlier(self.jobs.table(), now).await.map_err(idempotency_failure)?;
        Ok(match at {
            Some(at) => self.jobs.get(&at).await?,
            None => None,
        })
    }

    /// Stores the job and starts it; or finds the one that a concurrent request with the same key
    /// made.
    async fn create(
        &self,
        job: &Job,
        order: &ExportOrder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Job, Failure> {
        if !order.ids.is_empty() {
            self.files.put_ids(job, &order.ids).await.map_err(|error| {
                let message = "the selection cannot be kept at the moment, try again";
                Failure::new(Code::Unavailable, message).with_source(error)
            })?;
        }
        let failure = match self.jobs.create(job, key, job.created_at).await {
            Ok(message) => {
                self.outbox.send(&[message]).await;
                return Ok(job.clone());
            }
            // Whether the job is there nobody knows: its ids stay, for the bucket's lifecycle.
            Err(CreateError::Table(error)) => return Err(error.into()),
            Err(CreateError::TooMany(error)) => {
                Err(Failure::new(Code::TooManyExports, error.to_string()))
            }
            Err(CreateError::KeyTaken) => {
                self.earlier(key).await.and_then(|earlier| earlier.ok_or_else(Failure::not_found))
            }
        };
        if !order.ids.is_empty()
            && let Err(error) = self.files.delete(&job.ids_key()).await
        {
            tracing::warn!(%error, "the ids of a job that was not made stay until they expire");
        }
        failure
    }
}
