//! The mention ledger: it records the notification of each mentioned person, so that a person is
//! notified of a note at most once (SPEC §3, "Notify"; ARCHITECTURE, "The single table").
//!
//! Ledger entries use optimistic locking: an entry is created on the condition that it does not
//! exist, and changed on the condition that it still has the version that was read. If two saves,
//! two workers or two deliveries of a message change an entry at the same time, one of them fails
//! and reads the entry again.

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

/// The time during which the verification of a mention, or its notification, is retried while
/// Launchpad fails. After this time there are no more retries (SPEC §3).
pub const RETRY_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The time for which a worker holds the lease of a ledger entry while it sends the notification.
/// It is longer than the function's time-out, so a worker has always stopped when its lease ends.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);

/// The state of one person's notification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionState {
    /// The mention is not verified yet, because Launchpad was unavailable.
    Unverified,
    /// The mention is verified, and the notification must be sent.
    Pending,
    /// A worker is sending the notification. It holds a lease, which has an end.
    Sending,
    /// The notification service accepted the notification. It is never sent again.
    Sent,
    /// The notification service refused the notification, or all four tries failed.
    Failed,
    /// The notification is not sent, because the note was deleted or made private, the flag was
    /// turned off, or the person has mentioned themselves.
    Dropped,
}

/// The user who mentioned a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The user who saved the note with the mention.
    pub actor_id: UserId,
    /// The user's name when they saved the note. The notification shows it.
    pub actor_name: String,
}

/// The ledger entry of one person and one note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The contact that the note is about.
    pub contact_id: ContactId,
    /// The note that mentions the person.
    pub note_id: NoteId,
    /// The person's SSO UUID. In state `Unverified`, the id by which the note refers to the person.
    pub person: String,
    /// The state of the notification.
    pub state: MentionState,
    /// The user who mentioned the person.
    #[serde(flatten)]
    pub actor: Actor,
    /// The time at which the mention was saved, or at which its current round started. Retries end
    /// [`RETRY_WINDOW`] later.
    pub since: Timestamp,
    /// The number of times that a worker has taken the lease in the current round.
    pub attempts: u32,
    /// The number of times that the message was moved back from the dead-letter queue.
    pub round: u32,
    /// The time at which the worker's lease ends. Set only in state `Sending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// The id that the notification service returned. Set only in state `Sent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
    /// The reason why the notification could not be sent. It is set in state `Failed`, and kept in
    /// later rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version for optimistic locking, which increases with each change.
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

    /// The key of the entry in the table.
    #[must_use]
    pub fn key(&self, company: &CompanyId) -> Key {
        Key::mention(company, self.contact_id, self.note_id, &self.person)
    }

    fn in_state(&self, state: MentionState) -> Self {
        Self { state, lease_until: None, version: self.version + 1, ..self.clone() }
    }

    /// The entry after this actor has mentioned the person again: in this state, and without
    /// attempts.
    fn restarted(&self, state: MentionState, actor: Actor, now: Timestamp) -> Self {
        Self { actor, since: now, attempts: 0, ..self.in_state(state) }
    }

    /// The entry in a new round, in which the notification must be sent. A round starts when the
    /// message was moved back from the dead-letter queue.
    #[must_use]
    pub fn new_round(&self, round: u32, now: Timestamp) -> Self {
        Self { round, since: now, attempts: 0, ..self.in_state(MentionState::Pending) }
    }

    /// The entry after a worker has taken the lease for one attempt.
    #[must_use]
    pub fn with_lease(&self, now: Timestamp) -> Self {
        Self {
            attempts: self.attempts + 1,
            lease_until: Some(now + LEASE),
            ..self.in_state(MentionState::Sending)
        }
    }

    /// The entry after its worker has released the lease so that the notification is retried.
    #[must_use]
    pub fn released(&self) -> Self {
        self.in_state(MentionState::Pending)
    }

    /// The entry after the notification was sent.
    #[must_use]
    pub fn sent(&self, notification: NotificationId) -> Self {
        Self { notification_id: Some(notification), ..self.in_state(MentionState::Sent) }
    }

    /// The entry after the notification has failed for the last time in its round.
    #[must_use]
    pub fn failed(&self, reason: String) -> Self {
        Self { reason: Some(reason), ..self.in_state(MentionState::Failed) }
    }

    /// The entry after the decision that the notification will not be sent.
    #[must_use]
    pub fn dropped(&self) -> Self {
        self.in_state(MentionState::Dropped)
    }

    /// The action that creates the entry if it does not exist.
    fn create(&self, company: &CompanyId) -> Result<Action, TableError> {
        Ok(Action::Put(to_item(&self.key(company), self)?, Some(Condition::Absent)))
    }

    /// The action that replaces this entry by `next` if it still has the version that was read.
    ///
    /// # Errors
    /// [`TableError::Shape`] if the entry cannot be serialized.
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
    /// Notify a person that a note mentions them.
    Notify {
        /// The tenant of the note.
        company: CompanyId,
        /// The contact that the note is about.
        contact_id: ContactId,
        /// The note that mentions the person.
        note_id: NoteId,
        /// The mentioned person.
        sso_id: UserId,
        /// The number of times that the message was moved back from the dead-letter queue.
        #[serde(default)]
        round: u32,
    },
    /// Verify the pending mentions of a note.
    Verify {
        /// The tenant of the note.
        company: CompanyId,
        /// The contact that the note is about.
        contact_id: ContactId,
        /// The note with pending mentions.
        note_id: NoteId,
    },
}

