//! The handle of the Lambda service. The other parts of the local cloud use the service through it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::errors::{InvokeError, StartError};
use super::limits::{MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES};
use super::outcome::InvokeOutcome;
use super::pool::Pool;
use super::service::{LambdaOptions, Service};
use crate::template::{Function, Names};
use crate::trace::Trace;

/// The Lambda service of the local cloud. Clones share it.
#[derive(Clone)]
pub struct Lambda(pub(super) Arc<Service>);

impl Lambda {
    /// Starts the service. The processes of a function start when the function receives events.
    pub async fn start(options: LambdaOptions) -> Result<Self, StartError> {
        let mut pools = HashMap::new();
        for (id, function) in &options.template.functions {
            let variables = variables(function, &options.names)?;
            pools.insert(id.clone(), Pool::new(function.clone(), variables, options.concurrency));
        }
        Ok(Self(Arc::new(Service::start(options, pools).await?)))
    }

    /// Invokes the function with the logical id `function` and waits for its response. If the
    /// caller stops waiting, the invocation continues.
    ///
    /// # Errors
    /// Returns an error if the function was not run. Errors of the function itself are in the
    /// outcome.
    pub async fn invoke(
        &self,
        function: &str,
        payload: Bytes,
    ) -> Result<InvokeOutcome, InvokeError> {
        self.invoke_traced(function, payload, &Trace::default()).await
    }

    /// Invokes the function like [`Lambda::invoke`], because of a request or of messages with this
    /// trace.
    ///
    /// # Errors
    /// As [`Lambda::invoke`], and [`InvokeError::Recursive`] if Lambda would drop the invocation as
    /// part of an endless loop.
    pub async fn invoke_traced(
        &self,
        function: &str,
        payload: Bytes,
        trace: &Trace,
    ) -> Result<InvokeOutcome, InvokeError> {
        self.check(function, payload.len(), MAX_PAYLOAD_BYTES)?;
        let (lambda, trace) = (self.clone(), trace.clone());
        let function = function.to_owned();
        let task = async move { lambda.0.run(&function, payload, &trace).await };
        self.0.invocations.spawn(task).await.unwrap_or(Err(InvokeError::ShuttingDown))
    }

    /// Accepts an asynchronous event for `function`. The event is retried if the function fails.
    ///
    /// # Errors
    /// Returns an error if there is no such function or the payload exceeds [`MAX_EVENT_BYTES`].
    pub fn invoke_later(&self, function: &str, payload: Bytes) -> Result<(), InvokeError> {
        self.check(function, payload.len(), MAX_EVENT_BYTES)?;
        let lambda = self.clone();
        let function = function.to_owned();
        let task = async move { lambda.0.run_with_retries(&function, &payload).await };
        self.0.invocations.spawn(task);
        Ok(())
    }

    /// Whether there is a function with this logical id.
    #[must_use]
    pub fn has_function(&self, function: &str) -> bool {
        self.0.pools.contains_key(function)
    }

    /// The largest number of concurrent environments of the function with this logical id; 0 if
    /// there is no such function.
    #[must_use]
    pub fn concurrency(&self, function: &str) -> usize {
        self.0.pools.get(function).map_or(0, |pool| pool.concurrency)
    }

    /// Kills the process that this access key was issued to, if the process is still running.
    pub fn kill(&self, access_key_id: &str) {
        self.0.kill(access_key_id);
    }

    /// Kills every process and returns when all processes have ended.
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
