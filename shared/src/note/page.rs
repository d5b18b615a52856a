//! Reads one note or a page of notes (SPEC §3).

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

/// The maximum number of queries for one page. If a contact has many private notes of other users,
/// a page can therefore have fewer notes than its limit and still have a cursor.
const MAX_QUERIES: usize = 8;
/// The maximum size of all notes on one page, in bytes. A page with a single note may be larger, so
/// that a large note can be read.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// A position in the list of a contact's notes. A cursor gives its user no permission to see a
/// note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoteCursor(NoteId);

impl NoteCursor {
    /// Encodes the cursor as text for clients.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_uuid().as_bytes())
    }

    /// Decodes a client's text; `None` if it is not a valid cursor.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(NoteId::from_uuid(Uuid::from_slice(&bytes).ok()?)))
    }
}

/// A note that the viewer may see.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadNote {
    /// The note, with its HTML in the stored form.
    pub note: Note,
    /// Whether the viewer may change and delete the note.
    pub permission: RecordPermission,
}

/// A page of a contact's notes.
#[derive(Debug)]
pub struct NotePage {
    /// The notes, newest first.
    pub notes: Vec<ReadNote>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<NoteCursor>,
}

/// Reads notes for a viewer, with permission checks.
#[derive(Clone, Debug)]
pub struct NoteReader {
    authority: Authority,
    table: Table,
}

impl NoteReader {
    /// Creates a reader that uses these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let table = services.table.clone();
        Self { authority: Authority::new(services), table }
    }

    /// Reads one note.
    pub async fn read(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
    ) -> Result<(ReadNote, Session), NoteFailure> {
        let company = &viewer.company;
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let needed = &NoteAccess::NEEDED;
        let (session, mut items) = self.authority.session_with_items(viewer, needed, &keys).await?;
        let admission = Admission { session: &session, action: NoteAction::View, company, contact };
        let contact = admission.contact(&mut items)?;
        let note = admission.note(note, &contact, &mut items)?;
        let permission = NoteAccess::new(&session).permission(&note, &contact);
        Ok((ReadNote { note, permission }, session))
    }

    /// Reads up to `limit` notes of a contact that the viewer may see, newest first, after
    /// `cursor`. The first page needs only one query, because in descending key order the contact's
    /// record comes before its notes.
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
            self.authority.session_with_items(viewer, needed, &beside),
            // The query asks for one note more than the page has, which shows whether there is
            // another page. The first query also returns the contact's record.
            walk.next_batch(limit + 1 + usize::from(cursor.is_none()))
        );
        let (session, mut items) = session?;
        let (mut batch, in_first) = first?;
        items.extend(in_first.map(|item| (record, item)));
        let access = NoteAccess::new(&session);
        let admission = Admission { session: &session, action: NoteAction::View, company, contact };
        let contact = admission.contact(&mut items)?;
        let mut page = PageBuilder::new(limit);
        for _ in 1..MAX_QUERIES {
            page.add(batch, |note| access.can_see(note));
            if page.is_full() || walk.is_done() {
                batch = Vec::new();
                break;
            }
            batch = walk.next_batch(limit + 1).await?.0;
        }
        page.add(batch, |note| access.can_see(note));
        Ok((page.finish(&access, &contact, walk.is_done()), session))
    }
}

/// Queries a contact's notes in batches, newest first.
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

    /// The next notes, and the contact's record if the query returned it.
    async fn next_batch(&mut self, limit: usize) -> Result<(Vec<Note>, Option<Item>), TableError> {
        self.query.limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let Page { items, more } = self.table.query(&self.query).await?;
        self.done = !more;
        let (mut notes, mut record) = (Vec::with_capacity(items.len()), None);
        for item in items {
            let Some(key) = Key::from_item(&item) else { continue };
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

/// Collects the notes of a page.
struct PageBuilder {
    limit: usize,
    notes: Vec<Note>,
    bytes: usize,
    /// Whether the next page has at least one visible note.
    full: bool,
    /// The last note that was added or skipped because it is not visible. The next page starts
    /// after it.
    last: Option<NoteId>,
}

impl PageBuilder {
    fn new(limit: usize) -> Self {
        Self { limit, notes: Vec::new(), bytes: 0, full: false, last: None }
    }

    fn is_full(&self) -> bool {
        self.full
    }

    fn add(&mut self, notes: Vec<Note>, can_see: impl Fn(&Note) -> bool) {
        for note in notes {
            if self.full {
                return;
            }
            if can_see(&note) {
                let bytes = self.bytes + estimated_bytes(&note);
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
        all_read: bool,
    ) -> NotePage {
        let more = self.full || !all_read;
        let next = self.last.filter(|_| more).map(NoteCursor);
        let notes = self.notes.into_iter().map(|note| {
            let permission = access.permission(&note, contact);
            ReadNote { note, permission }
        });
        NotePage { notes: notes.collect(), next }
    }
}

/// The approximate size of a note in a response, in bytes.
fn estimated_bytes(note: &Note) -> usize {
    let attachments = note.attachments.iter().map(|a| a.name.len() + a.url.len() + 128);
    512 + note.note.len() + attachments.sum::<usize>()
}
