//! The local cloud as a whole: what is started, in which order, and how it stops.
//!
//! | file | content |
//! |---|---|
//! | `options`, `error` | how to start it, and why a start fails |
//! | `parameters` | the parameters and secrets of the template that it sets itself |
//! | `server`, `guard` | the HTTP servers, and the protection of the local endpoints from web pages |
//! | `console_site` | the server of the web console |
//! | `operator` | its own access to table and bucket, for the `/_local` endpoints |

mod console_site;
mod error;
mod guard;
mod operator;
mod options;
mod parameters;
mod server;

use std::sync::{Arc, OnceLock};

use axum::Router;
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
use server::Server;

use crate::aws::{self, Aws, AwsOptions, Credentials, Faults, Roles, check_layout};
use crate::cargo::Binaries;
use crate::control::{self, ControlState};
use crate::demo_company;
use crate::demo_contacts;
use crate::gateway::{self, GatewayOptions};
use crate::grants;
use crate::identity::{Identity, TokenLifetime};
use crate::lambda::{self, Lambda, LambdaOptions};
use crate::record::{Events, Notifications, Requests, Usage};
use crate::resources;
use crate::sign_in::{self, SignInState};
use crate::sources::{QueueSources, QueueSourcesOptions, Schedules};
use crate::template::{Names, Template};
use crate::upstreams::{Directory, Upstreams};

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

        let (usage, requests) = (Usage::default(), Requests::default());
        let events = Events::default();
        let faults = Faults::default();
        let credentials = Credentials::new();
        let notifications = Notifications::new(options.clock.clone());
        let directory = Directory::new();
        directory.upsert(demo_company::directory())?;
        let upstreams = Upstreams::start(directory.clone(), notifications.clone(), faults.clone())
            .await
            .map_err(StartError::Upstreams)?;

        let parameters =
            local_parameters(&options.parameters, &upstreams, &gateway_url, console_url.as_deref());
        let template = options.workspace.join("template.yaml");
        let template = Arc::new(Template::read(&template, &parameters)?);
        let resources = resources::from_template(&template)?;
        let table_name = resources.table.name.clone();
        let bucket_name = resources.buckets.first().cloned().unwrap_or_default();
        let roles = resources::roles(&template)?;
        resources::check_sources(&template, &roles)?;
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => Binaries::build(&options.workspace, &options.build_progress).await?,
        };
        let identity = Identity::start(options.data.as_deref(), options.clock.clone())?;

        let lambda_to_kill_in: Arc<OnceLock<Lambda>> = Arc::default();
        let aws = Aws::start(AwsOptions {
            resources,
            data: options.data.clone(),
            deletes_expired_items: true,
            credentials: credentials.clone(),
            roles: roles.clone(),
            usage: usage.clone(),
            faults: faults.clone(),
            on_kill: operator::on_kill(&lambda_to_kill_in),
        })
        .await?;
        let http = shared::http_client::builder().build().map_err(EnvironmentError::from)?;
        let operator = Operator { http: &http, aws: &aws, credentials: &credentials };
        let files = operator.files(&bucket_name)?;
        let table = operator.table(&table_name)?;
        demo_contacts::seed(&table, &Clock::System).await?;
        demo_contacts::turn_flags_on(&table).await?;
        if options.contacts > 0 {
            options.console.note(&format!("loading {} more demo contacts…", options.contacts));
            demo_contacts::load(&aws.database(), &table, &Clock::System, options.contacts)?;
        }
        let names = Names::new(Arc::clone(&template), aws.endpoint_url(), secrets());
        let lambda = Lambda::start(LambdaOptions {
            template: Arc::clone(&template),
            names: names.clone(),
            endpoint_url: aws.endpoint_url().to_owned(),
            binaries: binaries.clone(),
            credentials: credentials.clone(),
            usage: usage.clone(),
            requests: requests.clone(),
            events: events.clone(),
            console: options.console.clone(),
            clock: options.clock.clone(),
            concurrency: options.concurrency,
            retry_delays: options.retry_delays.clone(),
        })
        .await?;
        // This cannot fail, because the value was not set before.
        let _ = lambda_to_kill_in.set(lambda.clone());
        let queues = QueueSources::start(&QueueSourcesOptions {
            traces: aws.traces(),
            template: Arc::clone(&template),
            names,
            endpoint_url: aws.endpoint_url().to_owned(),
            credentials,
            http,
            lambda: lambda.clone(),
        });
        let schedules = Schedules::start(Arc::clone(&template), lambda.clone(), &options.clock);
        let api = gateway::router(GatewayOptions {
            template: Arc::clone(&template),
            lambda: lambda.clone(),
            identity: identity.clone(),
            requests: requests.clone(),
            clock: options.clock.clone(),
        });
        let (issuer, audience) = operator::token_rules(&template);
        // The pages of the web application come from the origins that the API allows.
        let origins = guard::local_origins(&template);
        let (lifetime, flags) =
            (TokenLifetime::new(options.token_lifetime), operator::flags(table.clone()));
        let sign_in = sign_in::router(SignInState {
            identity: identity.clone(),
            lifetime: lifetime.clone(),
            issuer: issuer.clone(),
            audience: audience.clone(),
            origins: Arc::clone(&origins),
            directory: directory.clone(),
            flags: Arc::clone(&flags),
            clock: options.clock.clone(),
        });
        let control = ControlState {
            identity,
            lifetime,
            issuer,
            audience,
            directory,
            mailbox: aws.mailbox(),
            notifications,
            events: events.clone(),
            requests: requests.clone(),
            usage,
            faults,
            files,
            flags,
            clean_up: operator::clean_up(&template, &schedules),
            clock: options.clock.clone(),
        };

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let analytics = control::analytics_router(control.clone());
        let local = guard::protect(control::router(control), Arc::clone(&origins))
            .merge(guard::protect_with_forms(analytics, Arc::clone(&origins)));
        let sign_in = guard::protect_with_forms(sign_in, Arc::clone(&origins));
        let api = Router::new().nest("/_local", local).merge(sign_in).fallback_service(api);
        gateway.serve(api, &stop, &tasks);
        if let Some(site) = console_site {
            site.serve(&gateway_url, &stop, &tasks);
        }
        lambda_api.serve(guard::protect(lambda::router(lambda.clone()), origins), &stop, &tasks);
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
            roles,
            events,
            requests,
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
