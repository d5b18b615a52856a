//! The model of the system that a template describes.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::expression::Expression;
use crate::account;

/// All parts of the system that the local cloud runs, by logical id.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The HTTP API; `None` if the template has none.
    pub api: Option<Api>,
    /// DynamoDB tables, by logical id.
    pub tables: BTreeMap<String, Table>,
    /// Logical ids of the S3 buckets.
    pub buckets: Vec<String>,
    /// Logical ids of the configuration sets for email.
    pub configuration_sets: Vec<String>,
    /// SQS queues, by logical id.
    pub queues: BTreeMap<String, Queue>,
    /// Lambda functions, by logical id.
    pub functions: BTreeMap<String, Function>,
}

/// An API Gateway HTTP API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Logical id of the API.
    pub id: String,
    /// Name of the authorizer for routes that do not set an authorizer.
    pub default_authorizer: Option<String>,
    /// JWT authorizers by name.
    pub authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Cross-origin (CORS) rules; `None` if the template has none.
    pub cors: Option<Cors>,
    /// Common limit of all routes except those in `route_throttles`; `None` if there is no limit.
    pub throttle: Option<Throttle>,
    /// Limits of single routes, by route key such as `GET /cdp/customers`.
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

/// Cross-origin (CORS) rules of an HTTP API. Names have the same spelling as in the template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cors {
    /// Allowed origins; `*` allows all origins.
    pub allow_origins: Vec<String>,
    /// Allowed methods; `*` allows all methods.
    pub allow_methods: Vec<String>,
    /// Allowed request headers; `*` allows all headers.
    pub allow_headers: Vec<String>,
    /// Response headers that scripts in a browser may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may cache the response to a preflight request; `None` if the template
    /// sets no time.
    pub max_age: Option<Duration>,
    /// Whether a browser may send credentials.
    pub allow_credentials: bool,
}

/// A limit on requests, as a token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Largest number of requests at once.
    pub burst: u32,
    /// Average number of requests per second.
    pub rate: f64,
}

/// A DynamoDB table with string, number or binary keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The type of each key attribute (`S`, `N` or `B`), by the name of the attribute.
    pub attributes: BTreeMap<String, String>,
    /// Name of the partition key.
    pub partition_key: String,
    /// Name of the sort key, if there is one.
    pub sort_key: Option<String>,
    /// Global secondary indexes.
    pub indexes: Vec<Index>,
    /// Name of the attribute that contains an item's expiry time; `None` if items do not expire.
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
    /// The names of the attributes that the index contains besides the keys; `None` if it contains
    /// all attributes.
    pub attributes: Option<Vec<String>>,
}

/// A standard SQS queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// How long a received message stays hidden from other consumers.
    pub visibility_timeout: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// The redrive policy; `None` if the queue has no dead-letter queue.
    pub redrive: Option<Redrive>,
}

/// The redrive policy of a queue: which dead-letter queue receives messages, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Number of receives after which a message moves to the dead-letter queue.
    pub max_receive_count: u32,
}

/// A Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Logical id; in the local cloud it is also the name of the function.
    pub id: String,
    /// Name of the binary that Cargo builds for the function.
    pub binary: String,
    /// Configured memory in MiB.
    pub memory_mib: u32,
    /// Longest time that one invocation may take.
    pub timeout: Duration,
    /// Largest number of concurrent execution environments; `None` if the template sets no number.
    pub reserved_concurrency: Option<u32>,
    /// What happens to an asynchronous event that fails.
    pub asynchronous: Asynchronous,
    /// Whether Lambda lets the function invoke itself again and again, for example through a queue.
    pub allows_recursion: bool,
    /// Environment variables by name. Their values are resolved when the Lambda service starts.
    pub environment: BTreeMap<String, Expression>,
    /// The statements of the function's role.
    pub policies: Vec<Policy>,
    /// The event sources that invoke the function.
    pub events: Vec<Event>,
}

/// What happens to an asynchronous event that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asynchronous {
    /// How often the event is retried after an error of the function.
    pub retries: usize,
    /// How long the event waits for free concurrency before it is dropped.
    pub event_age: Duration,
}

impl Default for Asynchronous {
    /// The settings of Lambda: two retries, within six hours.
    fn default() -> Self {
        Self { retries: 2, event_age: Duration::from_secs(6 * 3600) }
    }
}

/// A statement of a function's role.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// True if the statement allows the actions; false if it denies them.
    pub allow: bool,
    /// Names of IAM actions such as `service:Action`, possibly with `*`.
    pub actions: Vec<String>,
    /// ARNs of resources, possibly with `*`.
    pub resources: Vec<Expression>,
    /// `StringEquals` conditions: the accepted values by the name of the condition key.
    pub conditions: BTreeMap<String, Vec<String>>,
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
    /// The HTTP method; `None` if the route accepts any method.
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
    /// Largest number of messages in one invocation.
    pub batch_size: usize,
    /// Longest time to wait until a batch is full.
    pub batch_window: Duration,
    /// Whether the function's response lists the messages that failed.
    pub reports_batch_item_failures: bool,
    /// Largest number of concurrent invocations; `None` if the template sets no number.
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
