//! Invokes functions: finds or starts a process, hands it the event, books what it used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::clock::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::asynchronous::RetryDelays;
use super::environment::{Ending, Environment, Launch};
use super::errors::{InvokeError, StartError};
use super::outcome::{InvokeOutcome, answer, init_failure, not_started};
use super::output::Output;
use super::pool::Pool;
use super::runtime_api::{Delivery, RuntimeApi};
use super::{MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES};
use crate::aws::{Credentials, Issued};
use crate::cargo::{Binaries, Binary};
use crate::console::{Console, InvocationLine};
use crate::record::{Events, Invocation, Usage};
use crate::template::{Function, Names, REGION, Template};

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

/// The Lambda service of the local cloud.
#[derive(Clone)]
pub struct Lambda(pub(super) Arc<Service>);

pub(super) struct Service {
    pub(super) options: LambdaOptions,
    pub(super) pools: HashMap<String, Pool>,
    runtime_api: RuntimeApi,
    /// What kills the process that has an access key.
    running: Mutex<HashMap<String, CancellationToken>>,
    pub(super) shutdown: CancellationToken,
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
    pub(super) async fn run(
        &self,
        function: &str,
        payload: Bytes,
    ) -> Result<InvokeOutcome, InvokeError> {
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
}

/// A trace id in X-Ray's form: version, hour of the epoch, 96 random bits.
fn trace_id(second: i64) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("Root=1-{second:08x}-{};Parent={};Sampled=0", &random[..24], &random[16..32])
}
