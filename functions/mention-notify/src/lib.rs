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
    entry::queue::Message, note::MentionMessage, note::MentionVerifier, table::TableError,
};

pub use notifier::{Mention, Notifier, NotifyError};

/// What the worker stands on.
#[derive(Clone, Debug)]
pub struct MentionWorker {
    /// Verifies.
    pub verifier: MentionVerifier,
    /// Tells.
    pub notifier: Notifier,
}

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The person could not be told yet.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// The mentions could not be verified.
    #[error(transparent)]
    Verify(#[from] TableError),
}

/// Does what one message asks for. Doing it twice, or after a later one, changes nothing.
///
/// # Errors
/// When the message is to come back.
pub async fn handle(
    worker: Arc<MentionWorker>,
    message: Message<MentionMessage>,
) -> Result<(), WorkerError> {
    match message.body {
        MentionMessage::Verify { company, contact_id, note_id } => {
            Ok(worker.verifier.verify(&company, contact_id, note_id).await?)
        }
        MentionMessage::Notify { company, contact_id, note_id, sso_id, round } => {
            let mention =
                Mention { company, contact: contact_id, note: note_id, person: sso_id, round };
            Ok(worker.notifier.notify(&mention, &message.hold).await?)
        }
    }
}
