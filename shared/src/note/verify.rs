//! Verifies mentions later if Launchpad was unavailable when the note was saved (SPEC §3).

use std::collections::HashMap;

use super::{
    Draft, MentionRef, Note, Rendered, Site, event,
    ledger::{LedgerEntry, MentionMessage, RETRY_WINDOW, next_retry, retry_due},
    ledger_change::{Ledger, LedgerChange},
    people::{People, StoredMentions},
    store::{ledger_by_person, mentioned, user_of, write},
};
use crate::{
    access::{AccessError, Authority},
    contact::Contact,
    id::{CompanyId, ContactId, NoteId, UserId},
    outbox::Outbox,
    services::Services,
    table::{Attempt, Item, Key, TableError, TransactError, from_item, retry},
};

/// Verifies pending mentions for the mention worker.
#[derive(Clone, Debug)]
pub struct MentionVerifier {
    authority: Authority,
    services: Services,
    outbox: Outbox,
    site: Site,
}

impl MentionVerifier {
    /// Creates a verifier. `site` is the web application's.
    #[must_use]
    pub fn new(services: Services, outbox: Outbox, site: Site) -> Self {
        let authority = Authority::new(services.clone());
        Self { authority, services, outbox, site }
    }

    /// Looks up the people of a note's pending mentions.
    ///
    /// - An active user's mention becomes verified, and the user is notified if the flag is on.
    /// - Any other mention becomes plain text.
    /// - While Launchpad is unavailable, the verification is retried later, until [`RETRY_WINDOW`]
    ///   after the save.
    ///
    /// Nothing happens if the note is deleted or has no pending mentions.
    ///
    /// # Errors
    /// An error means that the message must be delivered again. Either the table failed, or other
    /// writes changed the note during every attempt ([`TableError::Contention`]).
    pub async fn verify(
        &self,
        company: &CompanyId,
        contact: ContactId,
        note: NoteId,
    ) -> Result<(), AccessError> {
        let done = retry("the note", async || {
            let old = self.read(company, contact, note).await?;
            let Some(old) = old else { return Ok(Attempt::Done(None)) };
            let work = self.prepare(company, old).await?;
            let Some(work) = work else { return Ok(Attempt::Done(None)) };
            let written = Attempt::from_transaction(self.commit(company, &work).await)?;
            Ok::<_, AccessError>(written.map(|()| Some(work)))
        });
        let Some(mut work) = done.await? else { return Ok(()) };
        if work.note.pending_since.is_some() {
            work.people.log_failure("the mentions stay pending");
        } else if !work.rendered.unwrapped.is_empty() {
            work.people.log_failure("the mentions become plain text, because retries have ended");
        }
        work.report(company);
        self.outbox.send(&work.change.messages).await;
        work.people.store_names(&self.services.directory, &self.services.table).await;
        Ok(())
    }

    /// The note; `None` if the note is deleted or its contact is erased. The mentions of a deleted
    /// contact's notes are verified too, so that the notes are right after a restoration. The
    /// worker drops their notifications.
    async fn read(
        &self,
        company: &CompanyId,
        contact: ContactId,
        note: NoteId,
    ) -> Result<Option<Note>, TableError> {
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let mut items = self.services.table.batch_get(&keys, true).await?;
        let contact: Option<Contact> = items.remove(&keys[0]).map(from_item).transpose()?;
        if contact.is_none_or(|contact| contact.erased_at.is_some()) {
            return Ok(None);
        }
        items.remove(&keys[1]).map(from_item).transpose()
    }

    /// Looks up the people and prepares the write; `None` if the note has no pending mentions.
    async fn prepare(&self, company: &CompanyId, old: Note) -> Result<Option<Work>, AccessError> {
        let Some(since) = old.pending_since else { return Ok(None) };
        let notifies = self.authority.company_flags(company).await?.notes_mention;
        let draft = Draft::parse(&old.note, &self.site);
        let stored = StoredMentions::from_note(&old, &draft);
        let mut people = People::verify(&self.services.directory, company, &stored).await;
        let now = self.services.clock.now();
        if now >= since + RETRY_WINDOW {
            people.end_retries();
        }
        let rendered = draft.render(|reference| people.outcome(reference));
        let verified = people.validated();
        let entries = self.read_ledger(company, &old, &verified, &rendered.unwrapped).await?;
        let note = Note {
            note: rendered.html.clone(),
            mentioned_user_ids: mentioned(&rendered),
            pending_since: (!rendered.pending.is_empty()).then_some(since),
            version: old.version + 1,
            ..old.clone()
        };
        let ledger = Ledger { company, entries: &entries, notifies, now };
        let mut change = ledger.change_for_verification(&note, &verified, &rendered.unwrapped)?;
        if !rendered.pending.is_empty() {
            let message = MentionMessage::Verify {
                company: company.clone(),
                contact_id: note.contact_id,
                note_id: note.id,
            };
            let at = next_retry(since, now).unwrap_or(since + RETRY_WINDOW);
            change.actions.push(retry_due(&message, at)?.put()?);
        }
        let entry = verified.iter().find_map(|(reference, _)| entries.get(&reference.id()));
        // A private note has no ledger entries, and only its owner can save it.
        let author = entry.map_or(old.owner_id, |entry| entry.actor.actor_id);
        Ok(Some(Work { old, note, people, rendered, change, notifies, author }))
    }

    async fn read_ledger(
        &self,
        company: &CompanyId,
        note: &Note,
        verified: &[(MentionRef, UserId)],
        invalid: &[MentionRef],
    ) -> Result<HashMap<String, LedgerEntry>, TableError> {
        let ids = verified
            .iter()
            .flat_map(|(reference, user)| [reference.id(), user.to_string()])
            .chain(invalid.iter().map(MentionRef::id));
        let keys: Vec<Key> =
            ids.map(|id| Key::mention(company, note.contact_id, note.id, &id)).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let items: HashMap<Key, Item> = self.services.table.batch_get(&keys, true).await?;
        ledger_by_person(items)
    }

    async fn commit(&self, company: &CompanyId, work: &Work) -> Result<(), TransactError> {
        let (table, actions) = (&self.services.table, work.change.actions.clone());
        if work.note.note == work.old.note && work.note.pending_since.is_some() {
            // No mention could be verified, so only the due item of the next retry is written, and
            // the note is not changed.
            return table.transact(actions.into_iter().collect()).await;
        }
        write(table, company, &work.note, Some(&work.old), actions).await
    }
}

/// A prepared verification.
struct Work {
    old: Note,
    note: Note,
    people: People,
    rendered: Rendered,
    change: LedgerChange,
    /// Whether the mention flag is on.
    notifies: bool,
    /// The user who saved the mentions.
    author: UserId,
}

impl Work {
    fn report(&self, company: &CompanyId) {
        if !self.notifies {
            return;
        }
        let known = &self.old.mentioned_user_ids;
        let mentioned = &self.note.mentioned_user_ids;
        let new_count = mentioned.iter().filter(|user| !known.contains(user)).count();
        if new_count > 0 {
            let created = self.old.pending_since == Some(self.old.created_at);
            event::note_mention_added(&event::Mentions {
                company,
                contact: self.note.contact_id,
                note: self.note.id,
                author: self.author,
                save: if created { "create" } else { "edit" },
                count: mentioned.len(),
                new_count,
            });
        }
        for reference in &self.rendered.unwrapped {
            event::note_mention_invalid(company, Some(self.note.id), user_of(reference), "dropped");
        }
    }
}
