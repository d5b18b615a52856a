//! Deletes a note, on the current route and the deprecated route (SPEC §3).

use std::sync::Arc;

use serde_json::json;
use shared::{
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteDeleter},
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    notes: NoteDeleter,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: NoteDeleter::new(environment.services()?) })
    }
}

/// Deletes a note and returns an empty object.
///
/// # Errors
/// See SPEC §3 and §5:
///
/// - 404 if the contact or the note does not exist in the tenant, or is deleted
/// - 403 if the contact is out of scope, or if the note is private and belongs to another user
/// - 409 if concurrent writes keep changing the note
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let note: NoteId = request.path("id")?;
    let session = app.notes.delete(request.viewer()?, contact, note).await?;
    let reported_permission = NoteAction::Delete.reported_permission(&session);
    Ok(Reply::ok(&json!({}))?.with_scope(&session, reported_permission))
}
