//! `POST /cdp/exports`: creates and queues an export job (SPEC §4).

use std::sync::Arc;

use jiff::Timestamp;
use shared::{
    access::Authority,
    directory::{Directory, SubscriptionPlan},
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    error::chain,
    export::{
        CreateError, Defaults, ExportOrder, ExportRequest, ExportStore, Files, Job, JobRef, Jobs,
        Layouts, event,
    },
    idempotency::IdempotencyKey,
    identity::{Permission, Viewer},
    locale::Locale,
    outbox::{Outbox, Queue},
    services::Services,
    table::TableError,
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// Decides which users may export.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The jobs in the table.
    pub jobs: Jobs,
    /// The bucket for the selected contact ids and the filters.
    pub files: Files,
    /// Sends the messages that start jobs.
    pub outbox: Outbox,
    /// The default language and time zone.
    pub defaults: Defaults,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self {
            jobs: Jobs::new(services.table.clone()),
            authority: Authority::new(services.clone()),
            services,
            files: environment.files()?,
            outbox: environment.outbox(&[Queue::Export])?,
            defaults: environment.export_defaults()?,
        })
    }
}

/// Creates and queues an export job. Responds with status 202 and the job.
///
/// # Errors
/// [`Failure`], as in SPEC §4 and §5.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let directory = &app.services.directory;
    let (session, company) = tokio::join!(
        app.authority.session(viewer, &[Permission::ViewCustomers]),
        directory.company(&viewer.company)
    );
    session?.scope(Permission::ViewCustomers)?;
    let company = company?;
    if company.plan == SubscriptionPlan::Starter {
        return Err(Failure::plan_not_allowed());
    }
    let key = request.idempotency_key(request.route(), "")?;
    if let Some(earlier) = app.earlier(key.as_ref()).await? {
        return accepted(&earlier, &app).await;
    }
    let now = app.services.clock.now();
    let order = app.order(viewer, request.json()?, company.locale, now).await?;
    let job = Job {
        company_name: Some(company.name),
        ..Job::queued(&requester(directory, viewer).await?, &order, now)
    };
    let created = app.create(&job, &order, key.as_ref()).await?;
    if created == job {
        event::export_requested(&job, request.source_ip());
    }
    accepted(&created, &app).await
}

/// Returns the requester with a name and an email address. If the token has no email address, the
/// address comes from Launchpad, and so does the name if the token has none.
async fn requester(directory: &Directory, viewer: &Viewer) -> Result<Viewer, Failure> {
    if viewer.email.is_some() {
        return Ok(viewer.clone());
    }
    let person = directory.person(&viewer.company, &viewer.user.to_string()).await?;
    let (full_name, email) =
        person.map_or((None, None), |person| (person.full_name, Some(person.email)));
    Ok(Viewer { name: viewer.name.clone().or(full_name), email, ..viewer.clone() })
}

async fn accepted(job: &Job, app: &App) -> Result<Reply, Failure> {
    let clock = app.services.clock.clone();
    let store = ExportStore { jobs: app.jobs.clone(), files: app.files.clone(), clock };
    let selection = store.selection(job).await;
    Reply::new(202, &job.view(store.now(), selection.as_ref(), None))
}

impl App {
    /// Checks the request, and loads the layout that it uses, if any.
    async fn order(
        &self,
        viewer: &Viewer,
        request: ExportRequest,
        company_locale: Option<Locale>,
        now: Timestamp,
    ) -> Result<ExportOrder, Failure> {
        let layout = match request.layout_id() {
            None => None,
            Some(id) => {
                let layouts = Layouts::new(self.jobs.table().clone(), viewer.company.clone());
                let unknown =
                    || Failure::invalid("layout_id", "is not the id of a layout of your company");
                Some(layouts.get(id).await?.ok_or_else(unknown)?)
            }
        };
        Ok(request.check(layout.as_ref(), company_locale, &self.defaults, now)?)
    }

    /// Finds the job that an earlier request with the same idempotency key created. `None` if there
    /// is none, or if the request has no key.
    async fn earlier(&self, key: Option<&IdempotencyKey>) -> Result<Option<Job>, Failure> {
        let Some(key) = key else { return Ok(None) };
        let now = self.services.clock.now();
        let at: Option<JobRef> = key.earlier(self.jobs.table(), now).await?;
        Ok(match at {
            Some(at) => self.jobs.get(&at).await?,
            None => None,
        })
    }

    /// Stores the job and starts it. If a concurrent request with the same idempotency key created
    /// its job first, returns that job.
    async fn create(
        &self,
        job: &Job,
        order: &ExportOrder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Job, Failure> {
        if !order.ids.is_empty() {
            self.files.put_ids(job, &order.ids).await?;
        }
        if !job.filter_texts.is_empty() {
            self.files.put_filter(job, &order.selection).await?;
        }
        let failure = match self.jobs.create(job, key, job.created_at).await {
            Ok(message) => {
                self.outbox.send(&[message]).await;
                return Ok(job.clone());
            }
            // It is not known whether the job was stored, so its selection is kept. The lifecycle
            // rule of the bucket deletes it later.
            Err(CreateError::Table(error)) => return Err(error.into()),
            Err(CreateError::TooMany(error)) => {
                Err(Failure::new(Code::TooManyExports, error.to_string()))
            }
            Err(CreateError::KeyTaken) => {
                let taken = || TableError::Contention("the idempotency key".to_owned());
                self.earlier(key).await.and_then(|earlier| earlier.ok_or_else(|| taken().into()))
            }
        };
        if let Err(error) = self.files.delete_selection(job).await {
            tracing::warn!(
                error = %chain(&error),
                "could not delete the selection of an export that was not created; it will expire"
            );
        }
        failure
    }
}
