//! The mention worker (SPEC §3): tells the people whom a note mentions, and verifies mentions that
//! Launchpad could not tell when their note was saved.
//!
//! | module | its one idea |
//! |---|---|
//! | `decision` | what is to be done about a ledger entry, as it was read |
//! | `notifier` | does it: claims, calls, records |

mod decision;
mod notifier;

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority},
    entry::queue::Message,
    environment::{Environment, StartError},
    note::{MentionMessage, MentionVerifier, mention_hosts},
    outbox::Queue,
};

pub use notifier::{Mention, Notifier, NotifyError};

/// The environment variable with the URL of the queue that feeds the function.
pub const QUEUE_URL: &str = "MENTION_QUEUE_URL";

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Verifies.
    pub verifier: MentionVerifier,
    /// Tells.
    pub notifier: Notifier,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let app_url = environment.text("APP_URL")?;
        let services = environment.services()?;
        let (outbox, hosts) = (environment.outbox(&[Queue::Mention])?, mention_hosts(&app_url));
        Ok(Self {
            verifier: MentionVerifier::new(services.clone(), outbox, hosts),
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

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The person could not be told yet.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// The mentions could not be verified.
    #[error(transparent)]
    Verify(#[from] AccessError),
}

/// Does what one message asks for. Doing it twice, or after a later one, changes nothing.
///
/// # Errors
/// When the message is to come back.
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
