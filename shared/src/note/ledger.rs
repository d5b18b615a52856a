//! The mention ledger: who is, was or will be told of a note, at most once for ever (SPEC §3,
//! "Notify"; ARCHITECTURE, "The single table").
//!
//! An entry comes into being with "there is none yet" and changes under its version only. That is
//! the whole rule: two saves, two workers or a message delivered twice meet at the entry, and one
//! of them has to read again.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{MentionRef, Note};
use crate::{
    clock::sortable,
    id::{CompanyId, ContactId, NoteId, UserId},
    notification::NotificationId,
    outbox::{Outgoing, Queue},
    table::{Action, Condition, Due, DueItem, DueKind, Key, TableError, Transaction, to_item},
};

/// How long Launchpad may fail before a mention that waits for it is given up (SPEC §3).
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// How long a worker may take over one notification: past it, it has died. Longer than the
/// function's time-out.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// How far the telling of one person has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionState {
    /// Nobody could say yet whether there is such a person.
    Unverified,
    /// To be told.
    Pending,
    /// A worker is telling them, until its lease ends.
    Sending,
    /// Told.
    Sent,
    /// Could not be told.
    Failed,
    /// Not told: the note was gone or private or the flag off by then, or the mention is now the
    /// person's own.
    Dropped,
}

/// Whose mention it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// Who saved the note.
    pub actor_id: UserId,
    /// Their name at that time.
    pub actor_name: String,
}

/// What the ledger says of one person and one note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The contact.
    pub contact_id: ContactId,
    /// The note.
    pub note_id: NoteId,
    /// The person's SSO UUID; while unverified, the id by which the note names them.
    pub person: String,
    /// How far it has come.
    pub state: MentionState,
    /// Whose mention it is.
    #[serde(flatten)]
    pub actor: Actor,
    /// Since when it waits to be told: the save, or the beginning of its round.
    pub since: Timestamp,
    /// How often a worker has begun to tell them, in this round.
    pub attempts: u32,
    /// How often the message came back from the dead letters.
    pub round: u32,
    /// Until when the worker has that is telling them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// The notification, once it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
    /// Why they could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Rises with each change.
    pub version: u64,
}

impl LedgerEntry {
    pub(super) fn new(
        note: &Note,
        person: String,
        state: MentionState,
        actor: Actor,
        now: Timestamp,
    ) -> Self {
        Self {
            contact_id: note.contact_id,
            note_id: note.id,
            person,
            state,
            actor,
            since: now,
            attempts: 0,
            round: 0,
            lease_until: None,
            notification_id: None,
            reason: None,
            version: 1,
        }
    }

    /// The entry's key.
    #[must_use]
    pub fn key(&self, company: &CompanyId) -> Key {
        Key::mention(company, self.contact_id, self.note_id, &self.person)
    }

    fn in_state(&self, state: MentionState) -> Self {
        Self { state, lease_until: None, version: self.version + 1, ..self.clone() }
    }

    /// This actor's mention, from the beginning.
    fn made_anew(&self, state: MentionState, actor: Actor, now: Timestamp) -> Self {
        Self { actor, since: now, attempts: 0, ..self.in_state(state) }
    }

    /// To be told in a new round: its message came back from the dead letters.
    #[must_use]
    pub fn begun_anew(&self, round: u32, now: Timestamp) -> Self {
        Self { round, since: now, attempts: 0, ..self.in_state(MentionState::Pending) }
    }

    /// Begun by a worker.
    #[must_use]
    pub fn claimed(&self, now: Timestamp) -> Self {
        Self {
            attempts: self.attempts + 1,
            lease_until: Some(now + LEASE),
            ..self.in_state(MentionState::Sending)
        }
    }

    /// Left by its worker for another try.
    #[must_use]
    pub fn released(&self) -> Self {
        self.in_state(MentionState::Pending)
    }

    /// Told.
    #[must_use]
    pub fn sent(&self, notification: NotificationId) -> Self {
        Self { notification_id: Some(notification), ..self.in_state(MentionState::Sent) }
    }

    /// Given up, in this round.
    #[must_use]
    pub fn failed(&self, reason: String) -> Self {
        Self { reason: Some(reason), ..self.in_state(MentionState::Failed) }
    }

    /// Not to be told.
    #[must_use]
    pub fn dropped(&self) -> Self {
        self.in_state(MentionState::Dropped)
    }

    /// The action that writes the entry when there is none yet.
    fn create(&self, company: &CompanyId) -> Result<Action, TableError> {
        Ok(Action::Put(to_item(&self.key(company), self)?, Some(Condition::Absent)))
    }

    /// The action that puts `next` in this entry's place, if it is still as it was read.
    ///
    /// # Errors
    /// When the entry does not serialize.
    pub fn replace(&self, company: &CompanyId, next: &Self) -> Result<Action, TableError> {
        let unchanged = Condition::Version(self.version);
        Ok(Action::Put(to_item(&next.key(company), next)?, Some(unchanged)))
    }

