//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::backfill::{self, Backfill, BackfillError};
use crate::bench::{self, BenchError, Load};
use crate::client::{Client, ClientError};
use crate::cloud::{LocalCloud, Options, StartError};
use crate::console::Console;
use crate::demo::{self, Demo, DemoError};
use crate::grants::{self, GrantsError};
use crate::import::{self, ImportError};

/// Why a command failed; shown as the one message on standard error.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The local cloud did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The API did not answer as it should.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The import ended before its last row.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The backfill was not done.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// The story ended before its end.
    #[error("the story does not hold: {0}")]
    Demo(#[from] DemoError),
    /// The roles grant more than is used.
    #[error(transparent)]
    Grants(#[from] GrantsError),
    /// The benchmark ended before its end.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Somebody stopped it.
    #[error("interrupted")]
    Interrupted,
    /// The system does not tell when to stop.
    #[error("cannot wait for signals: {0}")]
    Signals(#[from] std::io::Error),
}

/// The local cloud: the whole bundle on this machine.
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
    /// Serve until ctrl-C (what happens without a command, too).
    Serve(Serve),
    /// Bring the contacts of a CSV file into a running local cloud.
    Import(Import),
    /// Set contacts' team owners in a running local cloud from the legacy CRM's files.
    Backfill(BackfillArguments),
    /// Tell the whole story once, with its real answers, and check each of them.
    Demo(DemoArguments),
    /// Measure what requests cost, or how long they take, and print a Markdown table.
    #[command(subcommand)]
    Bench(Benchmark),
    /// Check that the template grants no right that nothing used; the runs before left what they
    /// used in the folder that `USED_GRANTS_DIR` named.
    Grants(GrantsArguments),
}

/// What the runs before left.
#[derive(Args, Clone, Debug)]
struct GrantsArguments {
    /// The folder.
    folder: PathBuf,
}

/// What to import, and on whose behalf.
#[derive(Args, Clone, Debug)]
struct Import {
    /// The file; its first line names the columns.
    file: PathBuf,
    /// A person of the simulated directory, by handle or SSO UUID.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// What a column becomes, where its name does not tell; may be repeated.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = import::parse_override)]
    map: Vec<(String, String)>,
    /// The gateway of the running local cloud.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
}

/// What to set, whose, and from which files.
#[derive(Args, Clone, Debug)]
struct BackfillArguments {
    /// The people: id and legacy team ids.
    #[arg(required_if_eq_any([("mode", "dry_run"), ("mode", "apply")]))]
    people: Option<PathBuf>,
    /// The legacy teams: id and name.
    #[arg(required_if_eq_any([("mode", "dry_run"), ("mode", "apply")]))]
    teams: Option<PathBuf>,
    /// A company of the demo, by handle, or any company's SSO id.
    #[arg(long)]
    company: String,
    /// What to do; a revert needs no files.
    #[arg(long, value_parser = ["dry_run", "apply", "revert"])]
    mode: String,
    /// The gateway of the running local cloud.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// Its Lambda API.
    #[arg(long, default_value = "http://127.0.0.1:3001")]
    lambda_url: String,
}

/// What the story plays with.
#[derive(Args, Clone, Debug)]
struct DemoArguments {
    /// A contact CSV to import instead of the demo's own small one.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// Where to serve and what to keep.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Port of the gateway.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the Lambda API.
    #[arg(long, default_value_t = 3001)]
    lambda_port: u16,
    /// Folder that keeps table and objects between runs [default: in memory].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many more contacts the demo company begins with.
    #[arg(long, value_name = "N", default_value_t = 0)]
    contacts: usize,
    /// Show every line that the functions print, not only trouble.
    #[arg(long)]
    verbose: bool,
}

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
enum Benchmark {
    /// AWS calls and read units of single requests, in companies of several sizes.
    Usage {
        /// The contacts of each company.
        #[arg(
            long,
            value_name = "N,…",
            value_delimiter = ',',
            default_value = "1000,10000,100000"
        )]
        contacts: Vec<usize>,
    },
    /// Start of each HTTP function beside a bare function with the same clients, built for release.
    ColdStart {
        /// Starts of each.
        #[arg(long, value_name = "N", default_value_t = 20)]
        starts: usize,
        /// Logical ids of the functions [default: every HTTP function].
        functions: Vec<String>,
    },
    /// Latencies of `team` beside `everything` while requests arrive at fixed rates.
    Load {
        /// The contacts of the company.
        #[arg(long, default_value_t = 10_000)]
        contacts: usize,
        /// Seconds of each run.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Requests a second, one run each.
        #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "20,40")]
        rates: Vec<u32>,
        /// Run the functions as they are built to be deployed; building them takes long, once.
        #[arg(long)]
        deployed: bool,
    },
}

