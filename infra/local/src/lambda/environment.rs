//! An execution environment: one process of a function, which handles one event at a time.

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

/// Longest time of an initialization. AWS has the same limit.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The environment variables that a process inherits from the local cloud. All other variables come
/// from the template and the Lambda service.
const INHERITED: &[&str] = &["PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// A running process of a function, which is an execution environment.
pub(super) struct Environment {
    pub(super) access_key_id: String,
    /// When the program of this process was built.
    pub(super) built_at: SystemTime,
    /// Highest resident memory so far in bytes; 0 if the system does not report it.
    pub(super) peak_memory_bytes: u64,
    pub(super) output: Output,
    cpu_taken: Duration,
    child: Child,
    endpoint: Endpoint,
    stop: CancellationToken,
    // The folder for temporary files. It is removed when this value is dropped.
    _disk: TempDir,
}

/// The parameters of a new process.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) built_at: SystemTime,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) access_key_id: String,
    pub(super) endpoint: Endpoint,
    pub(super) output: Output,
    /// The token that kills the process when it is canceled.
    pub(super) stop: CancellationToken,
}

/// The reason why a wait for a process ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    Ready,
    Response(Bytes),
    Error(Bytes),
    InitError(Bytes),
    ResponseTooLarge,
    TimedOut,
    /// The process exited, or the local cloud killed it. The status is `None` if it is unknown.
    Exited(Option<ExitStatus>),
}

impl Environment {
    /// Starts the process. When this value is dropped, the process is killed.
    pub(super) fn spawn(launch: Launch<'_>) -> std::io::Result<Self> {
        // Each process has its own temporary folder, as on AWS.
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
        // The process has its own process group. Therefore Ctrl-C in the terminal only reaches the
        // local cloud, which then ends its processes in order.
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

    /// Waits until the process requests its first event.
    pub(super) async fn initialize(&mut self) -> Ending {
        self.wait(INIT_TIMEOUT).await
    }

    /// Sends `delivery` to the process and waits for its response.
    pub(super) async fn invoke(&mut self, delivery: Delivery, timeout: Duration) -> Ending {
        if self.endpoint.deliveries.send(delivery).await.is_err() {
            return Ending::Exited(None);
        }
        let deadline = Instant::now() + timeout;
        loop {
            // `Ready` means that the process has requested this event only now.
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

    /// The processor time of all threads of the process so far; `None` if the kernel does not
    /// report it.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        self.child.id().and_then(cpu_time)
    }

    /// The processor time since the previous call of this method, or since the start of the
    /// process. It is zero if the kernel does not report it.
    pub(super) fn take_cpu_time(&mut self) -> Duration {
        let now = self.cpu_time().unwrap_or_default();
        let since = now.saturating_sub(self.cpu_taken);
        self.cpu_taken = now;
        since
    }

    /// Whether the process is still running and was not killed.
    pub(super) fn is_usable(&mut self) -> bool {
        !self.stop.is_cancelled() && matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process and waits for its end.
    pub(super) async fn end(mut self) {
        // This call fails only if the process has ended already.
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

/// The highest resident memory of a process in bytes (`VmHWM`); `None` if the kernel does not
/// report it.
fn peak_memory_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The processor time of the running threads of a process; `None` if the kernel does not report it.
/// The value is the first number in `schedstat`, in nanoseconds. The file `stat` is too coarse: one
/// of its ticks is as long as a whole start.
fn cpu_time(process: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let times = threads.map(|thread| {
        let statistics = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    times.sum()
}
