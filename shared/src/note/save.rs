//! One save of a note: one transaction writes the note, its ledger entries and the due items of the
//! messages to send (SPEC §3, "On write"; ARCHITECTURE, "One note").

use std::{collections::HashMap, pin::pin};

use futures::future::{Either, join_all, select};

use super::{
    Attachment, Draft, MENTION_LIMIT, MentionRef, Note, NoteAccess, NoteAction, NoteError,
    NoteInput, Rendered,
    admission::Admission,
    event,
    ledger::{Actor, LedgerEntry},
    ledger_change::{Ledger, LedgerChange, SavedMentions},
    parse_attachments,
    people::{People, StoredMentions},
    store::{
        InvalidMentions, MentionWarning, NoteFailure, NoteWriter, Saved, ledger_by_person,
        mentioned, user_of, write,
    },
};
use crate::{
    access::{Authorized, Session},
    contact::Contact,
    id::{ContactId, NoteId, UserId},
    idempotency::{Creation, IdempotencyKey},
    identity::{Permission, Viewer},
    table::{Action, Attempt, Item, Key, TableError, retry},
};

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
        let warnings = created.warnings.into_iter().map(MentionWarning::Earlier).collect();
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

/// Awaits `main`. In the meantime `side` makes progress, but nothing waits for it: it is cancelled
/// when `main` is done.
async fn alongside<T>(side: impl Future<Output = ()>, main: impl Future<Output = T>) -> T {
    match select(pin!(main), pin!(side)).await {
        Either::Left((done, _)) => done,
        Either::Right(((), main)) => main.await,
    }
}

/// One save, with everything that is known about it: the request, what was read, the people whom
/// the note mentions, and the note to write.
struct NoteSave<'a> {
    writer: &'a NoteWriter,
    request: &'a SaveRequest<'a>,
    session: Session,
    /// The keys of all items on which the save depends.
    keys: Vec<Key>,
    draft: Draft,
    /// The submitted attachments; `None` if they stay unchanged.
    attachments: Option<Vec<Attachment>>,
    current: CurrentState,
    people: People,
    rendered: Rendered,
}

