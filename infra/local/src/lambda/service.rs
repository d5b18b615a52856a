//! Invokes functions: finds or starts a process, hands it the event, books what it used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::clock::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::environment::{Ending, Environment, Launch};
use super::errors::{self, FunctionError, InvokeError, StartError};
use super::output::Output;
use super::pool::Pool;
use super::runtime_api::{Delivery, RuntimeApi};
use super::{MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES};
use crate::aws::{Credentials, Issued};
use crate::cargo::{Binaries, Binary};
use crate::console::{Console, InvocationLine};
use crate::record::{Events, Invocation, Usage};
use crate::template::{Function, Names, REGION, Template};

/// Longest that an asynchronous event waits for concurrency, as on AWS.
const MAX_EVENT_AGE: Duration = Duration::from_secs(6 * 3600);

/// Pauses before an asynchronous event that failed is tried again.
#[derive(Clone, Debug)]
pub struct RetryDelays {
    /// After an error of the function: one pause per retry.
    pub after_error: Vec<Duration>,
    /// After throttling; doubled each time up to 5 minutes.
    pub after_throttle: Duration,
}

impl Default for RetryDelays {
    /// Lambda's own: two retries, after 1 and after 2 minutes.
    fn default() -> Self {
        Self {
            after_error: vec![Duration::from_secs(60), Duration::from_secs(120)],
            after_throttle: Duration::from_secs(1),
        }
    }
}

/// What the service works with.
#[derive(Clone)]
pub struct LambdaOptions {
    /// The functions.
    pub template: Arc<Template>,
    /// Values for their environment variables.
    pub names: Names,
    /// `AWS_ENDPOINT_URL` of the processes.
    pub endpoint_url: String,
    /// Their programs.
    pub binaries: Binaries,
    /// Issues each process its own keys.
    pub credentials: Credentials,
    /// Told of every invocation.
    pub usage: Usage,
    /// Takes the structured events that functions log.
    pub events: Events,
    /// Shows invocations and trouble.
    pub console: Console,
    /// The time.
    pub clock: Clock,
    /// For asynchronous events.
    pub retry_delays: RetryDelays,
}

/// The answer of a function.
#[derive(Clone, Debug)]
pub struct InvokeOutcome {
    /// `x-amzn-requestid` of the invocation.
    pub request_id: String,
    /// The answer, or Lambda's description of the error.
    pub payload: Bytes,
    /// How the function failed, if it did.
    pub function_error: Option<FunctionError>,
    /// From the event's delivery to the answer.
    pub duration: Duration,
    /// Time of the process's start, when it was started for this event.
    pub init: Option<Duration>,
    /// The processor time of the process meanwhile, its start's included.
    pub cpu: Duration,
    /// Highest resident memory of the process so far; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
    /// The last 4 KiB that it printed.
    pub log_tail: String,
}

impl InvokeOutcome {
    /// One word: `ok` or how it failed.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.function_error.map_or("ok", FunctionError::status)
    }
}

/// The Lambda service of the local cloud.
#[derive(Clone)]
pub struct Lambda(pub(super) Arc<Service>);

pub(super) struct Service {
    options: LambdaOptions,
    pub(super) pools: HashMap<String, Pool>,
    runtime_api: RuntimeApi,
    /// What kills the process that has an access key.
    running: Mutex<HashMap<String, CancellationToken>>,
    shutdown: CancellationToken,
    invocations: TaskTracker,
}

impl Lambda {
    /// Starts the service; processes start with their first event.
    ///
    /// # Errors
    /// When an environment variable has no local value, or there is no port to listen on.
    pub async fn start(options: LambdaOptions) -> Result<Self, StartError> {
        let mut pools = HashMap::new();
        for (id, function) in &options.template.functions {
            let variables = variables(function, &options.names)?;
            pools.insert(id.clone(), Pool::new(function.clone(), variables));
        }
        Ok(Self(Arc::new(Service {
            options,
            pools,
            runtime_api: RuntimeApi::start().await?,
            running: Mutex::default(),
            shutdown: CancellationToken::new(),
            invocations: TaskTracker::new(),
        })))
    }

    /// Invokes the function with the logical id `function` and waits for its answer; the
    /// invocation goes on when the caller stops waiting.
    ///
    /// # Errors
    /// When the function was not run; its own errors are part of the outcome.
    pub async fn invoke(
        &self,
        function: &str,
        payload: Bytes,
    ) -> Result<InvokeOutcome, InvokeError> {
        self.check(function, payload.len(), MAX_PAYLOAD_BYTES)?;
        let lambda = self.clone();
        let function = function.to_owned();
        let task = async move { lambda.0.run(&function, payload).await };
        self.0.invocations.spawn(task).await.unwrap_or(Err(InvokeError::ShuttingDown))
    }

    /// Accepts an asynchronous event: tried again twice when the function fails.
    ///
    /// # Errors
    /// When there is no such function or the payload exceeds [`MAX_EVENT_BYTES`].
    pub fn invoke_later(&self, function: &str, payload: Bytes) -> Result<(), InvokeError> {
        self.check(function, payload.len(), MAX_EVENT_BYTES)?;
        let lambda = self.clone();
        let function = function.to_owned();
        self.0.invocations.spawn(async move { lambda.0.retry(&function, &payload).await });
        Ok(())
    }

