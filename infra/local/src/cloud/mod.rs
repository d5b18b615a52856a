//! The local cloud as a whole: what is started, in which order, and how it stops.
//!
//! | file | content |
//! |---|---|
//! | `options`, `error` | how to start it, and why a start fails |
//! | `plan` | the template's resources and roles, checked before the build |
//! | `state` | what the parts share |
//! | `parameters` | the parameters and secrets of the template that it sets itself |
//! | `server`, `guard` | the HTTP servers, and the protection of the local endpoints from web pages |
//! | `routes` | the routes of the servers |
//! | `console_site` | the server of the web console |
//! | `operator` | its own access to table and bucket, for the `/_local` endpoints |

mod console_site;
mod error;
mod guard;
mod operator;
mod options;
mod parameters;
mod plan;
mod routes;
mod server;
mod state;

use std::sync::{Arc, OnceLock};

use shared::{
    clock::Clock, environment::StartError as EnvironmentError, error::chain, table::Table,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::StartError;
pub use options::{DEFAULT_CONCURRENCY, Options, WebConsole};
pub use parameters::{local_parameters, secrets};

use console_site::ConsoleSite;
use operator::Operator;
use plan::Plan;
use routes::Routes;
use server::Server;
use state::State;

use crate::aws::{self, Aws, AwsOptions, OnKill, Roles, check_layout};
use crate::cargo::Binaries;
use crate::demo_contacts;
use crate::grants;
use crate::identity::Identity;
use crate::lambda::{Lambda, LambdaOptions};
use crate::record::{Events, Requests};
use crate::sources::{QueueSources, QueueSourcesOptions, Schedules};
use crate::template::Names;
use crate::upstreams::Upstreams;

/// The running local cloud.
pub struct LocalCloud {
    gateway_url: String,
    console_url: Option<String>,
    lambda_url: String,
    aws: Aws,
    table: Table,
    roles: Roles,
    events: Events,
    requests: Requests,
    upstreams: Upstreams,
    lambda: Lambda,
    queues: QueueSources,
    schedules: Schedules,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl LocalCloud {
    /// Builds the functions if no binaries are given, and starts all parts of the local cloud.
    ///
    /// # Errors
    /// Returns the [`StartError`] of the first part that does not start.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        // Quick checks run before the build, which takes long.
        if let Some(folder) = &options.data {
            check_layout(folder).map_err(aws::StartError::from)?;
        }
        let gateway = Server::bind(options.port, "--port").await?;
        let lambda_api = Server::bind(options.lambda_port, "--lambda-port").await?;
        let gateway_url = gateway.url().to_owned();
        let lambda_url = lambda_api.url().to_owned();
        let console_site = ConsoleSite::prepare(&options).await?;
        let console_url = console_site.as_ref().map(|site| site.url().to_owned());

        let state = State::new(&options.clock)?;
        let (directory, notifications) = (state.directory.clone(), state.notifications.clone());
        let upstreams = Upstreams::start(directory, notifications, state.faults.clone())
            .await
            .map_err(StartError::Upstreams)?;
        let parameters =
            local_parameters(&options.parameters, &upstreams, &gateway_url, console_url.as_deref());
        let plan = Plan::read(&options.workspace, &parameters)?;
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => Binaries::build(&options.workspace, &options.build_progress).await?,
        };
        let identity = Identity::start(options.data.as_deref(), options.clock.clone())?;

        let lambda_to_kill_in: Arc<OnceLock<Lambda>> = Arc::default();
        let on_kill = operator::on_kill(&lambda_to_kill_in);
        let aws = Aws::start(aws_options(&options, &state, &plan, on_kill)).await?;
        let http = shared::http_client::builder().build().map_err(EnvironmentError::from)?;
        let operator = Operator { http: &http, aws: &aws, credentials: &state.credentials };
        let bucket = plan.resources.buckets.first().map_or("", String::as_str);
        let files = operator.files(bucket)?;
        let table = operator.table(&plan.resources.table.name)?;
        // In a box, because the compiler limits how deep futures may be nested.
        Box::pin(load_demo_contacts(&options, &aws, &table)).await?;
        let names = Names::new(Arc::clone(&plan.template), aws.endpoint_url(), secrets());
        let lambda =
            Lambda::start(lambda_options(&options, &state, &plan, &names, &binaries, &aws)).await?;
        // This cannot fail, because the value was not set before.
        let _ = lambda_to_kill_in.set(lambda.clone());
        let queues = QueueSources::start(&QueueSourcesOptions {
            traces: aws.traces(),
            template: Arc::clone(&plan.template),
            names,
            endpoint_url: aws.endpoint_url().to_owned(),
            credentials: state.credentials.clone(),
            http,
            lambda: lambda.clone(),
        });
        let schedules =
            Schedules::start(Arc::clone(&plan.template), lambda.clone(), &options.clock);

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let routes = Routes {
            options: &options,
            state: &state,
            template: &plan.template,
            identity,
            lambda: &lambda,
            schedules: &schedules,
            mailbox: aws.mailbox(),
            files,
            table: &table,
        };
        gateway.serve(routes.gateway(), &stop, &tasks);
        if let Some(site) = console_site {
            site.serve(&gateway_url, &stop, &tasks);
        }
        lambda_api.serve(routes::lambda_api(&plan.template, &lambda), &stop, &tasks);
        if options.watch {
            let watch = binaries.watch(options.workspace, options.console);
            let stop = stop.clone();
            tasks.spawn(async move { stop.run_until_cancelled(watch).await });
        }
        Ok(Self {
            gateway_url,
            console_url,
            lambda_url,
            aws,
            table,
            roles: plan.roles,
            events: state.events,
            requests: state.requests,
            upstreams,
            lambda,
            queues,
            schedules,
            stop,
            tasks,
        })
    }

    /// The base URL of the gateway.
    #[must_use]
    pub fn gateway_url(&self) -> &str {
        &self.gateway_url
    }

    /// The address of the web console; `None` if it is not served.
    #[must_use]
    pub fn console_url(&self) -> Option<&str> {
        self.console_url.as_deref()
    }

    /// The base URL of the Lambda API.
    #[must_use]
    pub fn lambda_url(&self) -> &str {
        &self.lambda_url
    }

    /// The emulated AWS services.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The table, accessed with the permissions of an operator.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The events that functions logged.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The last requests to the API, with the invocations that they caused.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The Lambda service.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// The schedules. A test can run a schedule at any time.
    #[must_use]
    pub fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    /// Stops all parts and returns when every process has ended.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.schedules.shutdown().await;
        self.lambda.shutdown().await;
        self.queues.shutdown().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.upstreams.shutdown().await;
        self.aws.shutdown().await;
        if let Err(error) = grants::keep(&self.roles) {
            tracing::error!(error = %chain(&error), "the used IAM permissions could not be written");
        }
    }
}

