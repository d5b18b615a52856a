//! The system that a template describes.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::Expression;

/// Everything the local cloud runs, by logical id.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The HTTP API, if the template has one.
    pub api: Option<Api>,
    /// Tables.
    pub tables: BTreeMap<String, Table>,
    /// Logical ids of the buckets.
    pub buckets: Vec<String>,
    /// Queues.
    pub queues: BTreeMap<String, Queue>,
    /// Functions.
    pub functions: BTreeMap<String, Function>,
}

/// An API Gateway HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id.
    pub id: String,
    /// Authorizer of the routes that name none.
    pub default_authorizer: Option<String>,
    /// JWT authorizers by name.
    pub authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// Limits of every route together.
    pub throttle: Option<Throttle>,
    /// Limits of single routes, by route key; such a route is not under the others' limit.
    pub route_throttles: BTreeMap<String, Throttle>,
}

/// A JWT authorizer that reads the `Authorization` header.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtAuthorizer {
    /// The `iss` a token must bear.
    pub issuer: String,
    /// Of these, a token's `aud` must name one.
    pub audience: Vec<String>,
}

/// Cross-origin rules of an HTTP API; names are kept as the template writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cors {
    /// Origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may keep a preflight's answer.
    pub max_age: Option<Duration>,
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
}

/// A token bucket over all routes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Requests at once.
    pub burst: u32,
    /// Requests a second in the long run.
    pub rate: f64,
}

/// A DynamoDB table with string, number or binary keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Attribute type (`S`, `N`, `B`) by attribute name.
    pub attributes: BTreeMap<String, String>,
    /// Partition key.
    pub partition_key: String,
    /// Sort key.
    pub sort_key: Option<String>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds an item's time to live.
    pub ttl_attribute: Option<String>,
}

/// A global secondary index that projects everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Name.
    pub name: String,
    /// Partition key.
    pub partition_key: String,
    /// Sort key.
    pub sort_key: Option<String>,
}

/// A standard SQS queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// Where messages go that fail too often.
    pub redrive: Option<Redrive>,
}

/// A queue's dead-letter rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Receives after which a message moves.
    pub max_receive_count: u32,
}

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id; here it is the function's name too.
    pub id: String,
    /// Name of the binary that Cargo builds for it.
    pub binary: String,
    /// Configured memory, in MiB.
    pub memory_mib: u32,
    /// Longest time of one invocation.
    pub timeout: Duration,
    /// Greatest number of execution environments, where the template reserves one.
    pub reserved_concurrency: Option<u32>,
    /// Environment variables; resolved when the function's processes start.
    pub environment: BTreeMap<String, Expression>,
    /// What its role allows.
    pub policies: Vec<Policy>,
    /// What invokes it.
    pub events: Vec<Event>,
}

/// A statement of a function's role, kept as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Whether it allows (else it denies).
    pub allow: bool,
    /// `service:Action`, possibly with `*`.
    pub actions: Vec<String>,
    /// ARNs, possibly with `*`.
    pub resources: Vec<Expression>,
}

/// What invokes a function.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A route of the HTTP API.
    Route(Route),
    /// Messages of a queue.
    Queue(QueueSource),
    /// A schedule.
    Schedule(Schedule),
}

/// A route of the HTTP API.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `None` for any method.
    pub method: Option<Method>,
    /// Path template such as `/d/{token}`; `None` is the `$default` route.
    pub path: Option<String>,
    /// Who must be signed in.
    pub authorizer: Authorizer,
}

/// Which authorizer a route uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Authorizer {
    /// The API's default one, if it has any.
    Default,
    /// None at all.
    None,
    /// The one of this name.
    Named(String),
}

/// An event source mapping from a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Most messages in one invocation.
    pub batch_size: usize,
    /// How long to gather a batch.
    pub batch_window: Duration,
    /// Whether the function's answer names the messages that failed.
    pub reports_batch_item_failures: bool,
    /// Most invocations at once.
    pub maximum_concurrency: Option<usize>,
}

/// A schedule at a fixed rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Name of the event in the template.
    pub name: String,
    /// Time between two invocations.
    pub period: Duration,
    /// Whether it runs by itself.
    pub enabled: bool,
}

impl Function {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        super::names::arn("lambda", &format!("function:{}", self.id))
    }

    /// Its sources among the queues.
    pub fn queue_sources(&self) -> impl Iterator<Item = &QueueSource> {
        self.events.iter().filter_map(|event| match event {
            Event::Queue(source) => Some(source),
            Event::Route(_) | Event::Schedule(_) => None,
        })
    }

    /// Its schedules.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.events.iter().filter_map(|event| match event {
            Event::Schedule(schedule) => Some(schedule),
            Event::Route(_) | Event::Queue(_) => None,
        })
    }

    /// Its routes.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.events.iter().filter_map(|event| match event {
            Event::Route(route) => Some(route),
            Event::Queue(_) | Event::Schedule(_) => None,
        })
    }
}
