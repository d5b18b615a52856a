//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use shared::import::Delimiter;

use crate::backfill::{self, Backfill, BackfillError};
use crate::bench::{self, BenchError, Load};
use crate::cargo::BuildProgress;
use crate::client::{Client, ClientError};
use crate::cloud::{DEFAULT_CONCURRENCY, LocalCloud, Options, StartError, WebConsole};
use crate::console::Console;
use crate::demo::{self, Demo, DemoError};
use crate::grants::{self, GrantsError};
use crate::identity::DEFAULT_LIFETIME;
use crate::import::{self, Credentials, ImportError, Session, SessionError};

/// The error of a command. Its message is shown on standard error.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The local cloud did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A request to the local cloud failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The user cannot sign in for the import.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is no token.
    #[error(
        "name a user of the local cloud with --user, or give a token with --token-file or in CONTACTS_TOKEN"
    )]
    NoToken,
    /// At least one row was not imported.
    #[error("not every row was imported")]
    Incomplete,
    /// The backfill failed.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// The demo failed.
    #[error("the demo failed: {0}")]
    Demo(#[from] DemoError),
    /// A role has unused permissions.
    #[error(transparent)]
    Grants(#[from] GrantsError),
    /// The benchmark failed.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The user stopped the command.
    #[error("interrupted")]
    Interrupted,
    /// The signal handlers could not be installed.
    #[error("cannot wait for signals: {0}")]
    Signals(#[from] std::io::Error),
}

/// Runs the contact service on this machine: its functions, with emulators of AWS and of the
/// upstream services.
#[derive(Debug, Parser)]
#[command(name = "local", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the local cloud and run it until Ctrl-C (the default command).
    Serve(Serve),
    /// Import the contacts of a CSV file into a running local cloud or another API.
    Import(Import),
    /// Set the team owners of contacts in a running local cloud, from the files of the legacy CRM.
    Backfill(BackfillArguments),
    /// Start a local cloud, run the demo in it and check each response.
    Demo(DemoArguments),
    /// Run a benchmark and print the results as a Markdown table.
    #[command(subcommand)]
    Bench(Benchmark),
    /// Check that each IAM permission in the template was used by a test run.
    Grants(GrantsArguments),
}

#[derive(Args, Clone, Debug)]
struct GrantsArguments {
    /// The folder of used IAM permissions, which the test runs wrote to (`USED_GRANTS_DIR`).
    folder: PathBuf,
}

#[derive(Args, Clone, Debug)]
struct Import {
    /// The CSV file; its first row contains the names of the columns.
    file: PathBuf,
    /// The user of the local cloud who imports: a handle such as `maya`, an email address or an SSO
    /// UUID. For another API, put a token into the environment variable `CONTACTS_TOKEN`.
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    user: Option<String>,
    /// A file with the token of the user; it is read again when the token has expired.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The contact field of a column, for columns that are not recognized by name; may be repeated.
    /// `#3` is the third column, and the field `-` ignores a column.
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// The delimiter: comma, semicolon, tab or pipe [default: detected].
    #[arg(long, value_parser = |text: &str| text.parse::<Delimiter>())]
    delimiter: Option<Delimiter>,
    /// The encoding, such as windows-1252 [default: detected].
    #[arg(long)]
    encoding: Option<String>,
    /// Show what each column becomes and which rows cannot be read, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the rejected rows with the reasons to this CSV file.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// The first row to import, from 1; the report of an import that stopped contains it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    from_row: usize,
    /// URL of the API: of the running local cloud, or https.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
}

#[derive(Args, Clone, Debug)]
struct BackfillArguments {
    /// CSV file of people: ids and legacy team ids.
    #[arg(required_if_eq_any([("mode", "dry_run"), ("mode", "apply")]))]
    people: Option<PathBuf>,
    /// CSV file of legacy teams: ids and names.
    #[arg(required_if_eq_any([("mode", "dry_run"), ("mode", "apply")]))]
    teams: Option<PathBuf>,
    /// Handle of a demo company, such as `kopi`, or SSO id of any company.
    #[arg(long)]
    company: String,
    /// Whether to only report the changes, to apply them, or to revert them (without files).
    #[arg(long, value_parser = ["dry_run", "apply", "revert"])]
    mode: String,
    /// URL of the running local cloud.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// URL of its Lambda API.
    #[arg(long, default_value = "http://127.0.0.1:3001")]
    lambda_url: String,
}

#[derive(Args, Clone, Debug)]
struct DemoArguments {
    /// CSV file of contacts to import instead of the demo's small one.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// The arguments of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Port of the gateway.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the Lambda API.
    #[arg(long, default_value_t = 3001)]
    lambda_port: u16,
    /// Port of the web console.
    #[arg(long, default_value_t = 3002)]
    console_port: u16,
    /// Folder of a built web console [default: built from infra/console if Node.js is installed].
    #[arg(long, value_name = "DIR")]
    console_folder: Option<PathBuf>,
    /// Lifetime of the tokens that the sign-in issues, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_LIFETIME.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    token_lifetime: u64,
    /// Folder that keeps the table and the objects between runs [default: in memory].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Number of contacts to add to the demo company.
    #[arg(long, value_name = "N", default_value_t = 0)]
    contacts: usize,
    /// Number of processes that one function may have at the same time, unless the template reserves
    /// a number for it. A request or a message above it waits or is throttled.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CONCURRENCY, value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: u32,
    /// Show every line that the functions print, instead of warnings and errors only.
    #[arg(long)]
    verbose: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum Benchmark {
    /// Measure AWS calls and read units of single requests, in companies of several sizes.
    Usage {
        /// Number of contacts in each company. 1,000,000 need about 25 GB in the temporary folder.
        #[arg(
            long,
            value_name = "N,…",
            value_delimiter = ',',
            default_value = "1000,10000,100000"
        )]
        contacts: Vec<usize>,
    },
    /// Compare the start of each HTTP function with a bare function that has the same clients; both
    /// are built for release.
    ColdStart {
        /// Number of starts of each function.
        #[arg(long, value_name = "N", default_value_t = 20)]
        starts: usize,
        /// Logical ids of the functions [default: all HTTP functions].
        functions: Vec<String>,
    },
    /// Compare the latencies of access levels `team` and `everything` at fixed request rates.
    Load {
        /// Number of contacts in the company.
        #[arg(long, default_value_t = 10_000)]
        contacts: usize,
        /// Length of each run in seconds.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Requests per second, one run for each number.
        #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "20,40")]
        rates: Vec<u32>,
        /// Build the functions for release, as they are deployed; the first build takes long.
        #[arg(long)]
        deployed: bool,
    },
}

