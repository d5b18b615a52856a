//! The harness of the integration tests. Each test gets its own [`World`] with embedded emulators,
//! simulated upstream services and a clock that the test moves. Functions run in this process and
//! receive the same events that the gateway, the queues and the schedule create from
//! `template.yaml`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose world cannot be set up must fail with the place of the error"
)]

pub mod contract;
mod functions;
mod log;
mod queues;
mod requests;
mod system;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use export_generate::writer::Limits;
use jiff::{SignedDuration, Timestamp};
use local::{
    aws::{Aws, AwsOptions, Credentials, Faults, Roles, Rule},
    cloud, demo_company, demo_contacts, grants, operator,
    record::{Notifications, Usage},
    resources,
    template::{Names, Parameters, Template, example_parameters},
    trace::Trace,
    upstreams::{Directory, Upstreams},
};
use mimalloc::MiMalloc;
use serde_json::{Value, json};
use shared::{
    access::FlagRecord,
    clock::Clock,
    directory::SubscriptionPlan,
    entry::direct::Invocation,
    environment::Environment,
    export::Files,
    id::CompanyId,
    table::{Item, Key, Table, to_item},
};
use tokio::sync::Notify;

use contract::Contract;
pub use functions::Functions;
pub use log::Log;
pub use requests::Response;
pub use system::Variables;

/// Builds without optimization allocate and free very often.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The time at which every world starts.
const START_TIME: &str = "2026-02-01T08:00:00Z";
/// The time-out of calls to upstream services, in milliseconds. It is longer than in the template
/// because tests run on busy machines, and a slow machine must not look like a slow upstream
/// service.
const UPSTREAM_TIMEOUT_MS: &str = "2000";

/// The base URL of the links in emails.
pub const PUBLIC_URL: &str = "http://contacts.example";

/// An isolated environment for one test: emulators, upstream services, a clock and the functions.
pub struct World {
    /// The AWS emulators.
    pub aws: Aws,
    /// The people and teams that the simulated Launchpad returns.
    pub directory: Directory,
    /// The faults to inject.
    pub faults: Faults,
    /// The requests that the simulated notification service received.
    pub notifications: Notifications,
    /// The AWS calls of each function and their costs.
    pub usage: Usage,
    /// The clock that the functions read.
    pub clock: Clock,
    table: String,
    template: Arc<Template>,
    names: Names,
    credentials: Credentials,
    http: reqwest::Client,
    killed: Arc<Notify>,
    roles: Roles,
    /// The simulated upstream services.
    pub upstreams: Upstreams,
    functions: Functions,
    environments: Mutex<Vec<(String, Environment)>>,
    time_left: Mutex<Option<SignedDuration>>,
    export_limits: Mutex<Limits>,
    export_directory: Mutex<PathBuf>,
    dropped: Mutex<Vec<String>>,
}

impl World {
    /// Creates a world with the demo companies and their contacts, and with all flags off.
    pub async fn start() -> Self {
        Self::changed(|_| {}).await
    }

    /// Creates a world whose functions use a restored table with this name, which has the layout of
    /// the stack's own table and no items yet.
    pub async fn with_restored_table(name: &str) -> Self {
        let restored = [("RestoredTable".to_owned(), name.to_owned())].into();
        Self::create(&restored, |_| {}).await
    }

    /// Creates a world like [`World::start`] from a changed template.
    pub async fn changed(change: impl FnOnce(&mut Template)) -> Self {
        static DEMO: OnceLock<Vec<Item>> = OnceLock::new();

        let world = Self::create(&Parameters::new(), change).await;
        let table = world.table().await;
        let items = DEMO.get_or_init(|| {
            demo_contacts::items(&table, &world.clock).expect("the demo contacts are valid")
        });
        demo_contacts::import(&world.aws.database(), table.name(), items.clone())
            .expect("the demo contacts are stored");
        world
    }