impl NoteSave<'_> {
    /// Writes the note and sends the messages. If another write changes the note at the same time,
    /// the note is read again, its mentions are resolved again, and the write is retried.
    async fn commit(&mut self) -> Result<Outcome, NoteFailure> {
        let mut is_stale = false;
        let (outcome, messages) = retry("the note", async || {
            // An id that was resolved to another one has a ledger entry that was not read yet.
            while self.add_ledger_keys() || std::mem::take(&mut is_stale) {
                if let Some(earlier) = self.refresh().await? {
                    return Ok(Attempt::Done((earlier, Vec::new())));
                }
            }
            is_stale = true;
            let note = self.new_version()?;
            let mut change = self.ledger_change(&note)?;
            change.actions.extend(self.idempotency_record(&note)?);
            let services = &self.writer.services;
            let (written, ()) = tokio::join!(
                write(
                    &services.table,
                    &self.request.viewer.company,
                    &note,
                    self.current.note.as_ref(),
                    change.actions,
                ),
                self.people.store_names(&services.directory, &services.table)
            );
            let written = Attempt::from_transaction(written)?;
            Ok::<_, NoteFailure>(written.map(|()| (Outcome::Written(note), change.messages)))
        })
        .await?;
        self.writer.outbox.send(&messages).await;
        Ok(outcome)
    }

    /// Adds the keys of ledger entries that the rendered note needs, and returns whether one was
    /// missing.
    fn add_ledger_keys(&mut self) -> bool {
        let verified = self.rendered.mentioned.iter().map(ToString::to_string);
        let people = verified.chain(self.rendered.pending.iter().map(MentionRef::id));
        let needed = self.request.keys(people);
        let missing: Vec<_> = needed.into_iter().filter(|key| !self.keys.contains(key)).collect();
        self.keys.extend(missing.iter().cloned());
        !missing.is_empty()
    }

    /// Reads the items again, and resolves the mentions for the version of the note that was read:
    /// a mention stays without validation only if the version that is replaced has it.
    async fn refresh(&mut self) -> Result<Option<Outcome>, NoteFailure> {
        let items = self.writer.services.table.batch_get(&self.keys, true).await?;
        self.current = match self.writer.authorize(self.request, &self.session, items)? {
            Found::Current(current) => current,
            Found::Earlier(contact, created) => {
                return Ok(Some(Outcome::Earlier(contact, created)));
            }
        };
        let resolved =
            self.writer.resolve(self.request, &self.session, &self.draft, &self.current).await?;
        (self.people, self.rendered) = resolved;
        Ok(None)
    }

    /// The note to write.
    fn new_version(&self) -> Result<Note, NoteError> {
        let now = self.writer.services.clock.now();
        let (old, viewer) = (self.current.note.as_ref(), self.request.viewer);
        let attachments = self.attachments.clone();
        let attachments =
            attachments.or_else(|| old.map(|old| old.attachments.clone())).unwrap_or_default();
        if !self.rendered.has_text() && attachments.is_empty() {
            return Err(NoteError::Empty(self.rendered.removed.clone()));
        }
        let visibility = self.request.input.visibility.or_else(|| old.map(|old| old.visibility));
        Ok(Note {
            id: old.map_or_else(|| NoteId::generate(now), |old| old.id),
            contact_id: self.request.contact,
            note: self.rendered.html.clone(),
            attachments,
            visibility: visibility.unwrap_or_default(),
            owner_id: old.map_or(viewer.user, |old| old.owner_id),
            owner_name: old.map_or_else(|| viewer.display_name(), |old| old.owner_name.clone()),
            mentioned_user_ids: mentioned(&self.rendered),
            pending_since: (!self.rendered.pending.is_empty()).then_some(now),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
            version: old.map_or(1, |old| old.version + 1),
        })
    }

    fn ledger_change(&self, note: &Note) -> Result<LedgerChange, TableError> {
        let viewer = self.request.viewer;
        let ledger = Ledger {
            company: &viewer.company,
            entries: &self.current.ledger,
            notifies: self.session.flags.notes_mention,
            now: self.writer.services.clock.now(),
        };
        let actor = Actor { actor_id: viewer.user, actor_name: viewer.display_name() };
        let (previous, validated) = (self.current.mentioned_ids(), self.people.validated());
        ledger.change_for_save(
            note,
            &SavedMentions {
                actor: &actor,
                previous: previous.as_deref(),
                pending: &self.rendered.pending,
                validated: &validated,
            },
        )
    }

    /// The action that records the use of the idempotency key.
    fn idempotency_record(&self, note: &Note) -> Result<Option<Action>, TableError> {
        let Some(key) = &self.request.idempotency else { return Ok(None) };
        let mut codes: Vec<_> =
            self.warnings(note).iter().map(|warning| warning.code().to_owned()).collect();
        codes.dedup();
        let created = Creation { id: note.id, warnings: codes };
        Ok(Some(key.put(created, self.writer.services.clock.now())?))
    }

    /// Logs the mentions of the note, and the invalid mentions that became text. Logs nothing if
    /// the mention flag is off.
    fn report(&self, note: &Note) {
        if !self.session.flags.notes_mention {
            return;
        }
        let company = &self.request.viewer.company;
        for reference in &self.rendered.unwrapped {
            event::note_mention_invalid(company, Some(note.id), user_of(reference), "dropped");
        }
        if note.mentioned_user_ids.is_empty() {
            return;
        }
        // All mentions of a note that becomes public count as new.
        let known = self.current.note.as_ref().filter(|old| old.is_public());
        let known = known.map_or(&[][..], |old| &old.mentioned_user_ids);
        let new = note.mentioned_user_ids.iter().filter(|user| !known.contains(user)).count();
        event::note_mention_added(&event::Mentions {
            company,
            contact: note.contact_id,
            note: note.id,
            author: self.request.viewer.user,
            save: if self.request.target.is_some() { "edit" } else { "create" },
            count: note.mentioned_user_ids.len(),
            new_count: new,
        });
    }

    fn into_saved(self, note: Note) -> Saved {
        let warnings = self.warnings(&note);
        let permission = NoteAccess::new(&self.session).permission(&note, &self.current.contact);
        Saved { note, permission, warnings, session: self.session }
    }

    /// The warnings in the response for the author. If the mention flag is off, there are no
    /// warnings about mentions.
    fn warnings(&self, note: &Note) -> Vec<MentionWarning> {
        let mut warnings = Vec::new();
        if !self.rendered.removed.is_empty() {
            warnings.push(MentionWarning::ContentRemoved(self.rendered.removed.clone()));
        }
        if !self.session.flags.notes_mention {
            return warnings;
        }
        let invalid = self.rendered.unwrapped.iter().map(shortened_id);
        warnings.extend(invalid.map(MentionWarning::Invalid));
        if !self.rendered.pending.is_empty() {
            let ids = self.rendered.pending.iter().map(shortened_id).collect();
            warnings.push(MentionWarning::Pending(ids));
        }
        let (viewer, flags) = (self.request.viewer, self.session.flags);
        let validated = self.people.validated();
        let blind = note.mentioned_user_ids.iter().copied().filter(|user| {
            *user != viewer.user
                && validated.iter().any(|(_, known)| known == user)
                && self.writer.authority.is_known_to_deny(
                    flags,
                    (&viewer.company, *user),
                    Permission::ViewCustomers,
                    &*self.current.contact,
                )
        });
        warnings.extend(blind.map(MentionWarning::CannotSeeContact));
        warnings
    }
}

/// An id for the response: the submitted id, limited to 64 characters.
fn shortened_id(reference: &MentionRef) -> String {
    reference.id().chars().take(64).collect()
}
