//! The server of the web console.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::StartError;
use super::options::{Options, WebConsole};
use super::server::Server;
use crate::web_console;

/// The built console, and the server that will serve it.
pub(super) struct ConsoleSite {
    server: Server,
    folder: PathBuf,
}

impl ConsoleSite {
    /// Builds the web console if necessary and binds its port. Without Node.js, or if the build
    /// fails, the local cloud runs without the web console and prints the reason.
    pub(super) async fn prepare(options: &Options) -> Result<Option<Self>, StartError> {
        let Some(WebConsole { port, folder }) = &options.web_console else { return Ok(None) };
        let server = Server::bind(*port, "--console-port").await?;
        let built = match folder {
            Some(folder) => Ok(folder.clone()),
            None => web_console::build(&options.workspace, &options.console).await,
        };
        match built {
            Ok(folder) => Ok(Some(Self { server, folder })),
            Err(error) => {
                options.console.note(&format!("the web console is not served: {error}"));
                Ok(None)
            }
        }
    }

    /// The address of the web console.
    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Serves the web console until `stop` is canceled.
    pub(super) fn serve(self, gateway_url: &str, stop: &CancellationToken, tasks: &TaskTracker) {
        let router = web_console::router(&self.folder, gateway_url);
        self.server.serve(router, stop, tasks);
    }
}