    fn remove(&self, company: &CompanyId) -> Action {
        Action::Delete(self.key(company), Some(Condition::Version(self.version)))
    }
}

/// A message to the mention worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MentionMessage {
    /// Tell a person that a note mentions them.
    Notify {
        /// The tenant.
        company: CompanyId,
        /// The contact.
        contact_id: ContactId,
        /// The note.
        note_id: NoteId,
        /// The person.
        sso_id: UserId,
        /// How often the message came back from the dead letters.
        #[serde(default)]
        round: u32,
    },
    /// Ask again who a note's pending mentions are.
    Verify {
        /// The tenant.
        company: CompanyId,
        /// The contact.
        contact_id: ContactId,
        /// The note.
        note_id: NoteId,
    },
}

/// When to ask Launchpad again about something that waits since `since`: after 1, 2, 4, 8, 16 and
/// 32 minutes, then every hour up to the end of [`PATIENCE`]; `None` at its end. The times do not
/// depend on who asks, so that a message delivered twice makes one due item.
#[must_use]
pub fn next_try(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let minutes = (0..6).map(|power| 1i64 << power).chain((1..=24).map(|hour| hour * 60));
    minutes.map(|minutes| since + SignedDuration::from_mins(minutes)).find(|at| *at > now)
}

/// Something that waits for Launchpad, to be handed to the mention queue at `at` by the clean-up.
///
/// # Errors
/// When the message does not serialize.
pub fn retry_due(message: &MentionMessage, at: Timestamp) -> Result<Due, TableError> {
    let id = match message {
        MentionMessage::Notify { note_id, sso_id, .. } => format!("{note_id}#{sso_id}"),
        MentionMessage::Verify { note_id, .. } => note_id.to_string(),
    };
    Due::new(DueKind::Verification, at, id, message)
}

/// What the clean-up does with something that [`retry_due`] put off, when its time has come: the
/// transaction that turns it into a message of the outbox, and the message to send after it.
///
/// # Errors
/// When the item is not one of [`retry_due`]'s.
pub fn retry_message(item: &DueItem, now: Timestamp) -> Result<(Transaction, Outgoing), TableError> {
    let message: MentionMessage = item.due.payload()?;
    let id = format!("retry#{}#{}", item.due.id, sortable(item.due.at));
    let outgoing = Outgoing::new(Queue::Mention, id, now, &message)?;
    let done = Action::Delete(item.key.clone(), None);
    Ok((Transaction::from_iter([outgoing.put()?, done]), outgoing))
}

/// What a write of a note means for the ledger: the actions of its transaction, and the messages
/// to send after it, whose due items are among the actions.
#[derive(Debug, Default)]
pub(super) struct LedgerChange {
    pub(super) actions: Vec<Action>,
    pub(super) messages: Vec<Outgoing>,
}

/// A note's ledger at the time of a write, as it was read.
pub(super) struct Ledger<'a> {
    pub(super) company: &'a CompanyId,
    pub(super) entries: &'a HashMap<String, LedgerEntry>,
    /// Whether the flag lets anybody be told (SPEC §3, "Mention flag"). Otherwise mentions are noted as
    /// dropped, and the next save with the flag on tells of them.
    pub(super) notifies: bool,
    pub(super) now: Timestamp,
}

/// Somebody whom a note mentions.
struct Mentioned {
    /// The id in the ledger.
    id: String,
    /// The person, once verified.
    user: Option<UserId>,
}

impl Mentioned {
    /// Everybody whom a note mentions, each once.
    fn all(note: &Note, pending: &[MentionRef]) -> Vec<Self> {
        let mut all: Vec<_> = note.mentioned_user_ids.iter().copied().map(Self::verified).collect();
        for id in pending.iter().map(MentionRef::id) {
            if all.iter().all(|known| known.id != id) {
                all.push(Self { id, user: None });
            }
        }
        all
    }

    fn verified(user: UserId) -> Self {
        Self { id: user.to_string(), user: Some(user) }
    }
}

