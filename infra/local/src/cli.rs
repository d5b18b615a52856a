//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::cloud::{LocalCloud, Options, StartError};
use crate::console::Console;

/// Why a command failed; shown as the one message on standard error.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The local cloud did not start.
    #[error(transparent)]
    Start(#[from] StartError),
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
        }
    }
}

impl Serve {
    async fn run(self) -> Result<(), CommandError> {
        let console = Console::stdout();
        console.note("building the functions…");
        let options = Options {
            port: self.port,
            lambda_port: self.lambda_port,
            data: self.data,
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
}
