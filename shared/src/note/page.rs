//! Reading notes (SPEC §3).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{Note, NoteAccess, NoteAction, NoteFailure, admission::Admission};
use crate::{
    access::{Authority, Authorized, Session},
    contact::{Contact, RecordPermission},
    id::{CompanyId, ContactId, NoteId},
    identity::Viewer,
    services::Services,
    table::{Direction, Item, Key, Page, Query, Table, TableError, from_item},
};

/// The most queries of one request: where many private notes of others stand, a page may be short
/// and still have a cursor.
const MAX_QUERIES: usize = 8;
/// The most bytes of notes in one page, at least one note included.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// A position in a contact's notes; it says nothing of what the viewer may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoteCursor(NoteId);

impl NoteCursor {
    /// The cursor as clients have it.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_uuid().as_bytes())
    }

    /// The cursor in a client's text; `None` for anything that is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(NoteId::from_uuid(Uuid::from_slice(&bytes).ok()?)))
    }
}

/// A note and what the viewer may do with it.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadNote {
    /// The note.
    pub note: Note,
    /// What the viewer may do with it.
    pub permission: RecordPermission,
}

/// Some of a contact's notes, newest first.
#[derive(Debug)]
pub struct NotePage {
    /// The notes.
    pub notes: Vec<ReadNote>,
    /// Where the next page begins, if there is one.
    pub next: Option<NoteCursor>,
}

/// Reads notes.
#[derive(Clone, Debug)]
pub struct NoteReader {
    authority: Authority,
    table: Table,
}

impl NoteReader {
    /// A reader.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let table = services.table.clone();
        Self { authority: Authority::new(services), table }
    }

    /// One note.
    ///
    /// # Errors
    /// As [`NoteFailure`] says.
    pub async fn read(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
    ) -> Result<(ReadNote, Session), NoteFailure> {
        let company = &viewer.company;
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let needed = &NoteAccess::NEEDED;
        let (session, mut items) = self.authority.session_beside(viewer, needed, &keys).await?;
        let admission = Admission { session: &session, action: NoteAction::View, company, contact };
        let contact = admission.contact(&mut items)?;
        let note = admission.note(note, &contact, &mut items)?;
        let permission = NoteAccess::new(&session).permission(&note, &contact);
        Ok((ReadNote { note, permission }, session))
    }

    /// Up to `limit` notes of a contact that the viewer may see, newest first, behind `cursor`.
    /// The first page is one query: read backwards, the contact's record comes before its notes.
    ///
    /// # Errors
    /// As [`NoteFailure`] says.
    pub async fn list(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        cursor: Option<NoteCursor>,
        limit: usize,
    ) -> Result<(NotePage, Session), NoteFailure> {
        let (company, table) = (&viewer.company, &self.table);
        let record = Key::contact(company, contact);
        let beside: Vec<Key> = cursor.iter().map(|_| record.clone()).collect();
        let mut walk = NoteWalk::new(table, company, contact, cursor);
        let needed = &NoteAccess::NEEDED;
        let (session, first) = tokio::join!(
            self.authority.session_beside(viewer, needed, &beside),
            // One more tells whether there is another page; the record is one of the first.
            walk.next(limit + 1 + usize::from(cursor.is_none()))
        );
        let (session, mut items) = session?;
        let (mut batch, in_first) = first?;
        items.extend(in_first.map(|item| (record, item)));
        let access = NoteAccess::new(&session);
        let admission = Admission { session: &session, action: NoteAction::View, company, contact };
        let contact = admission.contact(&mut items)?;
        let mut page = Collected::new(limit);
        for _ in 1..MAX_QUERIES {
            page.take(batch, |note| access.shows(note));
            if page.is_full() || walk.is_done() {
                batch = Vec::new();
                break;
            }
            batch = walk.next(limit + 1).await?.0;
        }
        page.take(batch, |note| access.shows(note));
        Ok((page.finish(&access, &contact, walk.is_done()), session))
    }
}

/// A walk over a contact's notes, newest first.
struct NoteWalk<'a> {
    table: &'a Table,
    query: Query,
    record: Key,
    done: bool,
}

impl<'a> NoteWalk<'a> {
    fn new(
        table: &'a Table,
        company: &CompanyId,
        contact: ContactId,
        cursor: Option<NoteCursor>,
    ) -> Self {
        let bound = Key::before_notes(company, contact);
        let before = cursor.map(|cursor| Key::note(company, contact, cursor.0).sk);
        let query = Query {
            after: Some(bound.sk),
            before,
            direction: Direction::Descending,
            consistent: true,
            ..Query::partition(bound.pk)
        };
        Self { table, query, record: Key::contact(company, contact), done: false }
    }

    /// The next notes, and the contact's record where it is among what was read.
    async fn next(&mut self, limit: usize) -> Result<(Vec<Note>, Option<Item>), TableError> {
        self.query.limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let Page { items, more } = self.table.query(&self.query).await?;
        self.done = !more;
        let (mut notes, mut record) = (Vec::with_capacity(items.len()), None);
        for item in items {
            let Some(key) = Key::of(&item) else { continue };
            if key == self.record {
                record = Some(item);
            } else {
                notes.push(from_item(item)?);
            }
            self.query.before = Some(key.sk);
        }
        Ok((notes, record))
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

/// A page in the making.
struct Collected {
    limit: usize,
    notes: Vec<Note>,
    bytes: usize,
    /// There is a visible note behind the page.
    full: bool,
    /// The last note that was looked at and is not left for the next page.
    last: Option<NoteId>,
}

impl Collected {
    fn new(limit: usize) -> Self {
        Self { limit, notes: Vec::new(), bytes: 0, full: false, last: None }
    }

    fn is_full(&self) -> bool {
        self.full
    }

    fn take(&mut self, notes: Vec<Note>, shows: impl Fn(&Note) -> bool) {
        for note in notes {
            if self.full {
                return;
            }
            if shows(&note) {
                let bytes = self.bytes + weight(&note);
                let fits = self.notes.is_empty() || bytes <= MAX_PAGE_BYTES;
                if self.notes.len() == self.limit || !fits {
                    self.full = true;
                    return;
                }
                self.bytes = bytes;
                self.last = Some(note.id);
                self.notes.push(note);
            } else {
                self.last = Some(note.id);
            }
        }
    }

    fn finish(
        self,
        access: &NoteAccess<'_>,
        contact: &Authorized<Contact>,
        walked_all: bool,
    ) -> NotePage {
        let more = self.full || !walked_all;
        let next = self.last.filter(|_| more).map(NoteCursor);
        let notes = self.notes.into_iter().map(|note| {
            let permission = access.permission(&note, contact);
            ReadNote { note, permission }
        });
        NotePage { notes: notes.collect(), next }
    }
}

/// About how many bytes of an answer a note takes.
fn weight(note: &Note) -> usize {
    let attachments = note.attachments.iter().map(|a| a.name.len() + a.url.len() + 128);
    512 + note.note.len() + attachments.sum::<usize>()
}
