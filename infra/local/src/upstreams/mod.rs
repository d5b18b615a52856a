//! The two upstreams, simulated over real HTTP (SPEC §1, §6): Launchpad and the Notification
//! Service.

mod directory;
mod launchpad;
mod notifications;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use directory::{Company, Directory, Person, Status, Team, UpsertError, Upserts};

use crate::aws::answer::lost;
use crate::aws::{Call, Faults, Kind, Target};
use crate::record::Notifications;

/// User of Launchpad's service token.
pub const LAUNCHPAD_USER: &str = "contact-service";
/// Password of Launchpad's service token.
pub const LAUNCHPAD_PASSWORD: &str = "local-launchpad";
/// API key of the Notification Service.
pub const NOTIFICATION_API_KEY: &str = "local-notifications";

/// Time for calls under way to finish at shutdown.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Both services, running.
#[derive(Debug)]
pub struct Upstreams {
    launchpad_url: String,
    notifications_url: String,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Upstreams {
    /// Starts both, each on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(
        directory: Directory,
        notifications: Notifications,
        faults: Faults,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let launchpad = launchpad::router(directory, faults.clone());
        let service = notifications::router(notifications, faults);
        let (launchpad_url, first) = serve(launchpad, stopped.clone()).await?;
        let (notifications_url, second) = serve(service, stopped).await?;
        Ok(Self { launchpad_url, notifications_url, stop, servers: vec![first, second] })
    }

    /// Base URL of Launchpad.
    #[must_use]
    pub fn launchpad_url(&self) -> &str {
        &self.launchpad_url
    }

    /// Base URL of the Notification Service.
    #[must_use]
    pub fn notifications_url(&self) -> &str {
        &self.notifications_url
    }

    /// Stops both; calls under way finish, for two seconds at most.
    pub async fn shutdown(self) {
        let _ = self.stop.send(true);
        for mut server in self.servers {
            if tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err() {
                server.abort();
            }
        }
    }
}

async fn serve(
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<(String, JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let stopped = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "a simulated neighbor stopped");
        }
    });
    Ok((url, server))
}

/// Lets a request through as far as the rules for `target` let it.
async fn under_faults(faults: &Faults, target: Target, request: Request, next: Next) -> Response {
    let action = request.uri().path().to_owned();
    let effects = faults.decide(&Call { target, function: None, action: &action, read: None });
    effects.delay_before().await;
    let throttled = (effects.kind == Some(Kind::Throttle)).then_some(429);
    if let Some(status) = effects.status.or(throttled) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut refusal = refuse(status, "INJECTED_FAULT", "Injected fault.");
        if let Some(seconds) = effects.retry_after {
            refusal.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return refusal;
    }
    let response = next.run(request).await;
    if effects.loses_answer() {
        effects.delay_after().await;
        return lost();
    }
    response
}

fn refuse(status: StatusCode, error: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "error": error, "message": message }))).into_response()
}
