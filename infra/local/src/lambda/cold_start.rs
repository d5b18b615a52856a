//! Starts a function's process as for its first event, measures it, and ends it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::environment::Ending;
use super::errors::InvokeError;
use super::service::Lambda;
use crate::cargo::Binary;

/// Why a start could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ColdStartError {
    /// There is no such function.
    #[error(transparent)]
    Function(#[from] InvokeError),
    /// The program does not start.
    #[error("{program} does not start: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The process ended, or asked for no event.
    #[error("{program} did not become ready: {ending}")]
    NotReady {
        /// The program.
        program: String,
        /// How it ended, and the last that it printed.
        ending: String,
    },
    /// The system does not tell what a process used; Linux does.
    #[error("what a process used cannot be read from /proc")]
    Unmeasured,
}

/// What a process used from its start until it asked for its first event.
#[derive(Clone, Copy, Debug)]
pub struct ColdStart {
    /// Time.
    pub wall: Duration,
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// Highest resident memory, in bytes: its own and what is mapped of its file.
    pub peak_memory_bytes: u64,
}

impl Lambda {
    /// Starts `program` with the surroundings of the function with the logical id `function`, and
    /// ends it when it asks for its first event.
    ///
    /// # Errors
    /// When it does not start, or the system does not tell what it used.
    pub async fn cold_start(
        &self,
        function: &str,
        program: &Path,
    ) -> Result<ColdStart, ColdStartError> {
        let pool = self.0.pools.get(function);
        let pool = pool.ok_or_else(|| InvokeError::NotFound(function.to_owned()))?;
        let name = || program.display().to_string();
        let binary = Binary { path: program.to_owned(), built_at: SystemTime::UNIX_EPOCH };
        let started = Instant::now();
        let mut environment = self
            .0
            .spawn(pool, &binary)
            .map_err(|source| ColdStartError::Spawn { program: name(), source })?;
        let ending = environment.initialize().await;
        let wall = started.elapsed();
        let (cpu, peak_memory_bytes) = (environment.cpu_time(), environment.peak_memory_bytes);
        let printed = environment.output.take_tail();
        self.0.retire(environment).await;
        if ending != Ending::Ready {
            let ending = format!("{ending:?}\n{printed}");
            return Err(ColdStartError::NotReady { program: name(), ending });
        }
        match cpu {
            Some(cpu) if peak_memory_bytes > 0 => Ok(ColdStart { wall, cpu, peak_memory_bytes }),
            _ => Err(ColdStartError::Unmeasured),
        }
    }
}
