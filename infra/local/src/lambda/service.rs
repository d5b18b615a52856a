//! Invokes functions: finds or starts a process, sends it the event, and records the usage of the
//! process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::clock::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::environment::{Ending, Environment, Launch};
use super::errors::InvokeError;
use super::outcome::{InvokeOutcome, init_failure, not_started, result};
use super::output::Output;
use super::pool::Pool;
use super::retry::RetryDelays;
use super::runtime_api::{Delivery, RuntimeApi};
use crate::account::REGION;
use crate::aws::{Credentials, Issued};
use crate::cargo::{Binaries, Binary};
use crate::console::{Console, InvocationLine};
use crate::lineage::Lineage;
use crate::record::{Events, Invocation, Usage};
use crate::template::{Function, Names, Template};

/// The dependencies of the service.
#[derive(Clone)]
pub struct LambdaOptions {
    /// The template, which declares the functions.
    pub template: Arc<Template>,
    /// Resolves the values of the functions' environment variables.
    pub names: Names,
    /// Value of `AWS_ENDPOINT_URL` for the processes.
    pub endpoint_url: String,
    /// The programs of the functions.
    pub binaries: Binaries,
    /// Issues one pair of access keys to each process.
    pub credentials: Credentials,
    /// Records every invocation.
    pub usage: Usage,
    /// Records the structured events that functions log.
    pub events: Events,
    /// Shows invocations, warnings and errors.
    pub console: Console,
    /// The source of the current time.
    pub clock: Clock,
    /// The largest number of concurrent environments of a function that reserves no concurrency.
    pub concurrency: u32,
    /// The delays before asynchronous events are retried.
    pub retry_delays: RetryDelays,
}

pub(super) struct Service {
    pub(super) options: LambdaOptions,
    pub(super) pools: HashMap<String, Pool>,
    runtime_api: RuntimeApi,
    /// For each access key, the token that kills the process with this key.
    running: Mutex<HashMap<String, CancellationToken>>,
    pub(super) shutdown: CancellationToken,
    pub(super) invocations: TaskTracker,
}

impl Service {
    pub(super) async fn start(
        options: LambdaOptions,
        pools: HashMap<String, Pool>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            options,
            pools,
            runtime_api: RuntimeApi::start().await?,
            running: Mutex::default(),
            shutdown: CancellationToken::new(),
            invocations: TaskTracker::new(),
        })
    }

    /// Kills the process that this access key was issued to, if the process is still running.
    pub(super) fn kill(&self, access_key_id: &str) {
        if let Some(stop) = self.running().get(access_key_id) {
            stop.cancel();
        }
    }

    /// Runs one invocation in a warm process or in a new process.
    pub(super) async fn run(
        &self,
        function: &str,
        payload: Bytes,
        lineage: &Lineage,
    ) -> Result<InvokeOutcome, InvokeError> {
        let not_found = || InvokeError::NotFound(function.to_owned());
        let pool = self.pools.get(function).ok_or_else(not_found)?;
        let Some(lineage) = lineage.next(function, pool.function.allows_recursion) else {
            self.options.console.recursion_dropped(function);
            return Err(InvokeError::Recursive(function.to_owned()));
        };
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
        let delivery = self.delivery(&pool.function, &request_id, payload, &lineage);
        let ending = environment.invoke(delivery, pool.function.timeout).await;
        Ok(self.conclude(pool, environment, request_id, ending, started, init).await)
    }

    /// Returns an environment for one invocation. The second value is `None` if the environment is
    /// warm. It is `Some(())` if the process is new: the caller must initialize a new process
    /// first.
    async fn environment(&self, pool: &Pool) -> std::io::Result<(Environment, Option<()>)> {
        let program = self.options.binaries.find(&pool.function.binary);
        let built_at = program.as_ref().ok().map(|program| program.built_at);
        let (warm, unusable) = pool.take_warm(built_at);
        for environment in unusable {
            self.retire(environment).await;
        }
        if let Some(environment) = warm {
            return Ok((environment, None));
        }
        Ok((self.spawn(pool, &program?)?, Some(())))
    }

    /// Starts a process of `program` with the environment variables of the pool's function.
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
            self.revoke(&issued.access_key_id);
        }
        environment
    }

    /// The environment variables in the template, and the variables that Lambda sets.
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

    fn delivery(
        &self,
        function: &Function,
        request_id: &str,
        payload: Bytes,
        lineage: &Lineage,
    ) -> Delivery {
        let now = self.options.clock.now();
        let timeout = i64::try_from(function.timeout.as_millis()).unwrap_or(i64::MAX);
        Delivery {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: now.as_millisecond().saturating_add(timeout),
            function_arn: function.arn(),
            trace_id: format!("{};{}", trace_id(now.as_second()), lineage.field()),
        }
    }

    /// Records the invocation. Keeps the environment for the next event, unless it is unusable now.
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
        let (payload, function_error) = result(ending, &request_id, pool.function.timeout);
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

    /// Ends an environment and revokes its access key.
    pub(super) async fn retire(&self, environment: Environment) {
        self.revoke(&environment.access_key_id);
        environment.end().await;
    }

    fn revoke(&self, access_key_id: &str) {
        self.running().remove(access_key_id);
        self.options.credentials.revoke(access_key_id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A trace id in the format of X-Ray: the version, the time in seconds since 1970, and 96 random
/// bits.
fn trace_id(second: i64) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("Root=1-{second:08x}-{};Parent={};Sampled=0", &random[..24], &random[16..32])
}
