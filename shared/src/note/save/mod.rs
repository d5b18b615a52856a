//! One save of a note: one transaction writes the note, its ledger entries and the due items of the
//! messages to send (SPEC §3, "On write"; ARCHITECTURE, "One note").

mod commit;

use std::{collections::HashMap, pin::pin};

use futures::future::{Either, join_all, select};

use super::{
    Draft, MENTION_LIMIT, MentionRef, Note, NoteAccess, NoteAction, NoteInput, Rendered,
    admission::Admission,
    event,
    ledger::LedgerEntry,
    parse_attachments,
    people::{People, StoredMentions},
    store::{
        InvalidMentions, NoteFailure, NoteWarning, NoteWriter, Saved, ledger_by_person, user_of,
    },
};
use crate::{
    access::{Authorized, Session},
    contact::Contact,
    id::{ContactId, NoteId, UserId},
    idempotency::{Creation, IdempotencyKey},
    identity::Viewer,
    table::{Item, Key},
};
use commit::NoteSave;

/// A request to save a note.
struct SaveRequest<'a> {
    viewer: &'a Viewer,
    contact: ContactId,
    /// The note to change; `None` creates a note.
    target: Option<NoteId>,
    input: NoteInput,
    /// The idempotency key of a request that creates a note.
    idempotency: Option<IdempotencyKey>,
}

impl SaveRequest<'_> {
    fn action(&self) -> NoteAction {
        if self.target.is_some() { NoteAction::Update } else { NoteAction::Add }
    }

    /// The keys of the contact, the note, the ledger entries of these people, and the record of the
    /// idempotency key.
    fn keys(&self, people: impl Iterator<Item = String>) -> Vec<Key> {
        let company = &self.viewer.company;
        let mut keys = vec![Key::contact(company, self.contact)];
        keys.extend(self.idempotency.as_ref().map(|idempotency| idempotency.key().clone()));
        // A new note has no ledger entries.
        if let Some(note) = self.target {
            keys.push(Key::note(company, self.contact, note));
            keys.extend(people.map(|id| Key::mention(company, self.contact, note, &id)));
        }
        keys
    }
}

/// The state that was read from the table before a save.
struct CurrentState {
    contact: Authorized<Contact>,
    note: Option<Note>,
    /// The mentions of `note`.
    stored: StoredMentions,
    ledger: HashMap<String, LedgerEntry>,
}

impl CurrentState {
    /// The ids that the stored note mentions; `None` if the note is new or private.
    fn mentioned_ids(&self) -> Option<Vec<String>> {
        let note = self.note.as_ref().filter(|note| note.is_public())?;
        let users = note.mentioned_user_ids.iter().map(UserId::to_string);
        Some(users.chain(self.stored.pending().iter().map(MentionRef::id)).collect())
    }
}

/// What the table says about a request.
#[allow(clippy::large_enum_variant, reason = "a request has only one value of this type")]
enum Found {
    /// The request has not been served yet.
    Current(CurrentState),
    /// An earlier request with the same idempotency key has added a note to the contact.
    Earlier(Authorized<Contact>, Creation<NoteId>),
}

/// How a save ended.
#[allow(clippy::large_enum_variant, reason = "a request has only one value of this type")]
enum Outcome {
    Written(Note),
    /// A concurrent request with the same idempotency key was faster.
    Earlier(Authorized<Contact>, Creation<NoteId>),
}