impl Benchmark {
    async fn run(self) -> Result<(), CommandError> {
        let options = Options {
            build_progress: BuildProgress::stderr("the benchmark runs, and prints a table."),
            ..Options::new(workspace())
        };
        let table = match self {
            Self::Usage { contacts } => bench::usage(&options, &contacts).await?,
            Self::ColdStart { starts, functions } => {
                bench::cold_start(&options, starts, &functions).await?
            }
            Self::Load { contacts, seconds, rates, deployed } => {
                let duration = std::time::Duration::from_secs(seconds);
                bench::load(&options, &Load { contacts, duration, rates, deployed }).await?
            }
        };
        println!("{table}");
        Ok(())
    }
}

impl Cli {
    /// Runs the command to its end.
    pub async fn run(self) -> Result<(), CommandError> {
        match self.command {
            None => self.serve.run().await,
            Some(Command::Serve(serve)) => serve.run().await,
            Some(Command::Import(import)) => import.run().await,
            Some(Command::Backfill(backfill)) => backfill.run().await,
            Some(Command::Demo(demo)) => demo.run().await,
            Some(Command::Bench(benchmark)) => benchmark.run().await,
            Some(Command::Grants(grants)) => grants.run(),
        }
    }
}

impl GrantsArguments {
    fn run(&self) -> Result<(), CommandError> {
        let granted = grants::check(&workspace().join("template.yaml"), &self.folder)?;
        println!("All {granted} IAM permissions in template.yaml were used.");
        Ok(())
    }
}

impl Import {
    async fn run(self) -> Result<(), CommandError> {
        let credentials = match (self.user, self.token_file) {
            (Some(user), _) => Credentials::User(user),
            (None, Some(file)) => Credentials::TokenFile(file),
            (None, None) => {
                let token = std::env::var("CONTACTS_TOKEN").map_err(|_| CommandError::NoToken)?;
                Credentials::Token(token)
            }
        };
        let (sender, stop) = tokio::sync::watch::channel(false);
        let stopped = stop_signal()?;
        // The task ends with the process.
        tokio::spawn(async move {
            stopped.await;
            let _ = sender.send(true);
            std::future::pending::<()>().await;
        });
        let mut session = Session::start(&self.url, credentials, stop).await?;
        let options = import::Options {
            map: self.map,
            delimiter: self.delimiter,
            encoding: self.encoding,
            rejects: self.rejects,
            from_row: self.from_row,
            verbose: true,
        };
        if self.dry_run {
            println!("{}", import::dry_run(&mut session, &self.file, &options).await?);
            return Ok(());
        }
        let summary = import::run(&mut session, &self.file, &options).await?;
        println!("{summary}");
        if summary.is_complete() { Ok(()) } else { Err(CommandError::Incomplete) }
    }
}