    /// Whether there is a function with this logical id.
    #[must_use]
    pub fn has_function(&self, function: &str) -> bool {
        self.0.pools.contains_key(function)
    }

    /// Kills the process that has these credentials, if one has.
    pub fn kill(&self, access_key_id: &str) {
        if let Some(stop) = self.0.running().get(access_key_id) {
            stop.cancel();
        }
    }

    /// Kills every process and returns when all are gone.
    pub async fn shutdown(&self) {
        self.0.shutdown.cancel();
        self.0.invocations.close();
        self.0.invocations.wait().await;
        for pool in self.0.pools.values() {
            for environment in pool.drain() {
                self.0.retire(environment).await;
            }
        }
    }

    fn check(&self, function: &str, size: usize, limit: usize) -> Result<(), InvokeError> {
        if self.0.shutdown.is_cancelled() {
            return Err(InvokeError::ShuttingDown);
        }
        if !self.has_function(function) {
            return Err(InvokeError::NotFound(function.to_owned()));
        }
        if size > limit {
            return Err(InvokeError::PayloadTooLarge { size, limit });
        }
        Ok(())
    }
}

fn variables(function: &Function, names: &Names) -> Result<BTreeMap<String, String>, StartError> {
    let resolve = |(variable, expression)| match names.resolve(expression) {
        Ok(value) => Ok((String::clone(variable), value)),
        Err(source) => Err(StartError::Environment {
            function: function.id.clone(),
            variable: String::clone(variable),
            source,
        }),
    };
    function.environment.iter().map(resolve).collect()
}

impl Service {
    async fn run(&self, function: &str, payload: Bytes) -> Result<InvokeOutcome, InvokeError> {
        let not_found = || InvokeError::NotFound(function.to_owned());
        let pool = self.pools.get(function).ok_or_else(not_found)?;
        let Some(_permit) = pool.admit() else {
            self.options.console.throttled(function);
            return Err(InvokeError::Throttled(function.to_owned()));
        };
        let request_id = Uuid::new_v4().to_string();
        let started = Instant::now();
        let (mut environment, init) = match self.environment(pool).await {
            Ok((environment, None)) => (environment, None),
            Ok((mut environment, Some(()))) => match environment.initialize().await {
                Ending::Ready => (environment, Some(started.elapsed())),
                ending => {
                    let init = Some(started.elapsed());
                    let ending = init_failure(ending);
                    return Ok(self
                        .conclude(pool, environment, request_id, ending, started, init)
                        .await);
                }
            },
            Err(error) => return Ok(not_started(request_id, &error, started)),
        };
        self.options.usage.start_invocation(&environment.access_key_id);
        let started = Instant::now();
        let delivery = self.delivery(&pool.function, &request_id, payload);
        let ending = environment.invoke(delivery, pool.function.timeout).await;
        Ok(self.conclude(pool, environment, request_id, ending, started, init).await)
    }

    /// A warm environment, or a new process (`Some(())`) that has yet to initialize.
    async fn environment(&self, pool: &Pool) -> std::io::Result<(Environment, Option<()>)> {
        let program = self.options.binaries.find(&pool.function.binary);
        let (warm, useless) = pool.take_warm(program.as_ref().ok().map(|program| program.built_at));
        for environment in useless {
            self.retire(environment).await;
        }
        if let Some(environment) = warm {
            return Ok((environment, None));
        }
        Ok((self.spawn(pool, &program?)?, Some(())))
    }

    /// Starts a process of `program` with the surroundings of the pool's function.
    pub(super) fn spawn(&self, pool: &Pool, program: &Binary) -> std::io::Result<Environment> {
        let issued = self.options.credentials.issue(&pool.function.id);
        let stop = self.shutdown.child_token();
        self.running().insert(issued.access_key_id.clone(), stop.clone());
        let output = Output::new(
            &pool.function.id,
            self.options.events.clone(),
            self.options.console.clone(),
        );
        let id = Uuid::new_v4().simple().to_string();
        let environment = Environment::spawn(Launch {
            program: &program.path,
            built_at: program.built_at,
            variables: self.process_variables(pool, &id, &issued),
            access_key_id: issued.access_key_id.clone(),
            endpoint: self.runtime_api.register(&id),
            output,
            stop,
        });
        if environment.is_err() {
            self.forget(&issued.access_key_id);
        }
        environment
    }

