//! The write of one save: the note, its ledger entries and the due messages in one transaction, and
//! the response.

use super::{CurrentState, Found, Outcome, SaveRequest, shortened_id};
use crate::{
    access::Session,
    id::NoteId,
    idempotency::Creation,
    identity::Permission,
    note::{
        Attachment, Draft, MentionRef, Note, NoteAccess, NoteError, Rendered, event,
        ledger::Actor,
        ledger_change::{Ledger, LedgerChange, SavedMentions},
        people::People,
        store::{NoteFailure, NoteWarning, NoteWriter, Saved, mentioned, user_of, write},
    },
    table::{Action, Attempt, Key, TableError, retry},
};

/// One save, with everything that is known about it: the request, what was read, the people whom
/// the note mentions, and the note to write.
pub(super) struct NoteSave<'a> {
    pub(super) writer: &'a NoteWriter,
    pub(super) request: &'a SaveRequest<'a>,
    pub(super) session: Session,
    /// The keys of all items on which the save depends.
    pub(super) keys: Vec<Key>,
    pub(super) draft: Draft,
    /// The submitted attachments; `None` if they stay unchanged.
    pub(super) attachments: Option<Vec<Attachment>>,
    pub(super) current: CurrentState,
    pub(super) people: People,
    pub(super) rendered: Rendered,
}

impl NoteSave<'_> {
    /// Writes the note and sends the messages. If another write changes the note at the same time,
    /// the note is read again, its mentions are resolved again, and the write is retried.
    pub(super) async fn commit(&mut self) -> Result<Outcome, NoteFailure> {
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
    pub(super) fn report(&self, note: &Note) {
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

    pub(super) fn into_saved(self, note: Note) -> Saved {
        let warnings = self.warnings(&note);
        let permission = NoteAccess::new(&self.session).permission(&note, &self.current.contact);
        Saved { note, permission, warnings, session: self.session }
    }

    /// The warnings in the response for the author. If the mention flag is off, there are no
    /// warnings about mentions.
    fn warnings(&self, note: &Note) -> Vec<NoteWarning> {
        let mut warnings = Vec::new();
        if !self.rendered.removed.is_empty() {
            warnings.push(NoteWarning::ContentRemoved(self.rendered.removed.clone()));
        }
        if !self.session.flags.notes_mention {
            return warnings;
        }
        let invalid = self.rendered.unwrapped.iter().map(shortened_id);
        warnings.extend(invalid.map(NoteWarning::Invalid));
        if !self.rendered.pending.is_empty() {
            let ids = self.rendered.pending.iter().map(shortened_id).collect();
            warnings.push(NoteWarning::Pending(ids));
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
        warnings.extend(blind.map(NoteWarning::CannotSeeContact));
        warnings
    }
}