impl NoteWriter {
    /// Adds a note to a contact. If an earlier request with the same idempotency key has added a
    /// note, this note is returned as it is now.
    ///
    /// # Errors
    /// See [`NoteFailure`]. Nothing was written.
    pub async fn create(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        input: NoteInput,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Saved, NoteFailure> {
        self.save(&SaveRequest { viewer, contact, target: None, input, idempotency }).await
    }

    /// Changes a note of a contact.
    ///
    /// # Errors
    /// See [`NoteFailure`]. Nothing was written.
    pub async fn update(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
        input: NoteInput,
    ) -> Result<Saved, NoteFailure> {
        let target = Some(note);
        self.save(&SaveRequest { viewer, contact, target, input, idempotency: None }).await
    }

    async fn save(&self, request: &SaveRequest<'_>) -> Result<Saved, NoteFailure> {
        let draft = Draft::from_submission(&request.input.note, &self.site);
        let references = draft.as_ref().map_or(&[][..], Draft::references);
        let well_formed = references.iter().filter(|r| !matches!(r, MentionRef::Malformed(_)));
        // A note with too many mentions is refused later, so its ledger entries are not read.
        let keys = request.keys(well_formed.map(MentionRef::id).take(2 * MENTION_LIMIT));
        let (session, items) =
            self.authority.session_with_items(request.viewer, &NoteAccess::NEEDED, &keys).await?;
        let current = match self.authorize(request, &session, items)? {
            Found::Current(current) => current,
            Found::Earlier(contact, created) => {
                return self.repeat(request, session, contact, created).await;
            }
        };
        let draft =
            draft.or_else(|error| self.unchanged_submission(request, &current).ok_or(error))?;
        let attachments = request.input.attachments.clone().map(parse_attachments).transpose()?;
        let preload = self.preload_access(&session, current.stored.new_references(&draft));
        let (save, outcome) = alongside(preload, async {
            let (people, rendered) = self.resolve(request, &session, &draft, &current).await?;
            let session = session.clone();
            let mut save = NoteSave {
                writer: self,
                request,
                session,
                keys,
                draft,
                attachments,
                current,
                people,
                rendered,
            };
            let outcome = save.commit().await?;
            Ok::<_, NoteFailure>((save, outcome))
        })
        .await?;
        match outcome {
            Outcome::Written(note) => {
                save.report(&note);
                Ok(save.into_saved(note))
            }
            Outcome::Earlier(contact, created) => {
                self.repeat(request, save.session, contact, created).await
            }
        }
    }

    /// Checks that the viewer may save the note, and parses the items. A repeated request is found
    /// before anything else is validated.
    fn authorize(
        &self,
        request: &SaveRequest<'_>,
        session: &Session,
        mut items: HashMap<Key, Item>,
    ) -> Result<Found, NoteFailure> {
        let (company, action) = (&request.viewer.company, request.action());
        let admission = Admission { session, action, company, contact: request.contact };
        let contact = admission.contact(&mut items)?;
        if let Some(key) = &request.idempotency {
            let record = items.remove(key.key());
            if let Some(created) = key.earlier_in(record, self.services.clock.now())? {
                return Ok(Found::Earlier(contact, created));
            }
        }
        let note = request.target.map(|id| admission.note(id, &contact, &mut items)).transpose()?;
        if let (Some(note), Some(visibility)) = (&note, request.input.visibility) {
            NoteAccess::new(session).authorize_visibility(note, visibility)?;
        }
        let stored = note
            .as_ref()
            .map(|note| StoredMentions::from_note(note, &Draft::parse(&note.note, &self.site)));
        let (stored, ledger) = (stored.unwrap_or_default(), ledger_by_person(items)?);
        Ok(Found::Current(CurrentState { contact, note, stored, ledger }))
    }

    /// The note that an earlier request with the same idempotency key has added, as it is now.
    async fn repeat(
        &self,
        request: &SaveRequest<'_>,
        session: Session,
        contact: Authorized<Contact>,
        created: Creation<NoteId>,
    ) -> Result<Saved, NoteFailure> {
        let (company, action) = (&request.viewer.company, request.action());
        let key = Key::note(company, request.contact, created.id);
        let mut items = self.services.table.batch_get(&[key], true).await?;
        let admission = Admission { session: &session, action, company, contact: request.contact };
        let note = admission.note(created.id, &contact, &mut items)?;
        let permission = NoteAccess::new(&session).permission(&note, &contact);
        let warnings = created.warnings.into_iter().map(NoteWarning::Earlier).collect();
        Ok(Saved { note, permission, warnings, session })
    }

    /// The parsed submission, if it is exactly the HTML that a response has for the stored note;
    /// otherwise `None`. Such a submission can always be saved again, even if names and escaping
    /// have made it too long.
    fn unchanged_submission(
        &self,
        request: &SaveRequest<'_>,
        current: &CurrentState,
    ) -> Option<Draft> {
        let html = &request.input.note;
        let note = current.note.as_ref();
        note.filter(|note| note.has_html(html)).map(|_| Draft::parse(html, &self.site))
    }

    /// Loads the levels and teams of newly mentioned people into the caches of this process, so
    /// that the author can be warned about people who cannot open the contact.
    async fn preload_access(&self, session: &Session, references: Vec<MentionRef>) {
        if !session.flags.notes_mention {
            return;
        }
        let (viewer, directory) = (&session.viewer, &self.services.directory);
        join_all(references.iter().map(|reference| async move {
            let user = match reference {
                MentionRef::User(user) => Some(UserId::from_uuid(*user)),
                // This waits for the result of the validation. It makes no second call.
                MentionRef::Raw(id) => {
                    let person = directory.person(&viewer.company, id).await.ok().flatten();
                    person.map(|person| person.sso_id)
                }
                MentionRef::Malformed(_) => None,
            };
            if let Some(user) = user.filter(|user| *user != viewer.user) {
                self.authority.preload(session.flags, &viewer.company, user).await;
            }
        }))
        .await;
    }

    /// Looks up the people whom the draft mentions, and renders the note to store.
    async fn resolve(
        &self,
        request: &SaveRequest<'_>,
        session: &Session,
        draft: &Draft,
        current: &CurrentState,
    ) -> Result<(People, Rendered), NoteFailure> {
        let (directory, company) = (&self.services.directory, &session.viewer.company);
        let people = if session.flags.notes_mention {
            People::resolve(directory, company, draft, &current.stored).await?
        } else {
            People::from_stored(draft, &current.stored)
        };
        people.log_failure("known people keep their stored names, and other mentions stay pending");
        let rendered = draft.render(|reference| people.outcome(reference));
        let is_refused = session.flags.notes_mention
            && self.invalid == InvalidMentions::Reject
            && !rendered.unwrapped.is_empty();
        if is_refused {
            for reference in &rendered.unwrapped {
                let invalid = user_of(reference);
                event::note_mention_invalid(company, request.target, invalid, "rejected");
            }
            let ids = rendered.unwrapped.iter().map(shortened_id).collect();
            return Err(NoteFailure::InvalidMentions(ids));
        }
        Ok((people, rendered))
    }
}

/// Awaits `main`. In the meantime `side` makes progress, but nothing waits for it: it is canceled
/// when `main` is done.
async fn alongside<T>(side: impl Future<Output = ()>, main: impl Future<Output = T>) -> T {
    match select(pin!(main), pin!(side)).await {
        Either::Left((done, _)) => done,
        Either::Right(((), main)) => main.await,
    }
}

/// An id for the response: the submitted id, limited to 64 characters.
fn shortened_id(reference: &MentionRef) -> String {
    reference.id().chars().take(64).collect()
}