/// The next time to call Launchpad again for a mention that has been waiting since `since`: after
/// 1, 2, 4, 8, 16 and 32 minutes, then every hour; `None` after the end of [`RETRY_WINDOW`]. The
/// times depend only on `since`, so that a message that is delivered twice creates only one due
/// item.
#[must_use]
pub fn next_retry(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let minutes = (0..6).map(|power| 1i64 << power).chain((1..=24).map(|hour| hour * 60));
    minutes.map(|minutes| since + SignedDuration::from_mins(minutes)).find(|at| *at > now)
}

/// The due item for a message that waits for Launchpad. At `at`, the clean-up sends the message to
/// the mention queue.
///
/// # Errors
/// [`TableError::Shape`] if the message cannot be serialized.
pub fn retry_due(message: &MentionMessage, at: Timestamp) -> Result<Due, TableError> {
    let id = match message {
        MentionMessage::Notify { note_id, sso_id, .. } => format!("{note_id}#{sso_id}"),
        MentionMessage::Verify { note_id, .. } => note_id.to_string(),
    };
    Due::new(DueKind::Verification, at, id, message)
}

/// Converts a due item of [`retry_due`] into a message when the item is due. Returns the
/// transaction that moves the message to the outbox, and the message to send after that
/// transaction.
///
/// # Errors
/// [`TableError::Shape`] if [`retry_due`] did not create the item.
pub fn retry_message(
    item: &DueItem,
    now: Timestamp,
) -> Result<(Transaction, Outgoing), TableError> {
    let message: MentionMessage = item.due.payload()?;
    let id = format!("retry#{}#{}", item.due.id, sortable(item.due.at));
    let outgoing = Outgoing::new(Queue::Mention, id, now, &message)?;
    let done = Action::Delete(item.key.clone(), None);
    Ok((Transaction::from_iter([outgoing.put()?, done]), outgoing))
}

/// The ledger changes of a note's write: the actions for its transaction, and the messages to send
/// after the transaction. The actions include the due items of these messages.
#[derive(Debug, Default)]
pub(super) struct LedgerChange {
    pub(super) actions: Vec<Action>,
    pub(super) messages: Vec<Outgoing>,
}

/// The ledger entries of a note, as they were read for a write of the note.
pub(super) struct Ledger<'a> {
    pub(super) company: &'a CompanyId,
    pub(super) entries: &'a HashMap<String, LedgerEntry>,
    /// Whether the mention flag is on (SPEC §3, "Mention flag"). While it is off, new mentions are
    /// recorded as dropped; the next save with the flag on sends their notifications.
    pub(super) notifies: bool,
    pub(super) now: Timestamp,
}