impl Benchmark {
    async fn run(self) -> Result<(), CommandError> {
        let options = Options::new(workspace());
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
    ///
    /// # Errors
    /// What stopped it, in one message.
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
        println!("all {granted} grants were used");
        Ok(())
    }
}

impl Import {
    async fn run(self) -> Result<(), CommandError> {
        let client = Client::new(&self.url)?.sign_in(&self.user).await?;
        let summary = import::run(&client, &self.file, &self.map).await?;
        println!("{summary}");
        Ok(())
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
        Console::stdout().note("building the functions…");
        let stopped = stop_signal()?;
        tokio::pin!(stopped);
        let cloud = tokio::select! {
            cloud = LocalCloud::start(Options::new(workspace())) => cloud?,
            () = &mut stopped => return Ok(()),
        };
        let demo = Demo {
            gateway_url: cloud.gateway_url().to_owned(),
            lambda_url: cloud.lambda_url().to_owned(),
            file: self.file,
        };
        let told = tokio::select! {
            told = demo::run(&demo) => told.map_err(CommandError::from),
            () = &mut stopped => Err(CommandError::Interrupted),
        };
        cloud.shutdown().await;
        told
    }
}

impl Serve {
    async fn run(self) -> Result<(), CommandError> {
        let console = Console::stdout().verbose(self.verbose);
        console.note("building the functions…");
        let options = Options {
            port: self.port,
            lambda_port: self.lambda_port,
            data: self.data,
            contacts: self.contacts,
            watch: true,
            console: console.clone(),
            ..Options::new(workspace())
        };
        // The handlers stand before the first process starts: a signal then never leaves one.
        let stopped = stop_signal()?;
        tokio::pin!(stopped);
        let cloud = tokio::select! {
            cloud = LocalCloud::start(options) => cloud?,
            () = &mut stopped => return Ok(()),
        };
        console.note(&banner(&cloud));
        stopped.await;
        console.note("stopping");
        cloud.shutdown().await;
        Ok(())
    }
}

/// What somebody who just started it wants to know.
fn banner(cloud: &LocalCloud) -> String {
    let gateway = cloud.gateway_url();
    format!(
        "ready
  gateway      {gateway}
  Lambda API   {}
  AWS          {}
  a token      {gateway}/_local/token?user=maya
  the people   {gateway}/_local/users
ctrl-C stops everything",
        cloud.lambda_url(),
        cloud.aws().endpoint_url(),
    )
}

/// The nearest folder upward that has a template, else the one this program was built in.
fn workspace() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join("template.yaml").is_file());
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    found.map_or(built_in, Path::to_path_buf)
}

/// Resolves at the first ctrl-C or SIGTERM.
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
    fn serving_needs_no_command() {
        let cli = Cli::try_parse_from(["local", "--port", "4000"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.serve.port, cli.serve.lambda_port), (4000, 3001));
        let cli = Cli::try_parse_from(["local", "serve", "--data", "state"]).unwrap();
        let Some(Command::Serve(serve)) = cli.command else { panic!("another command") };
        assert_eq!(serve.data, Some(PathBuf::from("state")));
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
