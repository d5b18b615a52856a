//! An execution environment: one process of a function, one event at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::output::Output;
use super::runtime_api::{Delivery, Endpoint, Report};

/// Longest initialization, as on AWS.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a process inherits of the machine's environment; all else comes from the template.
const INHERITED: &[&str] = &["PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// A running process.
pub(super) struct Environment {
    pub(super) access_key_id: String,
    /// When the program on disk was built.
    pub(super) built_at: SystemTime,
    /// Highest resident memory seen, in bytes; 0 where the system does not tell.
    pub(super) peak_memory_bytes: u64,
    pub(super) output: Output,
    cpu_taken: Duration,
    child: Child,
    endpoint: Endpoint,
    stop: CancellationToken,
    // Held for its `Drop`.
    _disk: TempDir,
}

/// What a process is started with.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) built_at: SystemTime,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) access_key_id: String,
    pub(super) endpoint: Endpoint,
    pub(super) output: Output,
    /// Kills the process.
    pub(super) stop: CancellationToken,
}

/// How the wait for a process ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    Ready,
    Response(Bytes),
    Error(Bytes),
    InitError(Bytes),
    ResponseTooLarge,
    TimedOut,
    /// It ended by itself with a status, or was killed from outside.
    Exited(Option<ExitStatus>),
}

impl Environment {
    /// Starts the process; dropping it kills it.
    pub(super) fn spawn(launch: Launch<'_>) -> std::io::Result<Self> {
        // No process sees another's files, as on AWS.
        let disk = tempfile::tempdir()?;
        let inherited = INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut command = Command::new(launch.program);
        command
            .env_clear()
            .envs(inherited)
            .envs(&launch.variables)
            .env("TMPDIR", disk.path())
            .env("AWS_LAMBDA_RUNTIME_API", &launch.endpoint.url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // In a group of its own, ctrl-C in the terminal reaches the local cloud alone, which
        // then ends its processes in good order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        if let Some(stdout) = child.stdout.take() {
            launch.output.capture(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            launch.output.capture(stderr);
        }
        Ok(Self {
            access_key_id: launch.access_key_id,
            built_at: launch.built_at,
            peak_memory_bytes: 0,
            cpu_taken: Duration::ZERO,
            output: launch.output,
            child,
            endpoint: launch.endpoint,
            stop: launch.stop,
            _disk: disk,
        })
    }

    /// Waits until the process asks for its first event.
    pub(super) async fn initialize(&mut self) -> Ending {
        self.wait(INIT_TIMEOUT).await
    }

    /// Hands `delivery` to the process and waits for its answer.
    pub(super) async fn invoke(&mut self, delivery: Delivery, timeout: Duration) -> Ending {
        if self.endpoint.deliveries.send(delivery).await.is_err() {
            return Ending::Exited(None);
        }
        let deadline = Instant::now() + timeout;
        loop {
            // The process may have asked for this event only now.
            let left = deadline.saturating_duration_since(Instant::now());
            match self.wait(left).await {
                Ending::Ready => {}
                ending => return ending,
            }
        }
    }

    async fn wait(&mut self, limit: Duration) -> Ending {
        let ending = tokio::select! {
            biased;
            report = self.endpoint.reports.recv() => report.map_or(Ending::Exited(None), Ending::from),
            status = self.child.wait() => Ending::Exited(status.ok()),
            () = self.stop.cancelled() => Ending::Exited(None),
            () = sleep_until(Instant::now() + limit) => Ending::TimedOut,
        };
        self.measure();
        ending
    }

    /// The processor time of the process's threads so far, where the kernel tells.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        self.child.id().and_then(cpu_time)
    }

    /// The processor time since this was last asked, at first since the process began; zero where
    /// the kernel does not tell.
    pub(super) fn take_cpu_time(&mut self) -> Duration {
        let now = self.cpu_time().unwrap_or_default();
        let since = now.saturating_sub(self.cpu_taken);
        self.cpu_taken = now;
        since
    }

    /// Whether the process still runs and nobody wants it dead.
    pub(super) fn is_usable(&mut self) -> bool {
        !self.stop.is_cancelled() && matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn end(mut self) {
        // It fails only for a process that is gone already.
        let _ = self.child.kill().await;
    }

    fn measure(&mut self) {
        let peak = self.child.id().and_then(peak_memory_bytes).unwrap_or(0);
        self.peak_memory_bytes = self.peak_memory_bytes.max(peak);
    }
}

impl From<Report> for Ending {
    fn from(report: Report) -> Self {
        match report {
            Report::Ready => Self::Ready,
            Report::Response(payload) => Self::Response(payload),
            Report::Error(payload) => Self::Error(payload),
            Report::InitError(payload) => Self::InitError(payload),
            Report::ResponseTooLarge => Self::ResponseTooLarge,
        }
    }
}

/// The high-water mark of a process's resident memory, where the kernel tells (`VmHWM`).
fn peak_memory_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The processor time of a process's running threads, to the nanosecond, where the kernel tells:
/// the first figure of `schedstat`. (The ticks of `stat` are as long as a whole start.)
fn cpu_time(process: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let times = threads.map(|thread| {
        let statistics = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    times.sum()
}