impl BackfillArguments {
    async fn run(self) -> Result<(), CommandError> {
        let (gateway, lambda) = (Client::new(&self.url)?, Client::new(&self.lambda_url)?);
        let files = self.people.zip(self.teams);
        let backfill = Backfill { mode: self.mode, company: self.company, files };
        println!("{:#}", backfill::run(&gateway, &lambda, &backfill).await?);
        Ok(())
    }
}

impl DemoArguments {
    async fn run(self) -> Result<(), CommandError> {
        let options = Options {
            build_progress: BuildProgress::stderr(
                "the local cloud starts on free ports, and the demo runs (some seconds).",
            ),
            ..Options::new(workspace())
        };
        let stopped = stop_signal()?;
        tokio::pin!(stopped);
        let cloud = tokio::select! {
            cloud = LocalCloud::start(options) => cloud?,
            () = &mut stopped => return Ok(()),
        };
        let demo = Demo {
            gateway_url: cloud.gateway_url().to_owned(),
            lambda_url: cloud.lambda_url().to_owned(),
            file: self.file,
        };
        let result = tokio::select! {
            result = demo::run(&demo) => result.map_err(CommandError::from),
            () = &mut stopped => Err(CommandError::Interrupted),
        };
        cloud.shutdown().await;
        result
    }
}

impl Serve {
    async fn run(self) -> Result<(), CommandError> {
        let console = Console::stdout().verbose(self.verbose);
        let next = "the emulators start, demo data is loaded, and the API listens.";
        let options = Options {
            port: self.port,
            lambda_port: self.lambda_port,
            web_console: Some(WebConsole { port: self.console_port, folder: self.console_folder }),
            token_lifetime: Duration::from_secs(self.token_lifetime),
            data: self.data,
            contacts: self.contacts,
            concurrency: self.concurrency,
            build_progress: BuildProgress::stderr(next),
            watch: true,
            console: console.clone(),
            ..Options::new(workspace())
        };
        // The signal handlers are installed before the first process starts. Otherwise processes
        // could remain after a signal.
        let stopped = stop_signal()?;
        tokio::pin!(stopped);
        let cloud = tokio::select! {
            cloud = LocalCloud::start(options) => cloud?,
            () = &mut stopped => return Ok(()),
        };
        console.note(&banner(&cloud));
        stopped.await;
        console.note("stopping…");
        cloud.shutdown().await;
        Ok(())
    }
}

/// The text with the addresses that a user needs after the start.
fn banner(cloud: &LocalCloud) -> String {
    let gateway = cloud.gateway_url();
    let console = cloud.console_url().unwrap_or("not served");
    format!(
        "ready
  Web console   {console}
  API           {gateway}
  Lambda API    {}
  AWS endpoint  {}
  a token       {gateway}/_local/token?user=maya
  all users     {gateway}/_local/users
Press Ctrl-C to stop.",
        cloud.lambda_url(),
        cloud.aws().endpoint_url(),
    )
}

/// The nearest parent folder that contains a template. If no parent folder does, this is the
/// folder in which this program was built.
fn workspace() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join("template.yaml").is_file());
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    found.map_or(built_in, Path::to_path_buf)
}

/// Completes at the first Ctrl-C (SIGINT), SIGTERM or SIGHUP.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_is_the_default_command() {
        let cli = Cli::try_parse_from(["local", "--port", "4000"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.serve.port, cli.serve.lambda_port), (4000, 3001));
        let cli = Cli::try_parse_from(["local", "serve", "--data", "state"]).unwrap();
        let Some(Command::Serve(serve)) = cli.command else { panic!("another command") };
        assert_eq!(serve.data, Some(PathBuf::from("state")));
        assert_eq!(serve.concurrency, DEFAULT_CONCURRENCY);
        assert!(Cli::try_parse_from(["local", "--concurrency", "0"]).is_err());
    }

    #[test]
    fn only_a_revert_needs_no_files() {
        let parse = |arguments: &str| {
            let words = format!("local backfill --company kopi {arguments}");
            Cli::try_parse_from(words.split_whitespace()).is_ok()
        };
        assert!(parse("--mode revert") && parse("people.csv teams.csv --mode apply"));
        for wrong in ["--mode apply", "people.csv --mode dry_run", "p.csv t.csv", "--mode all"] {
            assert!(!parse(wrong), "{wrong}");
        }
    }
}
