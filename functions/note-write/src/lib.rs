//! Creates and changes notes, on the current and the deprecated routes (SPEC §3).

use std::sync::Arc;

use shared::{
    entry::{Failure, Reply, http::Request, note::parse_mention_format},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteInput, NoteView, NoteWriter},
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// Checks and saves notes.
    pub notes: NoteWriter,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: environment.note_writer()? })
    }
}

/// Creates a note (`POST`) or changes one (`PUT`), and returns it. A `POST` with an idempotency key
/// that has already created a note returns that note as it is now.
///
/// # Errors
/// See SPEC §3 and §5:
///
/// - 404 if the contact or the note does not exist in the tenant, or is deleted
/// - 403 if the contact is out of scope, or if the note is private and belongs to another user
/// - 422 if the content of the note is not valid, or the idempotency key was used for a different
///   request
/// - 409 if concurrent writes keep changing the note
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let contact: ContactId = request.path("contact_id")?;
    let format = parse_mention_format(request.query())?;
    let (status, action, saved) = if request.method() == "POST" {
        let input: NoteInput = request.json()?;
        // Both forms of the route count as one, so the key does not depend on the form.
        let key = request.idempotency_key("POST notes", &contact.to_string())?;
        (201, NoteAction::Add, app.notes.create(viewer, contact, input, key).await?)
    } else {
        let note: NoteId = request.path("id")?;
        let input: NoteInput = request.json()?;
        (200, NoteAction::Update, app.notes.update(viewer, contact, note, input).await?)
    };
    let view = NoteView::new(&saved.note, saved.permission, format);
    let warnings = saved.warnings.into_iter().map(Into::into).collect();
    Ok(Reply::new(status, &view)?
        .with_warnings(warnings)
        .with_scope(&saved.session, action.reported_permission(&saved.session)))
}
