//! `GET` of a contact's notes, all or one (SPEC §3), in both groups of routes.

mod request;

use std::sync::Arc;

use shared::{
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteReader, NoteView},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    notes: NoteReader,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: NoteReader::new(environment.services()?) })
    }
}

/// Answers one note or a page of them.
///
/// # Errors
/// As SPEC §3 and §5 map them: 404 for a contact or note that is not there, deleted or another
/// tenant's, 403 for one out of scope or somebody else's private note.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    if request.route().ends_with("{id}") {
        one(&app.notes, &request).await
    } else {
        list(&app.notes, &request).await
    }
}

async fn one(notes: &NoteReader, request: &Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let note: NoteId = request.path("id")?;
    let format = request::one(request.query())?;
    let (found, session) = notes.read(request.viewer()?, contact, note).await?;
    let view = NoteView::new(&found.note, found.permission, format);
    Ok(Reply::ok(&view)?.under(&session, NoteAction::View.reported_permission(&session)))
}

async fn list(notes: &NoteReader, request: &Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let wanted = request::list(request.query())?;
    let (page, session) =
        notes.list(request.viewer()?, contact, wanted.cursor, wanted.limit).await?;
    let views: Vec<_> = page
        .notes
        .iter()
        .map(|found| NoteView::new(&found.note, found.permission, wanted.format))
        .collect();
    let next = page.next.map(|cursor| cursor.encode());
    let reply = Reply::ok(&views)?.with_meta("next_cursor", next);
    Ok(reply.under(&session, NoteAction::View.reported_permission(&session)))
}
