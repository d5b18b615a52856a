//! The harness of the integration tests: a world of its own for each test, with the embedded
//! emulators, the simulated neighbors and a clock that the test moves. Functions run in this
//! process, behind the same events that the gateway, the queues and the schedule make of the same
//! `template.yaml`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose world cannot be set up must fail, and say where"
)]

pub mod contract;
mod functions;
mod log;
mod system;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use export_generate::writer::Limits;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use local::{
    aws::{Aws, AwsOptions, Credentials, Faults, Roles, Rule},
    cloud, demo_company, demo_contacts, gateway, grants,
    upstreams::{Directory, Neighbors},
    operator,
    record::{Notifications, Usage},
    resources,
    sources::queue_event,
    template::{Names, Parameters, Template},
};
use serde_json::{Map, Value, json};
use shared::{
    access::FlagRecord,
    clock::Clock,
    directory::SubscriptionPlan,
    entry::direct::Invocation,
    environment::Environment,
    export::Files,
    id::CompanyId,
    table::{Key, Table, to_item},
};
use tokio::sync::Notify;

use contract::Contract;
pub use functions::Functions;
pub use log::Log;
pub use system::Variables;

/// When a world begins.
const BEGINNING: &str = "2026-02-01T08:00:00Z";
/// What a neighbor is waited for: longer than the template has it, since a busy machine must not look
/// like a slow neighbor.
const UPSTREAM_TIMEOUT_MS: &str = "2000";

/// Where the links in mails lead.
pub const PUBLIC_URL: &str = "http://contacts.example";

/// One world.
pub struct World {
    /// The emulators.
    pub aws: Aws,
    /// The people and teams, as Launchpad has them.
    pub directory: Directory,
    /// What goes wrong.
    pub faults: Faults,
    /// What was notified.
    pub notifications: Notifications,
    /// What was called.
    pub usage: Usage,
    /// The time.
    pub clock: Clock,
    template: Arc<Template>,
    names: Names,
    credentials: Credentials,
    http: reqwest::Client,
    killed: Arc<Notify>,
    roles: Roles,
    _upstreams: Upstreams,
    functions: Functions,
    environments: Mutex<Vec<(String, Environment)>>,
    time_left: Mutex<Option<SignedDuration>>,
    export_limits: Mutex<Limits>,
}

/// What a caller sees.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: HashMap<String, String>,
    /// The body; null where there is none.
    pub body: Value,
}

impl Answer {
    /// The `data` of a success.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The code of an error.
    #[must_use]
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// The ids of a list's records, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let records = self.data().as_array().into_iter().flatten();
        records.filter_map(|record| record["id"].as_str().map(str::to_owned)).collect()
    }
}