/// A person whom a note mentions.
struct Mentioned {
    /// The id of the person's ledger entry.
    id: String,
    /// The person's SSO UUID; `None` if the mention is not verified.
    user: Option<UserId>,
}

impl Mentioned {
    /// All people whom a note mentions, each once.
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
    /// The ledger change for a save of the note. Every mentioned person is notified, except the
    /// actor and people who were notified before. A private note changes nothing and sends no
    /// notifications. `previous` are the ids that the note mentioned before the save, or `None` if
    /// the note was new or private.
    pub(super) fn change_for_save(
        &self,
        note: &Note,
        previous: Option<&[String]>,
        pending: &[MentionRef],
        actor: &Actor,
    ) -> Result<LedgerChange, TableError> {
        let mut change = LedgerChange::default();
        if note.is_public() {
            for person in &Mentioned::all(note, pending) {
                if let Some(author) = self.author(&person.id, previous, actor) {
                    self.record_mention(note, person, author, previous.is_none(), &mut change)?;
                }
            }
        }
        if !pending.is_empty() {
            self.add_message(
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

    /// The user who added a mention to the note. For a new mention it is the actor, and for an
    /// existing one the actor of its ledger entry. `None` if no person has to be notified. This is
    /// so for an existing mention of the actor, and for an existing mention without a ledger entry,
    /// because its author mentioned themselves.
    fn author<'b>(
        &'b self,
        id: &str,
        previous: Option<&[String]>,
        actor: &'b Actor,
    ) -> Option<&'b Actor> {
        let existed = previous.is_some_and(|previous| previous.iter().any(|known| known == id));
        if !existed {
            return Some(actor);
        }
        let author = &self.entries.get(id)?.actor;
        (actor.actor_id.to_string() != id).then_some(author)
    }

    /// Records a mention, unless the notification was sent, has failed or is being sent. A person
    /// who mentions themselves is not notified, not even of an earlier mention by another user that
    /// is still unverified.
    fn record_mention(
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
            return self.add_notify_message(change, &entry, person);
        };
        match entry.state {
            MentionState::Unverified | MentionState::Dropped => {
                if (entry.state, &entry.actor) != (state, author) {
                    let restarted = entry.restarted(state, author.clone(), self.now);
                    change.actions.push(entry.replace(self.company, &restarted)?);
                    self.add_notify_message(change, &restarted, person)?;
                }
            }
            // A worker may have read the note while it was private, and may be about to drop the
            // notification. This change makes the write of that worker fail.
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

    /// The ledger change for a verification. Launchpad has identified the people of the `verified`
    /// references, and the `invalid` references are not active users. The actor of each
    /// notification is the user who saved the mention.
    pub(super) fn change_for_verification(
        &self,
        note: &Note,
        verified: &[(MentionRef, UserId)],
        invalid: &[MentionRef],
    ) -> Result<LedgerChange, TableError> {
        let mut change = LedgerChange::default();
        let mut recorded = Vec::new();
        for (reference, user) in verified {
            let Some(entry) = self.unverified_entry(reference) else { continue };
            if entry.person != user.to_string() {
                change.actions.push(entry.remove(self.company));
            }
            let notifies = note.is_public() && entry.actor.actor_id != *user;
            if notifies && !recorded.contains(user) {
                let person = Mentioned::verified(*user);
                self.record_mention(note, &person, &entry.actor, false, &mut change)?;
                recorded.push(*user);
            }
        }
        let invalid = invalid.iter().filter_map(|reference| self.unverified_entry(reference));
        change.actions.extend(invalid.map(|entry| entry.remove(self.company)));
        Ok(change)
    }

    fn unverified_entry(&self, reference: &MentionRef) -> Option<&LedgerEntry> {
        let entry = self.entries.get(&reference.id())?;
        (entry.state == MentionState::Unverified).then_some(entry)
    }

    fn add_notify_message(
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
        self.add_message(change, id, &message)
    }

    fn add_message(
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
