//! Invokes functions: finds or starts a process, sends it the event, and records the usage of the
//! process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
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
use super::variables::{self, Process};
use crate::aws::Credentials;
use crate::cargo::{Binaries, Binary};
use crate::console::{Console, InvocationLine};
use crate::record::{CausedInvocation, Events, Invocation, Requests, Usage};
use crate::template::{Function, Names, Template};
use crate::trace::Trace;

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
    /// Records every invocation that a request caused.
    pub requests: Requests,
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

/// An invocation in progress.
struct Run<'a> {
    pool: &'a Pool,
    /// What caused the invocation.
    cause: &'a Trace,
    request_id: String,
    /// The time when it began, including the initialization.
    started_at: Timestamp,
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
        cause: &Trace,
    ) -> Result<InvokeOutcome, InvokeError> {
        let not_found = || InvokeError::NotFound(function.to_owned());
        let pool = self.pools.get(function).ok_or_else(not_found)?;
        let Some(trace) = cause.next(function, pool.function.allows_recursion) else {
            self.options.console.recursion_dropped(function);
            return Err(InvokeError::Recursive(function.to_owned()));
        };
        let Some(_permit) = pool.admit() else {
            self.options.console.throttled(function);
            return Err(InvokeError::Throttled(function.to_owned()));
        };
        let run = Run {
            pool,
            cause,
            request_id: Uuid::new_v4().to_string(),
            started_at: self.options.clock.now(),
        };
        let started = Instant::now();
        let (mut environment, init) = match self.environment(pool).await {
            Ok((environment, None)) => (environment, None),
            Ok((mut environment, Some(()))) => match environment.initialize().await {
                Ending::Ready => (environment, Some(started.elapsed())),
                ending => {
                    let init = Some(started.elapsed());
                    let (ending, delivered) = (init_failure(ending), Instant::now());
                    return Ok(self.conclude(&run, environment, ending, delivered, init).await);
                }
            },
            Err(error) => return Ok(not_started(run.request_id, &error, started)),
        };
        self.options.usage.start_invocation(&environment.access_key_id);
        let started = Instant::now();
        let delivery = self.delivery(&pool.function, &run.request_id, payload, &trace);
        let ending = environment.invoke(delivery, pool.function.timeout).await;
        Ok(self.conclude(&run, environment, ending, started, init).await)
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
        let mut variables = pool.variables.clone();
        variables.extend(variables::reserved(&Process {
            function: &pool.function,
            id: &id,
            keys: &issued,
            endpoint_url: &self.options.endpoint_url,
            started_at: self.options.clock.now(),
        }));
        let environment = Environment::spawn(Launch {
            program: &program.path,
            built_at: program.built_at,
            variables,
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

    fn delivery(
        &self,
        function: &Function,
        request_id: &str,
        payload: Bytes,
        trace: &Trace,
    ) -> Delivery {
        let now = self.options.clock.now();
        let timeout = i64::try_from(function.timeout.as_millis()).unwrap_or(i64::MAX);
        Delivery {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: now.as_millisecond().saturating_add(timeout),
            function_arn: function.arn(),
            trace_id: trace.header(now),
        }
    }

    /// Records the invocation. Keeps the environment for the next event, unless it is unusable now.
    async fn conclude(
        &self,
        run: &Run<'_>,
        mut environment: Environment,
        ending: Ending,
        started: Instant,
        init: Option<Duration>,
    ) -> InvokeOutcome {
        let healthy =
            matches!(ending, Ending::Response(_) | Ending::Error(_) | Ending::ResponseTooLarge);
        let function = &run.pool.function;
        let (payload, function_error) = result(ending, &run.request_id, function.timeout);
        let outcome = InvokeOutcome {
            request_id: run.request_id.clone(),
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
            run.pool.keep(environment);
        } else {
            self.retire(environment).await;
        }
        self.record(run, access_key_id, &outcome);
        outcome
    }

    fn record(&self, run: &Run<'_>, access_key_id: String, outcome: &InvokeOutcome) {
        let function = &run.pool.function;
        let calls = self.options.usage.finish_invocation(Invocation {
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
            cost: calls.total(),
        });
        let invocation = CausedInvocation {
            function: function.id.clone(),
            by_message: run.cause.has_invocations(),
            status: outcome.status().to_owned(),
            started_at: run.started_at,
            init: outcome.init,
            duration: outcome.duration,
            memory_mib: function.memory_mib,
            calls,
        };
        self.options.requests.add_invocation(run.cause.ids(), &invocation);
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