    /// The template's variables and those that Lambda sets.
    fn process_variables(
        &self,
        pool: &Pool,
        id: &str,
        issued: &Issued,
    ) -> BTreeMap<String, String> {
        let function = &pool.function;
        let date = self.options.clock.now().strftime("%Y/%m/%d").to_string();
        let reserved = [
            ("_HANDLER", "bootstrap".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.id.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.id)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", format!("{date}/[$LATEST]{id}")),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", issued.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", issued.secret_access_key.clone()),
            ("AWS_ENDPOINT_URL", self.options.endpoint_url.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        let mut variables = pool.variables.clone();
        variables.extend(reserved.map(|(name, value)| (name.to_owned(), value)));
        variables
    }

    fn delivery(&self, function: &Function, request_id: &str, payload: Bytes) -> Delivery {
        let now = self.options.clock.now();
        let timeout = i64::try_from(function.timeout.as_millis()).unwrap_or(i64::MAX);
        Delivery {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: now.as_millisecond().saturating_add(timeout),
            function_arn: function.arn(),
            trace_id: trace_id(now.as_second()),
        }
    }

    /// Books the invocation, and keeps the environment unless it is broken.
    async fn conclude(
        &self,
        pool: &Pool,
        mut environment: Environment,
        request_id: String,
        ending: Ending,
        started: Instant,
        init: Option<Duration>,
    ) -> InvokeOutcome {
        let healthy =
            matches!(ending, Ending::Response(_) | Ending::Error(_) | Ending::ResponseTooLarge);
        let (payload, function_error) = answer(ending, &request_id, pool.function.timeout);
        let outcome = InvokeOutcome {
            request_id,
            payload,
            function_error,
            duration: started.elapsed(),
            init,
            cpu: environment.take_cpu_time(),
            peak_memory_bytes: environment.peak_memory_bytes,
            log_tail: environment.output.take_tail(),
        };
        let access_key_id = environment.access_key_id.clone();
        if healthy {
            pool.keep(environment);
        } else {
            self.retire(environment).await;
        }
        self.record(&pool.function, access_key_id, &outcome);
        outcome
    }

    fn record(&self, function: &Function, access_key_id: String, outcome: &InvokeOutcome) {
        let cost = self.options.usage.finish_invocation(Invocation {
            function: function.id.clone(),
            access_key_id,
            cold: outcome.init.is_some(),
            duration: outcome.duration,
            cpu: outcome.cpu,
            peak_memory_bytes: outcome.peak_memory_bytes,
            status: outcome.status().to_owned(),
        });
        self.options.console.invocation(&InvocationLine {
            function: &function.id,
            status: outcome.status(),
            duration: outcome.duration,
            init: outcome.init,
            cost,
        });
    }

    pub(super) async fn retire(&self, environment: Environment) {
        self.forget(&environment.access_key_id);
        environment.end().await;
    }

    fn forget(&self, access_key_id: &str) {
        self.running().remove(access_key_id);
        self.options.credentials.revoke(access_key_id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an asynchronous event until it succeeds or has failed once and twice again.
    async fn retry(&self, function: &str, payload: &Bytes) {
        let delays = &self.options.retry_delays;
        let accepted = Instant::now();
        let mut after_error = delays.after_error.iter();
        let mut after_throttle = delays.after_throttle;
        loop {
            let delay = match self.run(function, payload.clone()).await {
                Ok(outcome) if outcome.function_error.is_none() => return,
                Ok(_) => match after_error.next() {
                    Some(delay) => *delay,
                    None => return,
                },
                Err(InvokeError::Throttled(_)) if accepted.elapsed() < MAX_EVENT_AGE => {
                    let delay = after_throttle;
                    after_throttle = (delay * 2).min(Duration::from_secs(300));
                    delay
                }
                Err(_) => return,
            };
            if self.shutdown.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                return;
            }
        }
    }
}

/// The payload that Lambda answers for an ending.
fn answer(ending: Ending, request_id: &str, timeout: Duration) -> (Bytes, Option<FunctionError>) {
    match ending {
        Ending::Response(payload) => (payload, None),
        Ending::Error(payload) => (payload, Some(FunctionError::Handler)),
        Ending::InitError(payload) => (payload, Some(FunctionError::Init)),
        Ending::ResponseTooLarge => {
            (errors::response_too_large(request_id), Some(FunctionError::ResponseTooLarge))
        }
        Ending::TimedOut => (errors::timed_out(request_id, timeout), Some(FunctionError::TimedOut)),
        Ending::Exited(status) => (errors::exited(request_id, status), Some(FunctionError::Exited)),
        Ending::Ready => (errors::exited(request_id, None), Some(FunctionError::Exited)),
    }
}

/// An initialization that runs out of time is an error of the initialization.
fn init_failure(ending: Ending) -> Ending {
    match ending {
        Ending::TimedOut => Ending::InitError(Bytes::from_static(
            br#"{"errorType":"Sandbox.Timedout","errorMessage":"Init phase timed out after 10.00 seconds"}"#,
        )),
        other => other,
    }
}

fn not_started(request_id: String, error: &std::io::Error, started: Instant) -> InvokeOutcome {
    InvokeOutcome {
        payload: errors::not_started(&request_id, error),
        request_id,
        function_error: Some(FunctionError::Init),
        duration: started.elapsed(),
        init: None,
        cpu: Duration::ZERO,
        peak_memory_bytes: 0,
        log_tail: String::new(),
    }
}

/// A trace id in X-Ray's form: version, hour of the epoch, 96 random bits.
fn trace_id(second: i64) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("Root=1-{second:08x}-{};Parent={};Sampled=0", &random[..24], &random[16..32])
}
