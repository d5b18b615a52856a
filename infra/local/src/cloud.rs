//! The local cloud as a whole: what is started, in which order, and how it ends.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::{
    access::{Flag, FlagRecord},
    clock::Clock,
    environment::StartError as EnvironmentError,
    export::Files,
    id::CompanyId,
    table::{Key, Table},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aws::{self, Aws, AwsOptions, Credentials, Faults, Roles};
use crate::cargo::{Binaries, BuildError};
use crate::console::Console;
use crate::control::{self, ControlState};
use crate::demo_contacts::{self, SeedError};
use crate::gateway::{self, GatewayOptions};
use crate::grants;
use crate::identity::{Identity, KeyError};
use crate::lambda::{self, Lambda, LambdaOptions, RetryDelays};
use crate::upstreams::{
    Directory, LAUNCHPAD_PASSWORD, LAUNCHPAD_USER, NOTIFICATION_API_KEY, Upstreams, UpsertError,
};
use crate::operator;
use crate::record::{Events, Notifications, Usage};
use crate::resources::{self, ResourcesError};
use crate::sources::{QueueSources, QueueSourcesOptions, Schedules};
use crate::template::{Names, Parameters, Template, TemplateError, UnresolvedError};

/// Time that open connections have to end at shutdown.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// How to run the local cloud.
#[derive(Clone)]
pub struct Options {
    /// Folder of the Cargo workspace, with `template.yaml` in it.
    pub workspace: PathBuf,
    /// Port of the gateway; 0 for any.
    pub port: u16,
    /// Port of the Lambda API; 0 for any.
    pub lambda_port: u16,
    /// Folder that keeps state between runs; nothing is kept without one.
    pub data: Option<PathBuf>,
    /// Programs of the functions; built first when there are none.
    pub binaries: Option<Binaries>,
    /// Whether to build again when a source changes.
    pub watch: bool,
    /// Contacts of the growth company beside the demo's own.
    pub contacts: usize,
    /// Overrides of the template's parameters, before those that only the local cloud knows.
    pub parameters: Parameters,
    /// Where to print.
    pub console: Console,
    /// The time.
    pub clock: Clock,
    /// For asynchronous events.
    pub retry_delays: RetryDelays,
}

impl Options {
    /// The workspace's system on free ports, in memory, without a word.
    #[must_use]
    pub fn new(workspace: PathBuf) -> Self {
        Self {
            workspace,
            port: 0,
            lambda_port: 0,
            data: None,
            binaries: None,
            watch: false,
            contacts: 0,
            parameters: Parameters::new(),
            console: Console::silent(),
            clock: Clock::System,
            retry_delays: RetryDelays::default(),
        }
    }
}

