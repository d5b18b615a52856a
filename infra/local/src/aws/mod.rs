//! AWS on this machine: embedded emulators of DynamoDB, S3, SQS and SES behind one endpoint.
//!
//! | file | content |
//! |---|---|
//! | `front` | the endpoint: finds the caller and the service, checks permissions, injects faults, counts |
//! | `request`, `response` | parses requests; responses and errors in each service's format |
//! | `dynamodb`, `batches`, `replica` | the table, faults of its batches, a copy of it that lags |
//! | `s3`, `object_keys`, `object_list` | the bucket, where its objects are stored, pages of its lists |
//! | `sqs`, `ses` | the other services |
//! | `credentials`, `roles`, `permissions` | who calls, what each function may call, what a call requires |
//! | `fault_rule`, `faults` | the rules of fault injection, and their effect on a call |
//! | `resources`, `layout`, `error` | what is created at the start, which data is accepted, and why a start fails |

mod batches;
mod credentials;
mod dynamodb;
mod error;
mod fault_rule;
mod faults;
mod front;
mod layout;
mod message_groups;
mod object_keys;
mod object_list;
mod permissions;
mod replica;
mod request;
mod resources;
mod response;
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
use shared::error::chain;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use credentials::{Credentials, Issued, OPERATOR};
pub use error::StartError;
pub use fault_rule::{Call, Kind, Rule, RuleError, Target, When};
pub use faults::{Effects, Faults};
pub use front::OnKill;
pub use layout::LayoutError;
pub(crate) use layout::check as check_layout;
pub use replica::{Read, Replica};
pub use resources::{IndexSpec, KeySpec, QueueSpec, RedriveSpec, Resources, TableSpec};
pub(crate) use response::lost_response;
pub use roles::{Denied, Grant, Roles, Statement};

use crate::account::ACCOUNT_ID;
use crate::record::{Mailbox, Usage};
use crate::trace::MessageTraces;
use front::Front;

/// Longest time that the shutdown waits for calls in progress.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The dependencies and settings of [`Aws::start`].
#[derive(Clone)]
pub struct AwsOptions {
    /// The table, buckets and queues to create.
    pub resources: Resources,
    /// Folder that keeps the table and the objects between runs; with `None`, nothing is kept.
    pub data: Option<PathBuf>,
    /// Whether items are deleted after their time to live has passed by the machine's clock. It is
    /// false in a test whose own clock decides which items have expired.
    pub deletes_expired_items: bool,
    /// The access keys that the emulators accept.
    pub credentials: Credentials,
    /// The roles, which contain the calls that each function may make.
    pub roles: Roles,
    /// Counts the calls of each function.
    pub usage: Usage,
    /// The fault rules in force.
    pub faults: Faults,
    /// Kills the process to which a `kill` fault applies.
    pub on_kill: OnKill,
}

/// The running AWS emulators.
pub struct Aws {
    endpoint_url: String,
    queues: Vec<String>,
    front: Arc<Front>,
    folder: Option<s3::Folder>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Aws {
    /// Starts the emulators and creates the table, buckets and queues that do not exist yet.
    pub async fn start(options: AwsOptions) -> Result<Self, StartError> {
        let AwsOptions {
            resources,
            data,
            deletes_expired_items,
            credentials,
            roles,
            usage,
            faults,
            on_kill,
        } = options;
        if let Some(folder) = &data {
            layout::check(folder)?;
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let folder = s3::Folder::open(data.as_deref())?;
        let front = Arc::new(Front {
            dynamodb: dynamodb::DynamoDb::start(
                &resources.table,
                data.as_deref(),
                deletes_expired_items,
            )
            .await?,
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

    /// The URL of the common endpoint, which is the value of `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The URL of the queue with this logical id; `None` if there is no such queue.
    #[must_use]
    pub fn queue_url(&self, logical_id: &str) -> Option<String> {
        let known = self.queues.iter().any(|queue| queue == logical_id);
        known.then(|| format!("{}/{ACCOUNT_ID}/{logical_id}", self.endpoint_url))
    }

    /// The mailbox, which contains all mail that was sent.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.front.mailer.mailbox().clone()
    }

    /// The traces of the messages in the queues.
    #[must_use]
    pub fn traces(&self) -> MessageTraces {
        self.front.queues.traces().clone()
    }

    /// The database engine, for loading data in bulk without HTTP calls.
    #[must_use]
    pub fn database(&self) -> dynoxide::Database {
        self.front.dynamodb.database().clone()
    }

    /// Stops the emulators. Calls in progress have two seconds to finish. If the folder of the
    /// objects is temporary, it is removed.
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
        tracing::error!(error = %chain(&error), "the AWS endpoint stopped");
    }
}