    async fn create(given: &Parameters, change: impl FnOnce(&mut Template)) -> Self {
        log::keep_events_on();
        let clock = Clock::manual(START_TIME.parse().expect("START_TIME is a timestamp"));
        let (usage, faults) = (Usage::default(), Faults::default());
        let notifications = Notifications::new(clock.clone());
        let directory = Directory::new();
        directory.upsert(demo_company::directory()).expect("the demo companies are valid");
        let upstreams = Upstreams::start(directory.clone(), notifications.clone(), faults.clone())
            .await
            .expect("the upstream services start");
        let parameters = cloud::local_parameters(given, &upstreams, PUBLIC_URL, None);
        let template = Template::read(&workspace().join("template.yaml"), &parameters);
        let mut template = template.expect("the template is valid");
        change(&mut template);
        let template = Arc::new(template);
        let mut resources = resources::from_template(with_example_parameters())
            .expect("the template has resources");
        if let Some(name) = given.get("RestoredTable") {
            resources.table.name.clone_from(name);
        }
        let table = resources.table.name.clone();
        let credentials = Credentials::new();
        let killed = Arc::new(Notify::new());
        let roles = resources::roles(&template).expect("the template has roles");
        resources::check_sources(&template, &roles).expect("each role can read its queues");
        let aws = Aws::start(AwsOptions {
            resources,
            data: None,
            deletes_expired_items: false,
            credentials: credentials.clone(),
            roles: roles.clone(),
            usage: usage.clone(),
            faults: faults.clone(),
            on_kill: {
                let killed = Arc::clone(&killed);
                Arc::new(move |_| killed.notify_one())
            },
        })
        .await
        .expect("the emulators start");
        let names = Names::new(Arc::clone(&template), aws.endpoint_url(), cloud::secrets());
        let http = shared::http_client::builder().build().expect("the HTTP client is valid");
        Self {
            aws,
            http,
            table,
            directory,
            faults,
            notifications,
            usage,
            clock,
            template,
            names,
            credentials,
            killed,
            roles,
            upstreams,
            functions: Functions::default(),
            environments: Mutex::default(),
            time_left: Mutex::default(),
            export_limits: Mutex::default(),
            export_directory: Mutex::new(std::env::temp_dir()),
            dropped: Mutex::default(),
        }
    }

    /// Creates a world in which the growth company has both flags on.
    pub async fn with_flags() -> Self {
        let world = Self::start().await;
        world.flags(true, true).await;
        world
    }

    /// Sets the growth company's flags in the form in which `set-flags` stores them.
    pub async fn flags(&self, team_permission: bool, notes_mention: bool) {
        let company: CompanyId = demo_company::id("company", "kopi").parse().expect("a company id");
        let record = FlagRecord {
            cdp_team_permission_enabled: team_permission,
            cdp_notes_mention_enabled: notes_mention,
            plan: Some(SubscriptionPlan::Growth),
        };
        let item = to_item(&Key::flags(&company), &record).expect("the flags fit in an item");
        self.table().await.put(item).await.expect("the flags are stored");
    }

    /// The environment of a function, which contains the variables that the template sets.
    pub async fn environment(&self, function: &str) -> Environment {
        let variables = &self.template.functions[function].environment;
        let resolved = variables.iter().map(|(name, value)| {
            (name.clone(), self.names.resolve(value).expect("the variable can be resolved"))
        });
        let keys = self.credentials.issue(function);
        let endpoint = self.aws.endpoint_url();
        let mut variables: HashMap<_, _> = resolved.collect();
        variables.entry("UPSTREAM_TIMEOUT_MS".to_owned()).and_modify(|set| {
            UPSTREAM_TIMEOUT_MS.clone_into(set);
        });
        let environment =
            operator::environment(&self.http, endpoint, &keys, self.clock.clone(), variables);
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        environments.push((function.to_owned(), environment.clone()));
        environment
    }

    /// The DynamoDB table, for checks and preparations that bypass the functions.
    pub async fn table(&self) -> Table {
        self.operator("TABLE_NAME", &self.table).await.table().expect("the table client")
    }

    /// The S3 bucket of exports. Calls through it have the permissions of an operator.
    pub async fn files(&self) -> Files {
        self.operator("BUCKET_NAME", &Names::bucket_name("Bucket"))
            .await
            .files()
            .expect("the bucket client")
    }

    async fn operator(&self, variable: &str, value: &str) -> Environment {
        let variables = HashMap::from([(variable.to_owned(), value.to_owned())]);
        let keys = self.credentials.operator();
        let endpoint = self.aws.endpoint_url();
        operator::environment(&self.http, endpoint, keys, self.clock.clone(), variables)
    }