/// Why the local cloud did not start; each is one message for people.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is in use, or not ours to take.
    #[error("cannot listen on port {port}: {source}")]
    Port {
        /// As asked for.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// `template.yaml` is broken.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// `template.yaml` asks for more than the emulators have.
    #[error("template.yaml: {0}")]
    Resources(#[from] ResourcesError),
    /// `template.yaml` grants a role something that the local cloud does not have.
    #[error("template.yaml: {0}")]
    Roles(#[from] UnresolvedError),
    /// `template.yaml` feeds a function from a queue that its role cannot read.
    #[error("template.yaml: {0}")]
    Sources(#[from] aws::Denied),
    /// The functions do not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The emulators did not start.
    #[error(transparent)]
    Aws(#[from] aws::StartError),
    /// The simulated neighbors did not start.
    #[error("the simulated neighbors cannot start: {0}")]
    Upstreams(std::io::Error),
    /// The demo company does not fit together.
    #[error("the demo company cannot be loaded: {0}")]
    Directory(#[from] UpsertError),
    /// There is no key to sign tokens with.
    #[error(transparent)]
    Identity(#[from] KeyError),
    /// The demo's contacts could not be put into the table.
    #[error("the demo's contacts cannot be loaded: {0}")]
    Seed(#[from] SeedError),
    /// The operator's own surroundings are incomplete.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The Lambda service did not start.
    #[error(transparent)]
    Lambda(#[from] lambda::StartError),
}

/// Everything, running.
pub struct LocalCloud {
    gateway_url: String,
    lambda_url: String,
    aws: Aws,
    table: Table,
    roles: Roles,
    upstreams: Upstreams,
    lambda: Lambda,
    queues: QueueSources,
    schedules: Schedules,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl LocalCloud {
    /// Builds the functions if need be and starts everything.
    ///
    /// # Errors
    /// The first thing that cannot start.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let gateway = listen(options.port).await?;
        let lambda_api = listen(options.lambda_port).await?;
        let gateway_url = url(&gateway, options.port)?;
        let lambda_url = url(&lambda_api, options.lambda_port)?;

        let usage = Usage::default();
        let events = Events::default();
        let faults = Faults::default();
        let credentials = Credentials::new();
        let notifications = Notifications::new(options.clock.clone());
        let directory = Directory::new();
        directory.upsert(crate::demo_company::directory())?;
        let upstreams = Upstreams::start(directory.clone(), notifications.clone(), faults.clone())
            .await
            .map_err(StartError::Neighbors)?;

        let parameters = local_parameters(&options.parameters, &upstreams, &gateway_url);
        let template = options.workspace.join("template.yaml");
        let template = Arc::new(Template::read(&template, &parameters)?);
        let resources = resources::of(&template)?;
        let resources_table = resources.table.name.clone();
        let resources_bucket = resources.buckets.first().cloned().unwrap_or_default();
        let roles = resources::roles(&template)?;
        resources::check_sources(&template, &roles)?;
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => Binaries::build(&options.workspace).await?,
        };
        let identity = Identity::start(options.data.as_deref(), options.clock.clone())?;

        let killer: Arc<OnceLock<Lambda>> = Arc::default();
        let aws = Aws::start(AwsOptions {
            resources,
            data: options.data.clone(),
            credentials: credentials.clone(),
            roles: roles.clone(),
            usage: usage.clone(),
            faults: faults.clone(),
            on_kill: on_kill(&killer),
        })
        .await?;
        let http = shared::http_client::builder().build().map_err(EnvironmentError::from)?;
        let files = operator_files(&http, &aws, &credentials, &resources_bucket)?;
        let table = operator_table(&http, &aws, &credentials, &resources_table)?;
        demo_contacts::seed(&table, &Clock::System).await?;
        demo_contacts::turn_flags_on(&table).await?;
        demo_contacts::load(&aws.database(), &table, &Clock::System, options.contacts)?;
        let names = Names::new(Arc::clone(&template), aws.endpoint_url(), secrets());
        let lambda = Lambda::start(LambdaOptions {
            template: Arc::clone(&template),
            names: names.clone(),
            endpoint_url: aws.endpoint_url().to_owned(),
            binaries: binaries.clone(),
            credentials: credentials.clone(),
            usage: usage.clone(),
            events: events.clone(),
            console: options.console.clone(),
            clock: options.clock.clone(),
            retry_delays: options.retry_delays.clone(),
        })
        .await?;
        // It was empty until now.
        let _ = killer.set(lambda.clone());
        let queues = QueueSources::start(&QueueSourcesOptions {
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
            clock: options.clock.clone(),
        });
        let (issuer, audience) = token_rules(&template);
        let control = control::router(ControlState {
            identity,
            issuer,
            audience,
            directory,
            mailbox: aws.mailbox(),
            notifications,
            events,
            usage,
            faults,
            files,
            flags: flags(table.clone()),
            clean_up: clean_up(&template, &schedules),
            clock: options.clock.clone(),
        });

        let cloud = Self {
            gateway_url,
            lambda_url,
            aws,
            table,
            roles,
            upstreams,
            lambda: lambda.clone(),
            queues,
            schedules,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        cloud.serve(gateway, Router::new().nest("/_local", control).fallback_service(api));
        cloud.serve(lambda_api, lambda::router(lambda));
        if options.watch {
            let watch = binaries.watch(options.workspace, options.console);
            let stop = cloud.stop.clone();
            cloud.tasks.spawn(async move { stop.run_until_cancelled(watch).await });
        }
        Ok(cloud)
    }

    /// Base URL of the gateway.
    #[must_use]
    pub fn gateway_url(&self) -> &str {
        &self.gateway_url
    }

    /// Base URL of the Lambda API.
    #[must_use]
    pub fn lambda_url(&self) -> &str {
        &self.lambda_url
    }

    /// The emulated AWS.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The table, with the rights of an operator.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The Lambda service.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// The schedules, to run one by hand.
    #[must_use]
    pub fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    /// Stops everything and returns when every process is gone.
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
            tracing::error!(%error, "what was used of the roles is not known");
        }
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        let stopped = self.stop.clone().cancelled_owned();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(stopped);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let limit = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_LIMIT).await;
            };
            tokio::select! {
                result = server.into_future() => if let Err(error) = result {
                    tracing::error!(%error, "a server stopped");
                },
                () = limit => {}
            }
        });
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).await.map_err(|source| StartError::Port { port, source })
}

fn url(listener: &TcpListener, port: u16) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
    Ok(format!("http://{address}"))
}

/// What the template leaves to the deployment, and the local cloud decides.
#[must_use]
pub fn local_parameters(
    given: &Parameters,
    upstreams: &Upstreams,
    gateway_url: &str,
) -> Parameters {
    let mut parameters = given.clone();
    let local = [
        ("LaunchpadUrl", upstreams.launchpad_url()),
        ("NotificationUrl", upstreams.notifications_url()),
        ("PublicUrl", gateway_url),
        ("JwtIssuer", gateway_url),
    ];
    parameters.extend(local.map(|(name, value)| (name.to_owned(), value.to_owned())));
    parameters
}

/// The table, for the local cloud's own use.
fn operator_table(
    http: &reqwest::Client,
    aws: &Aws,
    credentials: &Credentials,
    name: &str,
) -> Result<Table, StartError> {
    let variables = HashMap::from([("TABLE_NAME".to_owned(), name.to_owned())]);
    let (endpoint, keys) = (aws.endpoint_url(), credentials.operator());
    let operator = operator::environment(http, endpoint, keys, Clock::System, variables);
    Ok(operator.table()?)
}

/// The bucket, for the local cloud's own use.
fn operator_files(
    http: &reqwest::Client,
    aws: &Aws,
    credentials: &Credentials,
    name: &str,
) -> Result<Files, StartError> {
    let variables = HashMap::from([("BUCKET_NAME".to_owned(), name.to_owned())]);
    let (endpoint, keys) = (aws.endpoint_url(), credentials.operator());
    let operator = operator::environment(http, endpoint, keys, Clock::System, variables);
    Ok(operator.files()?)
}

/// Reads a company's flags as they are stored.
fn flags(table: Table) -> control::Flags {
    Arc::new(move |company: String| {
        let table = table.clone();
        Box::pin(async move {
            let record: FlagRecord = match company.parse::<CompanyId>() {
                Ok(company) => {
                    table.get(&Key::flags(&company), true).await.ok().flatten().unwrap_or_default()
                }
                Err(_) => FlagRecord::default(),
            };
            let flags = Flag::ALL.map(|flag| (flag.to_string(), Value::Bool(record.is_on(flag))));
            flags.into_iter().collect::<Map<_, _>>()
        })
    })
}

/// The values behind the template's `{{resolve:secretsmanager:…}}`.
#[must_use]
pub fn secrets() -> BTreeMap<String, String> {
    [
        ("launchpad_user", LAUNCHPAD_USER),
        ("launchpad_password", LAUNCHPAD_PASSWORD),
        ("notification_api_key", NOTIFICATION_API_KEY),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// The emulators are there before the service whose processes they may have to kill.
fn on_kill(lambda: &Arc<OnceLock<Lambda>>) -> aws::OnKill {
    let lambda = Arc::clone(lambda);
    Arc::new(move |access_key_id| {
        if let Some(lambda) = lambda.get() {
            lambda.kill(access_key_id);
        }
    })
}

/// Issuer and audience of the tokens that the API's default authorizer takes.
fn token_rules(template: &Template) -> (String, String) {
    let authorizer =
        template.api.as_ref().and_then(|api| api.authorizers.get(api.default_authorizer.as_ref()?));
    authorizer.map_or_else(Default::default, |authorizer| {
        (authorizer.issuer.clone(), authorizer.audience.first().cloned().unwrap_or_default())
    })
}

/// Runs the function that the template has a schedule for.
fn clean_up(template: &Template, schedules: &Schedules) -> control::CleanUp {
    let scheduled = template.functions.values().find(|it| it.schedules().next().is_some());
    let function = scheduled.map_or_else(String::new, |function| function.id.clone());
    let schedules = schedules.clone();
    Arc::new(move |time: Timestamp| {
        let (schedules, function) = (schedules.clone(), function.clone());
        Box::pin(async move {
            let outcome =
                schedules.fire(&function, time).await.map_err(|error| error.to_string())?;
            serde_json::from_slice::<Value>(&outcome.payload).map_err(|error| error.to_string())
        })
    })
}
