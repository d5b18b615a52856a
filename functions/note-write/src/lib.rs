//! `POST` and `PUT` of a contact's notes (SPEC §3), in both groups of routes.

use std::sync::Arc;

use shared::{
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{MentionFormat, NoteAction, NoteInput, NoteView, NoteWriter},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Writes notes.
    pub notes: NoteWriter,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: environment.note_writer()? })
    }
}

/// Creates or changes a note.
///
/// # Errors
/// As SPEC §3 and §5 map them: 404 for a contact or note that is not there, deleted or another
/// tenant's, 403 for one out of scope, 422 for what cannot be stored, 409 when others keep changing
/// the note.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let contact: ContactId = request.path("contact_id")?;
    let (status, action, saved) = if request.method() == "POST" {
        let input: NoteInput = request.json()?;
        (201, NoteAction::Add, app.notes.create(viewer, contact, input).await?)
    } else {
        let note: NoteId = request.path("id")?;
        let input: NoteInput = request.json()?;
        (200, NoteAction::Update, app.notes.update(viewer, contact, note, input).await?)
    };
    let view = NoteView::new(&saved.note, saved.permission, MentionFormat::Web);
    let warnings = saved.warnings.into_iter().map(Into::into).collect();
    Ok(Reply::new(status, &view)?
        .with_warnings(warnings)
        .under(&saved.session, action.reported_permission(&saved.session)))
}