    /// Drops everything that the functions have cached, as a cold start does.
    pub fn restart_functions(&mut self) {
        self.functions = Functions::default();
    }

    /// Stores other values in the secret of the upstream services. As on AWS, a function gets them
    /// only when a deploy publishes a new version of it.
    pub fn store_secret(&mut self, values: &[(&str, &str)]) {
        let mut secrets = cloud::secrets();
        let changed = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        secrets.extend(changed);
        self.names = Names::new(Arc::clone(&self.template), self.aws.endpoint_url(), secrets);
    }

    /// Starts a new version of a function, as a deploy does.
    pub async fn publish(&self, function: &str) {
        self.functions.stop(function).await;
    }

    /// Invokes a function with an event and returns its response. HTTP requests and responses are
    /// checked against the documented API.
    pub async fn invoke(&self, function: &str, event: Value) -> Value {
        let chain = Trace::default().next(function, true).unwrap_or_default();
        self.invoke_in_chain(function, event, chain).await
    }

    /// Invokes a function like [`World::invoke`]. The messages that it sends continue this chain.
    async fn invoke_in_chain(&self, function: &str, event: Value, chain: Trace) -> Value {
        self.aws.traces().invoked(function, chain);
        let request = event.get("routeKey").is_some().then(|| event.clone());
        // Boxed because the handlers' futures are large.
        let response = Box::pin(self.functions.invoke(self, function, event)).await;
        if let Some(request) = request {
            Contract::documented().check(&request, &response);
        }
        response
    }

    /// Invokes a function until it responds or until a `kill` fault ends its process. A killed
    /// invocation stops at once and returns `None`.
    pub async fn invoke_until_killed(&self, function: &str, event: Value) -> Option<Value> {
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            response = self.invoke(function, event) => Some(response),
        }
    }

    /// Runs the clean-up with `time` as the current time.
    pub async fn clean_up(&self, time: Timestamp) -> Value {
        self.invoke("CleanUp", json!({ "time": time })).await
    }

    /// Sets the time limit of each further invocation, or removes the limit if `left` is `None`.
    /// Only functions that continue their work in a further invocation read the limit.
    pub fn limit_time(&self, left: Option<SignedDuration>) {
        *self.time_left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    /// Sets the size limits of exports. Call it before the first export.
    pub fn limit_exports(&self, limits: Limits) {
        *self.export_limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn export_limits(&self) -> Limits {
        *self.export_limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the directory in which the files of exports are written. Call it before the first
    /// export.
    pub fn write_exports_to(&self, directory: PathBuf) {
        *self.export_directory.lock().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    fn export_directory(&self) -> PathBuf {
        self.export_directory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An invocation that starts now and whose deadline follows from the time limit.
    fn invocation(&self) -> Invocation {
        let left = *self.time_left.lock().unwrap_or_else(PoisonError::into_inner);
        left.map_or_else(functions::forever, |left| {
            let deadline = (self.clock.now() + left).as_millisecond();
            Invocation { deadline_ms: u64::try_from(deadline).unwrap_or(0) }
        })
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// Adds a fault, in the format of `POST /_local/faults`.
    pub fn fault(&self, rule: &Value) {
        let rule = Rule::parse(rule.to_string().as_bytes()).expect("the fault can be parsed");
        self.faults.add(rule).expect("the fault is valid");
    }
}

impl Drop for World {
    /// Fails the test if a function made a call that its role denies. This detects a permission
    /// that is missing from the template, even if the function ignores the failed call.
    fn drop(&mut self) {
        let denied: Vec<String> = self.roles.denied().iter().map(ToString::to_string).collect();
        assert!(denied.is_empty() || std::thread::panicking(), "{denied:#?}");
        grants::keep(&self.roles).expect("the folder of used IAM permissions is writable");
    }
}

/// The template with the parameters that do not depend on a world.
fn with_example_parameters() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let path = workspace().join("template.yaml");
        Template::read(&path, &example_parameters()).expect("the template is valid")
    })
}

/// The root folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The SSO id of a user in the demo data.
#[must_use]
pub fn person(handle: &str) -> String {
    demo_company::id("person", handle)
}

/// The id of a team of the growth company.
#[must_use]
pub fn team(name: &str) -> String {
    demo_company::team_id("kopi", name)
}