impl World {
    /// A world with the demo companies, their contacts, and all flags off.
    pub async fn start() -> Self {
        log::keep_events_on();
        let clock = Clock::manual(BEGINNING.parse().expect("a time"));
        let (usage, faults) = (Usage::default(), Faults::default());
        let notifications = Notifications::new(clock.clone());
        let directory = Directory::new();
        directory.upsert(demo_company::directory()).expect("the demo companies");
        let upstreams = Upstreams::start(directory.clone(), notifications.clone(), faults.clone())
            .await
            .expect("the neighbors");
        let parameters = cloud::local_parameters(&Parameters::new(), &upstreams, PUBLIC_URL);
        let template = Template::read(&workspace().join("template.yaml"), &parameters);
        let template = Arc::new(template.expect("the template"));
        let credentials = Credentials::new();
        let killed = Arc::new(Notify::new());
        let roles = resources::roles(&template).expect("the roles");
        resources::check_sources(&template, &roles).expect("roles that read their queues");
        let aws = Aws::start(AwsOptions {
            resources: resources::of(&template).expect("the resources"),
            data: None,
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
        .expect("the emulators");
        let names = Names::new(Arc::clone(&template), aws.endpoint_url(), cloud::secrets());
        let http = shared::http_client::builder().build().expect("an HTTP client");
        let world = Self {
            aws,
            http,
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
            _upstreams: upstreams,
            functions: Functions::default(),
            environments: Mutex::default(),
            time_left: Mutex::default(),
            export_limits: Mutex::default(),
        };
        demo_contacts::seed(&world.table().await, &world.clock).await.expect("the contacts");
        world
    }

    /// A world where the growth company has both flags on.
    pub async fn with_flags() -> Self {
        let world = Self::start().await;
        world.flags(true, true).await;
        world
    }

    /// Sets the growth company's flags, as the function would store them.
    pub async fn flags(&self, team_permission: bool, notes_mention: bool) {
        let company: CompanyId = demo_company::id("company", "kopi").parse().expect("an id");
        let record = FlagRecord {
            cdp_team_permission_enabled: team_permission,
            cdp_notes_mention_enabled: notes_mention,
            plan: Some(SubscriptionPlan::Growth),
        };
        let item = to_item(&Key::flags(&company), &record).expect("an item");
        self.table().await.put(item).await.expect("the table");
    }

    /// The surroundings of a function, as the template has them.
    pub async fn environment(&self, function: &str) -> Environment {
        let variables = &self.template.functions[function].environment;
        let resolved = variables.iter().map(|(name, value)| {
            (name.clone(), self.names.resolve(value).expect("a variable of the template"))
        });
        let keys = self.credentials.issue(function);
        let endpoint = self.aws.endpoint_url();
        let mut variables: HashMap<_, _> = resolved.collect();
        variables.entry("UPSTREAM_TIMEOUT_MS".to_owned()).and_modify(|set| {
            UPSTREAM_TIMEOUT_MS.clone_into(set);
        });
        let made =
            operator::environment(&self.http, endpoint, &keys, self.clock.clone(), variables);
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        environments.push((function.to_owned(), made.clone()));
        made
    }

    /// The table, for what a test looks at or prepares behind the functions' backs.
    pub async fn table(&self) -> Table {
        self.operator("TABLE_NAME", "Table").await.table().expect("the table")
    }

    /// The bucket of exports, with the rights of an operator.
    pub async fn files(&self) -> Files {
        self.operator("BUCKET_NAME", &Names::bucket_name("Bucket"))
            .await
            .files()
            .expect("the bucket")
    }

    async fn operator(&self, variable: &str, value: &str) -> Environment {
        let variables = HashMap::from([(variable.to_owned(), value.to_owned())]);
        let keys = self.credentials.operator();
        let endpoint = self.aws.endpoint_url();
        operator::environment(&self.http, endpoint, keys, self.clock.clone(), variables)
    }

    /// Forgets what the functions' processes have cached, as cold starts would.
    pub fn restart_functions(&mut self) {
        self.functions = Functions::default();
    }

    /// `GET` on behalf of a person of the demo.
    pub async fn get(&self, user: &str, path: &str) -> Answer {
        self.call(user, Method::GET, path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, user: &str, path: &str, body: &Value) -> Answer {
        self.call(user, Method::POST, path, Some(body)).await
    }

    /// One call, with a JSON body if there is one. An empty `user` is nobody.
    pub async fn call(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        self.send(user, method, path, &[("content-type", "application/json")], body).await
    }

    /// One call with these headers and bytes.
    pub async fn send(
        &self,
        user: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let (function, event) = self.event(user, method, path, headers, &body);
        let answer = self.invoke(&function, event).await;
        let headers = answer["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| {
            (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned())
        });
        let text = answer["body"].as_str().unwrap_or("null");
        Answer {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap_or(0)).unwrap_or(0),
            headers: headers.collect(),
            body: serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    /// The function that a call is for, and its event, as the gateway makes it.
    #[must_use]
    pub fn event(
        &self,
        user: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> (String, Value) {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let (claims, now) = (self.claims(user), self.clock.now());
        let id = "test-request";
        gateway::event::for_request(&self.template, &parts, body, claims.as_ref(), id, now)
            .expect("a route")
    }

    fn claims(&self, user: &str) -> Option<Map<String, Value>> {
        let person = self.directory.find(user)?;
        let claims = json!({
            "sub": person.sso_id,
            "company_sso_id": person.company_sso_id,
            "name": person.full_name.clone().unwrap_or_default(),
            "email": person.email,
        });
        claims.as_object().cloned()
    }

    /// Invokes a function with an event and tells its answer. A request and its answer are held to
    /// the documented API.
    pub async fn invoke(&self, function: &str, event: Value) -> Value {
        let request = event.get("routeKey").is_some().then(|| event.clone());
        // Boxed: the handlers' futures are deep.
        let answer = Box::pin(self.functions.invoke(self, function, event)).await;
        if let Some(request) = request {
            Contract::documented().check(&request, &answer);
        }
        answer
    }

    /// Invokes a function until it answers or a `kill` fault ends its process: `None` then. What it
    /// had under way ends where it stands.
    pub async fn invoke_until_killed(&self, function: &str, event: Value) -> Option<Value> {
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            answer = self.invoke(function, event) => Some(answer),
        }
    }

    /// Hands every message that is visible in the queues to its function, until there is none
    /// left; tells how many were handled. What fails stays in its queue.
    pub async fn work(&self) -> usize {
        let mut handled = 0;
        loop {
            let mut round = 0;
            for function in self.template.functions.values() {
                for source in function.queue_sources() {
                    round += self.work_on(&function.id, &source.queue).await;
                }
            }
            if round == 0 {
                return handled;
            }
            handled += round;
        }
    }

    async fn work_on(&self, function: &str, queue: &str) -> usize {
        let sqs = self.environment(function).await.sqs();
        let url = self.names.queue_url(queue);
        let received = sqs
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .message_system_attribute_names("All".into())
            .send()
            .await
            .expect("the queue");
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            return 0;
        }
        let event = queue_event::event(&messages, &Names::queue_arn(queue));
        let answer = self.invoke(function, event).await;
        let failed: Vec<&str> = answer["batchItemFailures"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        for message in &messages {
            if !failed.contains(&message.message_id().unwrap_or_default()) {
                let receipt = message.receipt_handle().unwrap_or_default();
                let done = sqs.delete_message().queue_url(&url).receipt_handle(receipt);
                done.send().await.expect("the queue");
            }
        }
        messages.len()
    }

    /// Runs the clean-up as if at `time`.
    pub async fn clean_up(&self, time: Timestamp) -> Value {
        self.invoke("CleanUp", json!({ "time": time })).await
    }

    /// Gives the invocations to come so much time each, or all they want. Only functions that go
    /// on by themselves heed it.
    pub fn limit_time(&self, left: Option<SignedDuration>) {
        *self.time_left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    /// Lets exports be so large at most, from the first one on.
    pub fn limit_exports(&self, limits: Limits) {
        *self.export_limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn export_limits(&self) -> Limits {
        *self.export_limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an invocation that begins now is told of its time.
    fn invocation(&self) -> Invocation {
        let left = *self.time_left.lock().unwrap_or_else(PoisonError::into_inner);
        left.map_or_else(functions::forever, |left| {
            let deadline = (self.clock.now() + left).as_millisecond();
            Invocation { deadline_ms: u64::try_from(deadline).unwrap_or(0) }
        })
    }

    /// Moves the clock on.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// Makes something go wrong, in the words of `POST /_local/faults`.
    pub fn fault(&self, rule: &Value) {
        let rule = Rule::parse(rule.to_string().as_bytes()).expect("a rule");
        self.faults.add(rule).expect("a rule");
    }
}

impl Drop for World {
    /// No test calls what its function's role refuses. So whoever takes a right away fails each test
    /// that uses it, even where the function would go on without the call's answer.
    fn drop(&mut self) {
        let denied: Vec<String> = self.roles.denied().iter().map(ToString::to_string).collect();
        assert!(denied.is_empty() || std::thread::panicking(), "{denied:#?}");
        grants::keep(&self.roles).expect("the folder of used grants");
    }
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The id of a person of the demo.
#[must_use]
pub fn person(handle: &str) -> String {
    demo_company::id("person", handle)
}

/// The id of a team of the growth company.
#[must_use]
pub fn team(name: &str) -> String {
    demo_company::team_id("kopi", name)
}
