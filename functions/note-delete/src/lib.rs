//! Deletes a note (SPEC §3), on the current and the deprecated route.

use std::sync::Arc;

use serde_json::json;
use shared::{
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteDeleter},
};

/// What the function needs, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    notes: NoteDeleter,
}

impl App {
    /// Creates the function's services from its environment variables.
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
/// - 403 if it is out of scope, or if the note is private and belongs to another user
/// - 409 if other writes keep changing the note
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let note: NoteId = request.path("id")?;
    let session = app.notes.delete(request.viewer()?, contact, note).await?;
    let reported_permission = NoteAction::Delete.reported_permission(&session);
    Ok(Reply::ok(&json!({}))?.with_scope(&session, reported_permission))
}