impl Ledger<'_> {
    /// The change for a save: everybody mentioned is to be told unless they were told before, or
    /// are the actor. A private note tells nobody and writes nothing. `named` are the ids that the
    /// note named before, where others than its author could read it.
    pub(super) fn saved(
        &self,
        note: &Note,
        named: Option<&[String]>,
        pending: &[MentionRef],
        actor: &Actor,
    ) -> Result<LedgerChange, TableError> {
        let mut change = LedgerChange::default();
        if note.is_public() {
            for person in &Mentioned::all(note, pending) {
                if let Some(author) = self.author(&person.id, named, actor) {
                    self.mention(note, person, author, named.is_none(), &mut change)?;
                }
            }
        }
        if !pending.is_empty() {
            self.post(
                &mut change,
                format!("verify#{}#{}", note.id, note.version),
                &MentionMessage::Verify {
                    company: self.company.clone(),
                    contact_id: note.contact_id,
                    note_id: note.id,
                },
            )?;
        }
        Ok(change)
    }

    /// Who put a mention into the note: not the actor, where it was there before. Nobody, where
    /// there is nobody to tell: the actor is never told, and a mention that was there and is not in
    /// the ledger is somebody's of themselves.
    fn author<'b>(
        &'b self,
        id: &str,
        named: Option<&[String]>,
        actor: &'b Actor,
    ) -> Option<&'b Actor> {
        let was_there = named.is_some_and(|named| named.iter().any(|known| known == id));
        if !was_there {
            return Some(actor);
        }
        let author = &self.entries.get(id)?.actor;
        (actor.actor_id.to_string() != id).then_some(author)
    }

    /// Notes a mention, unless the person was told of the note or is about to be. Who mentions
    /// themselves is told neither of that nor of a mention before it that still waits.
    fn mention(
        &self,
        note: &Note,
        person: &Mentioned,
        author: &Actor,
        was_private: bool,
        change: &mut LedgerChange,
    ) -> Result<(), TableError> {
        let is_own = author.actor_id.to_string() == person.id;
        let state = match person.user {
            _ if is_own => MentionState::Dropped,
            None => MentionState::Unverified,
            Some(_) if self.notifies => MentionState::Pending,
            Some(_) => MentionState::Dropped,
        };
        let Some(entry) = self.entries.get(&person.id) else {
            if is_own {
                return Ok(());
            }
            let entry = LedgerEntry::new(note, person.id.clone(), state, author.clone(), self.now);
            change.actions.push(entry.create(self.company)?);
            return self.post_notify(change, &entry, person);
        };
        match entry.state {
            MentionState::Unverified | MentionState::Dropped => {
                if (entry.state, &entry.actor) != (state, author) {
                    let anew = entry.made_anew(state, author.clone(), self.now);
                    change.actions.push(entry.replace(self.company, &anew)?);
                    self.post_notify(change, &anew, person)?;
                }
            }
            // A worker that still sees the private note must not drop it behind this save.
            MentionState::Pending | MentionState::Sending if was_private => {
                let unchanged = Condition::Version(entry.version);
                change.actions.push(Action::Check(entry.key(self.company), unchanged));
            }
            MentionState::Pending
            | MentionState::Sending
            | MentionState::Sent
            | MentionState::Failed => {}
        }
        Ok(())
    }

    /// The change when Launchpad told who `verified` references are and that `invalid` ones are
    /// nobody. Whoever is known from a save is told by that save's actor.
    pub(super) fn verified(
        &self,
        note: &Note,
        verified: &[(MentionRef, UserId)],
        invalid: &[MentionRef],
    ) -> Result<LedgerChange, TableError> {
        let mut change = LedgerChange::default();
        let mut begun = Vec::new();
        for (reference, user) in verified {
            let Some(waiting) = self.waiting(reference) else { continue };
            if waiting.person != user.to_string() {
                change.actions.push(waiting.remove(self.company));
            }
            let notifies = note.is_public() && waiting.actor.actor_id != *user;
            if notifies && !begun.contains(user) {
                let person = Mentioned::verified(*user);
                self.mention(note, &person, &waiting.actor, false, &mut change)?;
                begun.push(*user);
            }
        }
        let gone = invalid.iter().filter_map(|reference| self.waiting(reference));
        change.actions.extend(gone.map(|entry| entry.remove(self.company)));
        Ok(change)
    }

    fn waiting(&self, reference: &MentionRef) -> Option<&LedgerEntry> {
        let entry = self.entries.get(&reference.id())?;
        (entry.state == MentionState::Unverified).then_some(entry)
    }

    fn post_notify(
        &self,
        change: &mut LedgerChange,
        entry: &LedgerEntry,
        person: &Mentioned,
    ) -> Result<(), TableError> {
        let is_due = entry.state == MentionState::Pending;
        let Some(user) = person.user.filter(|_| is_due) else { return Ok(()) };
        let id = format!("notify#{}#{user}#{}", entry.note_id, entry.version);
        let message = MentionMessage::Notify {
            company: self.company.clone(),
            contact_id: entry.contact_id,
            note_id: entry.note_id,
            sso_id: user,
            round: entry.round,
        };
        self.post(change, id, &message)
    }

    fn post(
        &self,
        change: &mut LedgerChange,
        id: String,
        message: &MentionMessage,
    ) -> Result<(), TableError> {
        let outgoing = Outgoing::new(Queue::Mention, id, self.now, message)?;
        change.actions.push(outgoing.put()?);
        change.messages.push(outgoing);
        Ok(())
    }
}
