//! The mention ledger: it records the notification of each mentioned person, so that a person is
//! notified of a note at most once (SPEC §3, "Notify"; ARCHITECTURE, "The single table").
//!
//! Ledger entries use optimistic locking: an entry is created on the condition that it does not
//! exist, and changed on the condition that it still has the version that was read. If two saves,
//! two workers or two deliveries of a message change an entry at the same time, one of them fails
//! and reads the entry again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Note;
use crate::{
    clock::sortable,
    id::{CompanyId, ContactId, NoteId, UserId},
    notification::NotificationId,
    outbox::{MessageBody, Outgoing, Queue},
    table::{Action, Condition, Due, DueItem, DueKind, Key, TableError, Transaction, to_item},
};

/// The time during which the verification of a mention, or its notification, is retried while
/// Launchpad fails. After this time there are no more retries (SPEC §3).
pub const RETRY_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The time for which a worker holds the lease of a ledger entry while it sends the notification.
/// It is longer than the function's time-out, so a worker has always stopped when its lease ends.
pub const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// The minimum time between two rounds that saves start for one failed notification (SPEC §3).
pub const ROUND_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

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
    /// The notification service refused the notification, or all four attempts failed.
    Failed,
    /// The notification is not sent, because the note was deleted or made private, the mention was
    /// removed from the note, the flag was turned off, or the person has mentioned themselves.
    Dropped,
    /// The notification is not sent, because the person was no longer an active user of the company
    /// when it was due. The note keeps the mention.
    Inactive,
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
    /// The number of rounds of attempts before the current one. A round starts when the message is
    /// moved back from the dead-letter queue, or when a save mentions the person again after the
    /// notification has failed.
    pub round: u32,
    /// The time at which a save last started a round; `None` if no save did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_at: Option<Timestamp>,
    /// Whether the person must be validated before the notification is sent, because the save that
    /// made it necessary did not look the person up.
    #[serde(default)]
    pub validates: bool,
    /// Whether the notification service may have accepted the notification: an attempt got no answer,
    /// or its worker died before it recorded the result. Then no save starts a new round.
    #[serde(default)]
    pub outcome_unknown: bool,
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
            renewed_at: None,
            validates: false,
            outcome_unknown: false,
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
    pub(super) fn restarted(&self, state: MentionState, actor: Actor, now: Timestamp) -> Self {
        Self { actor, since: now, attempts: 0, validates: false, ..self.in_state(state) }
    }

    /// The entry in a new round, in which the notification must be sent. The person may have left
    /// since the mention was saved, so they are validated first.
    #[must_use]
    pub fn new_round(&self, round: u32, now: Timestamp) -> Self {
        let pending = self.in_state(MentionState::Pending);
        Self { round, since: now, attempts: 0, validates: true, ..pending }
    }

    /// The entry in the round that a save starts, because it mentions the person again. `None` if
    /// the last such round started less than [`ROUND_INTERVAL`] ago, or the outcome of the failed
    /// notification is unknown.
    pub(super) fn renewed(&self, now: Timestamp) -> Option<Self> {
        let is_early = self.renewed_at.is_some_and(|last| now < last + ROUND_INTERVAL);
        let refused = !is_early && !self.outcome_unknown;
        refused.then(|| Self {
            renewed_at: Some(now),
            ..self.new_round(self.round.saturating_add(1), now)
        })
    }

    /// The entry as a worker must treat it. If the lease of another worker has ended without a
    /// result, that worker died, and it is unknown whether its call had an effect.
    #[must_use]
    pub fn observed_at(self, now: Timestamp) -> Self {
        let is_abandoned = self.state == MentionState::Sending
            && self.lease_until.is_none_or(|until| until <= now);
        Self { outcome_unknown: self.outcome_unknown || is_abandoned, ..self }
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

    /// The entry after an attempt to which the notification service did not answer, so that it may have
    /// accepted the notification.
    #[must_use]
    pub fn without_answer(&self) -> Self {
        Self { outcome_unknown: true, ..self.clone() }
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

    /// The entry after the person turned out not to be an active user of the company.
    #[must_use]
    pub fn inactive(&self) -> Self {
        self.in_state(MentionState::Inactive)
    }

    /// The action that creates the entry if it does not exist.
    pub(super) fn create(&self, company: &CompanyId) -> Result<Action, TableError> {
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

    pub(super) fn remove(&self, company: &CompanyId) -> Action {
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
        /// The round of attempts to which the message belongs. A message in the dead-letter queue has
        /// the round that starts when it is moved back.
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

impl MessageBody for MentionMessage {
    fn company(&self) -> &CompanyId {
        match self {
            Self::Notify { company, .. } | Self::Verify { company, .. } => company,
        }
    }
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
