//! The system that a template describes.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::expression::Expression;
use crate::account;

/// Everything that the local cloud runs, by logical id.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The HTTP API, if the template has one.
    pub api: Option<Api>,
    /// DynamoDB tables.
    pub tables: BTreeMap<String, Table>,
    /// Logical ids of the S3 buckets.
    pub buckets: Vec<String>,
    /// SQS queues.
    pub queues: BTreeMap<String, Queue>,
    /// Lambda functions.
    pub functions: BTreeMap<String, Function>,
}

/// An API Gateway HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id.
    pub id: String,
    /// Name of the authorizer of the routes that name none.
    pub default_authorizer: Option<String>,
    /// JWT authorizers by name.
    pub authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Cross-origin (CORS) rules.
    pub cors: Option<Cors>,
    /// Limits of all routes together, except those in `route_throttles`.
    pub throttle: Option<Throttle>,
    /// Limits of single routes, by route key.
    pub route_throttles: BTreeMap<String, Throttle>,
}

/// A JWT authorizer that reads the `Authorization` header.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtAuthorizer {
    /// The required `iss` claim of a token.
    pub issuer: String,
    /// The accepted values of a token's `aud` claim.
    pub audience: Vec<String>,
}

/// Cross-origin (CORS) rules of an HTTP API; names are kept as the template writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cors {
    /// Allowed origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Allowed methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Allowed request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may cache the response to a preflight request.
    pub max_age: Option<Duration>,
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
}

/// A limit on requests, as a token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Most requests at once.
    pub burst: u32,
    /// Average requests per second.
    pub rate: f64,
}

/// A DynamoDB table with string, number or binary keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Attribute type (`S`, `N`, `B`) by attribute name.
    pub attributes: BTreeMap<String, String>,
    /// Name of the partition key.
    pub partition_key: String,
    /// Name of the sort key, if there is one.
    pub sort_key: Option<String>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute with an item's expiry time.
    pub ttl_attribute: Option<String>,
}

/// A global secondary index that projects all attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// The name that a query gives as `IndexName`.
    pub name: String,
    /// Name of the partition key.
    pub partition_key: String,
    /// Name of the sort key, if there is one.
    pub sort_key: Option<String>,
}

/// A standard SQS queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// How long a received message stays hidden from other consumers.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// Where messages go that fail too often.
    pub redrive: Option<Redrive>,
}

/// The redrive policy of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Number of receives after which a message moves there.
    pub max_receive_count: u32,
}

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id; in the local cloud it is also the name of the function.
    pub id: String,
    /// Name of the binary that Cargo builds for the function.
    pub binary: String,
    /// Configured memory, in MiB.
    pub memory_mib: u32,
    /// Longest time of one invocation.
    pub timeout: Duration,
    /// Most concurrent execution environments, if the template sets a number.
    pub reserved_concurrency: Option<u32>,
    /// Environment variables; they are resolved when the Lambda service starts.
    pub environment: BTreeMap<String, Expression>,
    /// The statements of the function's role.
    pub policies: Vec<Policy>,
    /// The event sources that invoke the function.
    pub events: Vec<Event>,
}

/// A statement of a function's role.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Whether the statement allows the actions; otherwise it denies them.
    pub allow: bool,
    /// Names such as `service:Action`, possibly with `*`.
    pub actions: Vec<String>,
    /// ARNs, possibly with `*`.
    pub resources: Vec<Expression>,
}

/// An event source of a function.
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
    /// Path template such as `/d/{token}`; `None` for the `$default` route.
    pub path: Option<String>,
    /// The authorizer that checks the caller's token.
    pub authorizer: Authorizer,
}

/// Which authorizer a route uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Authorizer {
    /// The API's default authorizer, if there is one.
    Default,
    /// No authorizer: no token is needed.
    None,
    /// The authorizer with this name.
    Named(String),
}

/// An event source mapping from a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Most messages in one invocation.
    pub batch_size: usize,
    /// Longest time to wait for a batch to fill.
    pub batch_window: Duration,
    /// Whether the function's response lists the messages that failed.
    pub reports_batch_item_failures: bool,
    /// Most concurrent invocations.
    pub maximum_concurrency: Option<usize>,
}

/// A schedule at a fixed rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Name of the event in the template.
    pub name: String,
    /// Time between two invocations.
    pub period: Duration,
    /// Whether the schedule runs automatically.
    pub enabled: bool,
}

impl Function {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        account::arn("lambda", &format!("function:{}", self.id))
    }

    /// The queues that are event sources of the function.
    pub fn queue_sources(&self) -> impl Iterator<Item = &QueueSource> {
        self.events.iter().filter_map(|event| match event {
            Event::Queue(source) => Some(source),
            Event::Route(_) | Event::Schedule(_) => None,
        })
    }

    /// The schedules of the function.
    pub fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.events.iter().filter_map(|event| match event {
            Event::Schedule(schedule) => Some(schedule),
            Event::Route(_) | Event::Queue(_) => None,
        })
    }

    /// The HTTP routes of the function.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.events.iter().filter_map(|event| match event {
            Event::Route(route) => Some(route),
            Event::Queue(_) | Event::Schedule(_) => None,
        })
    }
}
