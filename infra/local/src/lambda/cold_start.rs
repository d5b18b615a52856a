//! Measures the start of a function: starts its process as for a first event, and then ends it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::environment::Ending;
use super::errors::InvokeError;
use super::handle::Lambda;
use crate::cargo::Binary;

/// The reason why the start of a process could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum ColdStartError {
    /// The template has no such function.
    #[error(transparent)]
    Function(#[from] InvokeError),
    /// The program could not be started.
    #[error("{program} could not be started: {source}")]
    Spawn {
        /// Path of the program.
        program: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The process ended before its first request for an event, or did not send this request in
    /// time.
    #[error("{program} did not become ready: {ending}")]
    NotReady {
        /// Path of the program.
        program: String,
        /// How the process ended, and the last part of its output.
        ending: String,
    },
    /// The operating system does not report the usage of a process. Linux reports it.
    #[error("the memory and processor time of a process cannot be read from /proc")]
    Unmeasured,
}

/// The usage of a process from its start until its request for the first event.
#[derive(Clone, Copy, Debug)]
pub struct ColdStart {
    /// Elapsed time from the start to the request.
    pub wall: Duration,
    /// Processor time of all threads.
    pub cpu: Duration,
    /// Highest resident memory in bytes, including the parts of the program file that are mapped.
    pub peak_memory_bytes: u64,
}

impl Lambda {
    /// Starts `program` with the environment variables of the function with the logical id
    /// `function`. Ends the process when it requests its first event.
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
