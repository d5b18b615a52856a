//! The HTTP servers of the gateway and of the Lambda API.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use shared::error::chain;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::StartError;

/// Longest time that open connections may take to finish at shutdown.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A server that is bound to its port but does not accept requests yet.
pub(super) struct Server {
    listener: TcpListener,
    url: String,
}

impl Server {
    /// Binds `port` on the loopback address. `option` is the command line option that sets the
    /// port.
    pub(super) async fn bind(port: u16, option: &'static str) -> Result<Self, StartError> {
        let failed = |source| StartError::Port { port, option, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        Ok(Self { listener, url })
    }

    /// The base URL of the server.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Serves `router` in a task of `tasks` until `stop` is canceled.
    pub(super) fn serve(self, router: Router, stop: &CancellationToken, tasks: &TaskTracker) {
        let stopped = stop.clone().cancelled_owned();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(self.listener, service).with_graceful_shutdown(stopped);
        let stop = stop.clone();
        tasks.spawn(async move {
            let limit = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_LIMIT).await;
            };
            tokio::select! {
                result = server.into_future() => if let Err(error) = result {
                    tracing::error!(error = %chain(&error), "a local HTTP server failed");
                },
                () = limit => {}
            }
        });
    }
}
