//! `DELETE` of a contact's note (SPEC §3), in both groups of routes.

use std::sync::Arc;

use serde_json::json;
use shared::{
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteDeleter},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    notes: NoteDeleter,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: NoteDeleter::new(environment.services()?) })
    }
}

/// Deletes a note and answers nothing but that.
///
/// # Errors
/// As SPEC §3 and §5 map them: 404 for a contact or note that is not there, deleted or another
/// tenant's, 403 for one out of scope or somebody else's private note, 409 when others keep
/// changing the note.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let note: NoteId = request.path("id")?;
    let session = app.notes.delete(request.viewer()?, contact, note).await?;
    let reported_permission = NoteAction::Delete.reported_permission(&session);
    Ok(Reply::ok(&json!({}))?.under(&session, reported_permission))
}
