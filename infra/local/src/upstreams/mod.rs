//! The two simulated upstream services, Launchpad and the Notification Service, with real HTTP
//! servers (SPEC §1, §6).

mod directory;
mod launchpad;
mod notifications;
mod response;
mod secrets;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use axum::Router;
use shared::error::chain;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use directory::{Company, Directory, Person, Status, Team, UpsertError, Upserts};
pub use secrets::{AcceptedSecrets, LAUNCHPAD_PASSWORD, LAUNCHPAD_USER, NOTIFICATION_API_KEY};

use crate::aws::Faults;
use crate::record::Notifications;

/// Longest time that the shutdown waits for requests in progress.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The running Launchpad and Notification Service.
#[derive(Debug)]
pub struct Upstreams {
    launchpad_url: String,
    notifications_url: String,
    passwords: AcceptedSecrets,
    api_keys: AcceptedSecrets,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

impl Upstreams {
    /// Starts both services, each on a free loopback port.
    pub async fn start(
        directory: Directory,
        notifications: Notifications,
        faults: Faults,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let passwords = AcceptedSecrets::only(LAUNCHPAD_PASSWORD);
        let api_keys = AcceptedSecrets::only(NOTIFICATION_API_KEY);
        let launchpad = launchpad::router(directory, faults.clone(), passwords.clone());
        let service = notifications::router(notifications, faults, api_keys.clone());
        let (launchpad_url, first) = serve(launchpad, stopped.clone()).await?;
        let (notifications_url, second) = serve(service, stopped).await?;
        Ok(Self {
            launchpad_url,
            notifications_url,
            passwords,
            api_keys,
            stop,
            servers: vec![first, second],
        })
    }

    /// The base URL of Launchpad.
    #[must_use]
    pub fn launchpad_url(&self) -> &str {
        &self.launchpad_url
    }

    /// The base URL of the Notification Service.
    #[must_use]
    pub fn notifications_url(&self) -> &str {
        &self.notifications_url
    }

    /// The passwords that Launchpad accepts.
    #[must_use]
    pub fn passwords(&self) -> &AcceptedSecrets {
        &self.passwords
    }

    /// The API keys that the Notification Service accepts.
    #[must_use]
    pub fn api_keys(&self) -> &AcceptedSecrets {
        &self.api_keys
    }

    /// Stops both services. Requests in progress have two seconds to finish.
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
            tracing::error!(error = %chain(&error), "a simulated upstream service stopped");
        }
    });
    Ok((url, server))
}
