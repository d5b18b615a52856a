//! AWS on this machine: embedded emulators of DynamoDB, S3, SQS and SES behind one endpoint.

pub(crate) mod answer;
mod batches;
mod credentials;
mod dynamodb;
mod faults;
mod front;
mod needs;
mod replica;
mod request;
mod resources;
mod roles;
mod s3;
mod ses;
mod sqs;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use shared::clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use credentials::{Credentials, Issued, OPERATOR};
pub use faults::{Call, Effects, Faults, Kind, Rule, RuleError, Target, When};
pub use replica::{Read, Replica};
pub use resources::{IndexSpec, KeySpec, QueueSpec, RedriveSpec, Resources, TableSpec};
pub use roles::{Denied, Grant, Roles, Statement};

use crate::record::{Mailbox, Usage};
use front::Front;

/// Region of everything.
pub const REGION: &str = "us-east-1";
/// Account of everything.
pub const ACCOUNT_ID: &str = "000000000000";

/// Time for calls under way to finish at shutdown.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Called with the access key of the process that a `kill` fault strikes.
pub type OnKill = Arc<dyn Fn(&str) + Send + Sync>;

/// What [`Aws::start`] needs.
#[derive(Clone)]
pub struct AwsOptions {
    /// What to create.
    pub resources: Resources,
    /// Folder that keeps table and objects between runs; nothing is kept without one.
    pub data: Option<PathBuf>,
    /// Whose calls are answered.
    pub credentials: Credentials,
    /// Which calls they may make.
    pub roles: Roles,
    /// Where calls are counted.
    pub usage: Usage,
    /// What goes wrong.
    pub faults: Faults,
    /// How a process is killed.
    pub on_kill: OnKill,
}

/// Why the emulators did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder or a port could not be opened.
    #[error("the AWS emulators cannot start: {0}")]
    Io(#[from] std::io::Error),
    /// The table could not be opened or created.
    #[error("the DynamoDB emulator cannot start: {0}")]
    DynamoDb(String),
    /// The objects' folder could not be opened.
    #[error("the S3 emulator cannot start: {0}")]
    S3(String),
    /// A queue could not be created.
    #[error("the queue {queue} cannot be created: {reason}")]
    Sqs {
        /// Its logical id.
        queue: String,
        /// What the emulator says.
        reason: String,
    },
}

/// The running emulators.
pub struct Aws {
    endpoint_url: String,
    queues: Vec<String>,
    front: Arc<Front>,
    folder: Option<s3::Folder>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Aws {
    /// Starts everything and creates the table, buckets and queues that are not there yet.
    ///
    /// # Errors
    /// [`StartError`] names the service that failed.
    pub async fn start(options: AwsOptions) -> Result<Self, StartError> {
        let AwsOptions { resources, data, credentials, roles, usage, faults, on_kill } = options;
        if let Some(folder) = &data {
            std::fs::create_dir_all(folder)?;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let folder = s3::Folder::open(data.as_deref())?;
        let front = Arc::new(Front {
            dynamodb: dynamodb::DynamoDb::start(&resources.table, data.as_deref()).await?,
            objects: s3::ObjectStore::start(&resources.buckets, &folder, credentials.clone())?,
            queues: sqs::Queues::start(&resources.queues, address.port()).await?,
            mailer: ses::Mailer::new(Mailbox::new(Clock::System)),
            credentials,
            roles,
            usage,
            faults,
            on_kill,
        });
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, Arc::clone(&front), stopped));
        Ok(Self {
            endpoint_url: format!("http://{address}"),
            queues: resources.queues.into_iter().map(|queue| queue.name).collect(),
            front,
            folder: Some(folder),
            stop: Some(stop),
            server,
        })
    }

    /// The endpoint of every service: `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The URL of a queue by its logical id.
    #[must_use]
    pub fn queue_url(&self, logical_id: &str) -> Option<String> {
        let known = self.queues.iter().any(|queue| queue == logical_id);
        known.then(|| format!("{}/{ACCOUNT_ID}/{logical_id}", self.endpoint_url))
    }

    /// All mail that was sent.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.front.mailer.mailbox().clone()
    }

    /// The database engine itself, for loading data in bulk past the endpoint.
    #[must_use]
    pub fn database(&self) -> dynoxide::Database {
        self.front.dynamodb.database().clone()
    }

    /// Stops serving, lets calls under way finish for two seconds, and removes temporary objects.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.front.queues.shutdown().await;
        if tokio::time::timeout(STOP_LIMIT, &mut self.server).await.is_err() {
            self.server.abort();
        }
        self.front.dynamodb.shutdown().await;
        drop(self.folder.take());
    }
}

async fn serve(listener: TcpListener, front: Arc<Front>, stopped: oneshot::Receiver<()>) {
    let router = Router::new().fallback(front::handle).with_state(front);
    let stopped = async {
        let _ = stopped.await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the AWS endpoint stopped");
    }
}
