//! The mention worker (SPEC §3). It notifies the people whom a note mentions. It also verifies
//! mentions for which Launchpad was unavailable when the note was saved.
//!
//! | module | purpose |
//! |---|---|
//! | `decision` | decides what to do about a mention |
//! | `notifier` | takes the lease, sends the notification and records the result |

mod decision;
mod notifier;

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority},
    entry::queue::Message,
    environment::{Environment, StartError},
    note::{MentionMessage, MentionVerifier, Site},
    outbox::Queue,
};

pub use notifier::{Mention, Notifier, NotifyError};

/// The environment variable with the URL of the queue whose messages the function processes.
pub const QUEUE_URL: &str = "MENTION_QUEUE_URL";

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// Processes `Verify` messages.
    pub verifier: MentionVerifier,
    /// Processes `Notify` messages.
    pub notifier: Notifier,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let app_url = environment.text("APP_URL")?;
        let services = environment.services()?;
        let (outbox, site) = (environment.outbox(&[Queue::Mention])?, Site::new(&app_url));
        Ok(Self {
            verifier: MentionVerifier::new(services.clone(), outbox, site),
            notifier: Notifier {
                authority: Authority::new(services.clone()),
                services,
                notifications: environment.notifications()?,
                dead_letters: environment.dead_letters("MENTION_DEAD_LETTERS_URL")?,
                app_url: app_url.trim_end_matches('/').to_owned(),
            },
        })
    }
}

/// Why a message must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The person could not be notified yet.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// The mentions could not be verified.
    #[error(transparent)]
    Verify(#[from] AccessError),
}

/// Processes one message. A message that is delivered twice or late has no further effect.
///
/// # Errors
/// [`WorkerError`] if the message must be delivered again.
pub async fn handle(app: Arc<App>, message: Message<MentionMessage>) -> Result<(), WorkerError> {
    match message.body {
        MentionMessage::Verify { company, contact_id, note_id } => {
            Ok(app.verifier.verify(&company, contact_id, note_id).await?)
        }
        MentionMessage::Notify { company, contact_id, note_id, sso_id, round } => {
            let mention =
                Mention { company, contact: contact_id, note: note_id, person: sso_id, round };
            Ok(app.notifier.notify(&mention, &message.lease).await?)
        }
    }
}
