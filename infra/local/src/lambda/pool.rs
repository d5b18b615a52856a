//! The execution environments of one function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::environment::Environment;
use crate::template::Function;

/// A function, its warm execution environments and its concurrency limit.
pub(super) struct Pool {
    pub(super) function: Function,
    /// The environment variables in the template, with their resolved values.
    pub(super) variables: BTreeMap<String, String>,
    /// The largest number of concurrent environments.
    pub(super) concurrency: usize,
    permits: Arc<Semaphore>,
    warm: Mutex<Vec<Environment>>,
}

impl Pool {
    /// Creates the pool of a function. `concurrency` is the largest number of concurrent
    /// environments if the function reserves none.
    pub(super) fn new(
        function: Function,
        variables: BTreeMap<String, String>,
        concurrency: u32,
    ) -> Self {
        let concurrency = function.reserved_concurrency.unwrap_or(concurrency) as usize;
        let permits = Arc::new(Semaphore::new(concurrency));
        Self { function, variables, concurrency, permits, warm: Mutex::default() }
    }

    /// A permit for one invocation; `None` if the function has reached its concurrency limit.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Takes the most recently used environment that is still running and whose program was built
    /// at the time `built_at`. Also returns the unusable environments that were found before it.
    pub(super) fn take_warm(
        &self,
        built_at: Option<SystemTime>,
    ) -> (Option<Environment>, Vec<Environment>) {
        let mut unusable = Vec::new();
        let mut warm = self.warm();
        while let Some(mut environment) = warm.pop() {
            if environment.is_usable() && Some(environment.built_at) == built_at {
                return (Some(environment), unusable);
            }
            unusable.push(environment);
        }
        (None, unusable)
    }

    /// Keeps a warm environment for the next event.
    pub(super) fn keep(&self, environment: Environment) {
        self.warm().push(environment);
    }

    /// Removes and returns all warm environments.
    pub(super) fn drain(&self) -> Vec<Environment> {
        std::mem::take(&mut *self.warm())
    }

    fn warm(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