fn aws_options(options: &Options, state: &State, plan: &Plan, on_kill: OnKill) -> AwsOptions {
    AwsOptions {
        resources: plan.resources.clone(),
        data: options.data.clone(),
        deletes_expired_items: true,
        credentials: state.credentials.clone(),
        roles: plan.roles.clone(),
        usage: state.usage.clone(),
        faults: state.faults.clone(),
        on_kill,
    }
}

async fn load_demo_contacts(options: &Options, aws: &Aws, table: &Table) -> Result<(), StartError> {
    demo_contacts::seed(table, &Clock::System).await?;
    demo_contacts::turn_flags_on(table).await?;
    if options.contacts > 0 {
        options.console.note(&format!("loading {} more demo contacts…", options.contacts));
        demo_contacts::load(&aws.database(), table, &Clock::System, options.contacts)?;
    }
    Ok(())
}

fn lambda_options(
    options: &Options,
    state: &State,
    plan: &Plan,
    names: &Names,
    binaries: &Binaries,
    aws: &Aws,
) -> LambdaOptions {
    LambdaOptions {
        template: Arc::clone(&plan.template),
        names: names.clone(),
        endpoint_url: aws.endpoint_url().to_owned(),
        binaries: binaries.clone(),
        credentials: state.credentials.clone(),
        usage: state.usage.clone(),
        requests: state.requests.clone(),
        events: state.events.clone(),
        console: options.console.clone(),
        clock: options.clock.clone(),
        concurrency: options.concurrency,
        retry_delays: options.retry_delays.clone(),
    }
}
