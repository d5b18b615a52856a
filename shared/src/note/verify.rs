//! Verifying mentions that Launchpad could not tell when their note was saved (SPEC §3).

use std::collections::HashMap;

use super::{
    Draft, MentionRef, Note, Rendered,
    admission::live_contact,
    event,
    ledger::{Ledger, LedgerChange, LedgerEntry, MentionMessage, PATIENCE, retry_due, next_try},
    people::{People, Stored},
    store::{ledger_of, mentioned, user_of, write},
};
use crate::{
    access::{AccessError, Authority},
    id::{CompanyId, ContactId, NoteId, UserId},
    outbox::Outbox,
    services::Services,
    table::{Attempt, Item, Key, TableError, TransactError, from_item, retry},
};

/// Verifies pending mentions.
#[derive(Clone, Debug)]
pub struct MentionVerifier {
    authority: Authority,
    services: Services,
    outbox: Outbox,
    hosts: Vec<String>,
}

impl MentionVerifier {
    /// A verifier; `hosts` as [`mention_hosts`](super::mention_hosts) gives them.
    #[must_use]
    pub fn new(services: Services, outbox: Outbox, hosts: Vec<String>) -> Self {
        let authority = Authority::new(services.clone());
        Self { authority, services, outbox, hosts }
    }

    /// Asks who the pending mentions of a note are. Who is somebody becomes a mention and is told,
    /// unless the flag is off; who is nobody becomes text; while Launchpad cannot tell, it is asked
    /// again later, until [`PATIENCE`] after the save ends. A note that is gone or has nothing pending is done.
    ///
    /// # Errors
    /// The table's trouble, or [`TableError::Contention`] when the note keeps changing.
    pub async fn verify(
        &self,
        company: &CompanyId,
        contact: ContactId,
        note: NoteId,
    ) -> Result<(), AccessError> {
        let done = retry("the note", async || {
            let old = self.read(company, contact, note).await?;
            let Some(old) = old else { return Ok(Attempt::Done(None)) };
            let work = self.work(company, old).await?;
            let Some(work) = work else { return Ok(Attempt::Done(None)) };
            let written = Attempt::from_transaction(self.commit(company, &work).await)?;
            Ok::<_, AccessError>(written.map(|()| Some(work)))
        });
        let Some(work) = done.await? else { return Ok(()) };
        work.report(company);
        self.outbox.send(&work.change.messages).await;
        work.people.remember(&self.services.directory, &self.services.table).await;
        Ok(())
    }

    /// The note, if it can still be reached.
    async fn read(
        &self,
        company: &CompanyId,
        contact: ContactId,
        note: NoteId,
    ) -> Result<Option<Note>, TableError> {
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let mut items = self.services.table.batch_get(&keys, true).await?;
        if live_contact(items.remove(&keys[0]))?.is_none() {
            return Ok(None);
        }
        items.remove(&keys[1]).map(from_item).transpose()
    }

    /// What is to be written; `None` when nothing is pending.
    async fn work(&self, company: &CompanyId, old: Note) -> Result<Option<Work>, AccessError> {
        let Some(since) = old.pending_since else { return Ok(None) };
        let notifies = self.authority.company_flags(company).await?.notes_mention;
        let draft = Draft::parse(&old.note, &self.hosts);
        let stored = Stored::of(&old, &draft);
        let mut people = People::verify(&self.services.directory, company, &stored).await;
        let now = self.services.clock.now();
        if now >= since + PATIENCE {
            people.give_up_unknown();
        }
        let rendered = draft.render(|reference| people.outcome(reference));
        let verified: Vec<_> = people
            .active()
            .filter(|(reference, _)| stored.is_pending(reference))
            .map(|(reference, user)| (reference.clone(), user))
            .collect();
        let entries = self.ledger(company, &old, &verified, &rendered.unwrapped).await?;
        let note = Note {
            note: rendered.html.clone(),
            mentioned_user_ids: mentioned(&rendered),
            pending_since: (!rendered.pending.is_empty()).then_some(since),
            version: old.version + 1,
            ..old.clone()
        };
        let ledger = Ledger { company, entries: &entries, notifies, now };
        let mut change = ledger.verified(&note, &verified, &rendered.unwrapped)?;
        if !rendered.pending.is_empty() {
            let message = MentionMessage::Verify {
                company: company.clone(),
                contact_id: note.contact_id,
                note_id: note.id,
            };
            let at = next_try(since, now).unwrap_or(since + PATIENCE);
            change.actions.push(retry_due(&message, at)?.put()?);
        }
        let waiting = verified.iter().find_map(|(reference, _)| entries.get(&reference.id()));
        // A private note has no ledger, and nobody but its owner saves it.
        let author = waiting.map_or(old.owner_id, |entry| entry.actor.actor_id);
        Ok(Some(Work { old, note, people, rendered, change, notifies, author }))
    }

    async fn ledger(
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
        ledger_of(items)
    }

    async fn commit(&self, company: &CompanyId, work: &Work) -> Result<(), TransactError> {
        let (table, actions) = (&self.services.table, work.change.actions.clone());
        if work.note.note == work.old.note && work.note.pending_since.is_some() {
            // Nothing is known yet: the note stays untouched, only the next time is noted.
            return table.transact(actions.into_iter().collect()).await;
        }
        write(table, company, &work.note, Some(&work.old), actions).await
    }
}

/// One verification, decided but not yet written.
struct Work {
    old: Note,
    note: Note,
    people: People,
    rendered: Rendered,
    change: LedgerChange,
    /// Whether the flag lets anybody be told.
    notifies: bool,
    /// Who wrote the mentions.
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
