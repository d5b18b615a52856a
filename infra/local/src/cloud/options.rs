//! The options of the local cloud.

use std::path::PathBuf;
use std::time::Duration;

use shared::clock::Clock;

use crate::cargo::{Binaries, BuildProgress};
use crate::console::Console;
use crate::identity::DEFAULT_LIFETIME;
use crate::lambda::RetryDelays;
use crate::template::Parameters;

/// The largest number of processes of a function that reserves no concurrency, unless
/// `--concurrency` sets another one. A process takes some 10 MB of memory.
pub const DEFAULT_CONCURRENCY: u32 = 32;

/// How the web console is served.
#[derive(Clone, Debug)]
pub struct WebConsole {
    /// Port of the web console; 0 means any free port.
    pub port: u16,
    /// Folder of the built console; with `None`, it is built first, if Node.js is installed.
    pub folder: Option<PathBuf>,
}

/// The options of the local cloud.
#[derive(Clone)]
pub struct Options {
    /// Folder of the Cargo workspace, which contains `template.yaml`.
    pub workspace: PathBuf,
    /// Port of the gateway; 0 means any free port.
    pub port: u16,
    /// Port of the Lambda API; 0 means any free port.
    pub lambda_port: u16,
    /// Where the web console is served; with `None`, it is not.
    pub web_console: Option<WebConsole>,
    /// Lifetime of the tokens that the sign-in issues.
    pub token_lifetime: Duration,
    /// Folder that keeps the state between runs; with `None`, nothing is kept.
    pub data: Option<PathBuf>,
    /// The programs of the functions; with `None`, the functions are built first.
    pub binaries: Option<Binaries>,
    /// How the progress of the build is shown.
    pub build_progress: BuildProgress,
    /// Whether to build the functions again when a source file changes.
    pub watch: bool,
    /// Number of contacts to load in addition to the demo contacts.
    pub contacts: usize,
    /// Values of the template's parameters. If the local cloud sets a parameter itself, its own
    /// value takes precedence.
    pub parameters: Parameters,
    /// The output of the local cloud.
    pub console: Console,
    /// The source of the current time.
    pub clock: Clock,
    /// The largest number of processes of a function that reserves no concurrency.
    pub concurrency: u32,
    /// The delays before asynchronous events are retried.
    pub retry_delays: RetryDelays,
}

impl Options {
    /// Options for the workspace in the folder `workspace`: free ports, data in memory, no output.
    #[must_use]
    pub fn new(workspace: PathBuf) -> Self {
        Self {
            workspace,
            port: 0,
            lambda_port: 0,
            web_console: None,
            token_lifetime: DEFAULT_LIFETIME,
            data: None,
            binaries: None,
            build_progress: BuildProgress::hidden(),
            watch: false,
            contacts: 0,
            parameters: Parameters::new(),
            console: Console::silent(),
            clock: Clock::System,
            concurrency: DEFAULT_CONCURRENCY,
            retry_delays: RetryDelays::default(),
        }
    }
}
