//! Reads one note or a page of a contact's notes, on the current and the deprecated routes (SPEC
//! §3).

mod request;

use std::sync::Arc;

use shared::{
    entry::{Failure, Reply, http::Request, note::parse_mention_format},
    environment::{Environment, StartError},
    id::{ContactId, NoteId},
    note::{NoteAction, NoteReader, NoteView},
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    notes: NoteReader,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { notes: NoteReader::new(environment.services()?) })
    }
}

/// Returns one note or a page of notes, depending on the route.
///
/// # Errors
/// See SPEC §3 and §5:
///
/// - 404 if the contact or the note does not exist in the tenant, or is deleted
/// - 403 if the contact is out of scope, or if the note is private and belongs to another user
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
    let format = parse_mention_format(request.query())?;
    let (found, session) = notes.read(request.viewer()?, contact, note).await?;
    let view = NoteView::new(&found.note, found.permission, format);
    Ok(Reply::ok(&view)?.with_scope(&session, NoteAction::View.reported_permission(&session)))
}

async fn list(notes: &NoteReader, request: &Request) -> Result<Reply, Failure> {
    let contact: ContactId = request.path("contact_id")?;
    let query = request::list(request.query())?;
    let (page, session) = notes.list(request.viewer()?, contact, query.cursor, query.limit).await?;
    let views: Vec<_> = page
        .notes
        .iter()
        .map(|found| NoteView::new(&found.note, found.permission, query.format))
        .collect();
    let next = page.next.map(|cursor| cursor.encode());
    let reply = Reply::ok(&views)?.with_meta("next_cursor", next);
    Ok(reply.with_scope(&session, NoteAction::View.reported_permission(&session)))
}
