//! The execution environments of one function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::environment::Environment;
use crate::template::Function;

/// Environments of a function that reserves no concurrency.
const DEFAULT_CONCURRENCY: u32 = 10;

/// A function, its warm environments, and room for more.
pub(super) struct Pool {
    pub(super) function: Function,
    /// The template's environment variables with their values.
    pub(super) variables: BTreeMap<String, String>,
    permits: Arc<Semaphore>,
    warm: Mutex<Vec<Environment>>,
}

impl Pool {
    pub(super) fn new(function: Function, variables: BTreeMap<String, String>) -> Self {
        let concurrency = function.reserved_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let permits = Arc::new(Semaphore::new(concurrency as usize));
        Self { function, variables, permits, warm: Mutex::default() }
    }

    /// The right to run one invocation; `None` when all are taken.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// The environment used last that still runs the program `built_at` that time, and those
    /// found useless on the way.
    pub(super) fn take_warm(
        &self,
        built_at: Option<SystemTime>,
    ) -> (Option<Environment>, Vec<Environment>) {
        let mut useless = Vec::new();
        let mut warm = self.warm();
        while let Some(mut environment) = warm.pop() {
            if environment.is_usable() && Some(environment.built_at) == built_at {
                return (Some(environment), useless);
            }
            useless.push(environment);
        }
        (None, useless)
    }

    /// Keeps an environment for the next event.
    pub(super) fn keep(&self, environment: Environment) {
        self.warm().push(environment);
    }

    /// All warm environments.
    pub(super) fn drain(&self) -> Vec<Environment> {
        std::mem::take(&mut *self.warm())
    }

    fn warm(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
