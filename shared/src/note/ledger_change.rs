//! Decides what a write of a note changes in the mention ledger (SPEC §3, "Notify").

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    MentionRef, Note,
    ledger::{Actor, LedgerEntry, MentionMessage, MentionState},
};
use crate::{
    id::{CompanyId, UserId},
    outbox::{Outgoing, Queue},
    table::{Action, Condition, TableError},
};

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

/// What a save changes about the mentions of a note.
#[derive(Clone, Copy)]
pub(super) struct SavedMentions<'a> {
    /// The user who saves the note.
    pub(super) actor: &'a Actor,
    /// The ids that the note mentioned before the save; `None` if the note was new or private.
    pub(super) previous: Option<&'a [String]>,
    /// The references that could not be verified.
    pub(super) pending: &'a [MentionRef],
    /// The references that the save has looked up, with the active users that they refer to.
    pub(super) validated: &'a [(MentionRef, UserId)],
}

impl SavedMentions<'_> {
    fn is_validated(&self, user: UserId) -> bool {
        self.validated.iter().any(|(_, known)| *known == user)
    }

    fn existed(&self, id: &String) -> bool {
        self.previous.is_some_and(|previous| previous.contains(id))
    }
}

/// A person whom a note mentions.
struct Mentioned {
    /// The id of the person's ledger entry.
    id: String,
    /// The person's SSO UUID; `None` if the mention is not verified.
    user: Option<UserId>,
    /// Whether the person has just been looked up, and is an active user.
    is_validated: bool,
}

impl Mentioned {
    /// All people whom a note mentions, each once.
    fn all(note: &Note, saved: &SavedMentions<'_>) -> Vec<Self> {
        let verified = note.mentioned_user_ids.iter();
        let mut all: Vec<_> = verified
            .map(|user| Self { is_validated: saved.is_validated(*user), ..Self::verified(*user) })
            .collect();
        for id in saved.pending.iter().map(MentionRef::id) {
            if all.iter().all(|known| known.id != id) {
                all.push(Self { id, user: None, is_validated: false });
            }
        }
        all
    }

    fn verified(user: UserId) -> Self {
        Self { id: user.to_string(), user: Some(user), is_validated: true }
    }
}

/// How a mention came into the note.
#[derive(Clone, Copy)]
struct Origin<'a> {
    /// The user who added the mention.
    author: &'a Actor,
    /// Whether the mention was in the note before this save.
    existed: bool,
    /// Whether the user who saves the note is the mentioned person.
    saved_by_person: bool,
}

impl Ledger<'_> {
    /// The ledger change for a save of the note. Every mentioned person is notified, except the
    /// actor and people who were notified before. A private note changes nothing and sends no
    /// notifications.
    pub(super) fn change_for_save(
        &self,
        note: &Note,
        saved: &SavedMentions<'_>,
    ) -> Result<LedgerChange, TableError> {
        let mut change = LedgerChange::default();
        if note.is_public() {
            for person in &Mentioned::all(note, saved) {
                if let Some(origin) = self.origin(person, saved) {
                    self.record_mention(note, person, origin, &mut change)?;
                }
            }
            // These entries were replaced by those of the people's SSO UUIDs.
            let resolved = saved.validated.iter().filter(|(reference, user)| {
                reference.id() != user.to_string() && note.mentioned_user_ids.contains(user)
            });
            let resolved = resolved.filter_map(|(reference, _)| self.unverified_entry(reference));
            change.actions.extend(resolved.map(|entry| entry.remove(self.company)));
        }
        if !saved.pending.is_empty() {
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

    /// How a mention came into the note. The author of a new mention is the actor of the save, and
    /// the author of an existing mention is in its ledger entry. `None` for an existing mention
    /// without a ledger entry, because its author mentioned themselves.
    fn origin<'b>(&'b self, person: &Mentioned, saved: &SavedMentions<'b>) -> Option<Origin<'b>> {
        let is_person = |(reference, user): &&(MentionRef, UserId)| {
            person.user == Some(*user) && reference.id() != person.id
        };
        let unresolved = saved.validated.iter().filter(is_person).map(|(raw, _)| raw);
        let mut unresolved = unresolved.filter(|reference| saved.existed(&reference.id()));
        // A mention that was pending under another id stays the mention of its author.
        let waiting = unresolved.clone().find_map(|reference| self.unverified_entry(reference));
        let existed = saved.existed(&person.id) || unresolved.next().is_some();
        let author = if existed {
            &waiting.or_else(|| self.entries.get(&person.id))?.actor
        } else {
            saved.actor
        };
        let saved_by_person = saved.actor.actor_id.to_string() == person.id;
        Some(Origin { author, existed, saved_by_person })
    }

    /// Records a mention, unless the notification was sent or is being sent. A person who mentions
    /// themselves is not notified, not even of an earlier mention by another user that is still
    /// unverified.
    fn record_mention(
        &self,
        note: &Note,
        person: &Mentioned,
        origin: Origin<'_>,
        change: &mut LedgerChange,
    ) -> Result<(), TableError> {
        let author = origin.author;
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
            let entry = LedgerEntry { validates: !person.is_validated, ..entry };
            change.actions.push(entry.create(self.company)?);
            return self.add_notify_message(change, &entry, person);
        };
        let restarted = LedgerEntry {
            validates: !person.is_validated,
            ..entry.restarted(state, author.clone(), self.now)
        };
        let next = match entry.state {
            // A notification that may have been accepted is not sent again, although the mention
            // was removed or the note was private in the meantime.
            MentionState::Dropped | MentionState::Inactive if entry.outcome_unknown => None,
            // The mention is still the one for which the person was not notified.
            MentionState::Dropped if origin.existed && origin.saved_by_person => None,
            MentionState::Inactive if origin.existed => None,
            MentionState::Unverified | MentionState::Dropped | MentionState::Inactive => {
                Some(restarted).filter(|_| (entry.state, &entry.actor) != (state, author))
            }
            // The mention was removed, or the note was private, and no worker has noticed it.
            MentionState::Pending if !origin.existed && !entry.outcome_unknown => Some(restarted),
            // A worker may have read the note without the mention, and may be about to drop the
            // notification. This check makes the write of that worker fail.
            MentionState::Pending | MentionState::Sending if !origin.existed => {
                let unchanged = Condition::Version(entry.version);
                change.actions.push(Action::Check(entry.key(self.company), unchanged));
                None
            }
            MentionState::Failed if state == MentionState::Pending && !origin.saved_by_person => {
                let renewed = entry.renewed(self.now);
                renewed.map(|next| LedgerEntry { validates: !person.is_validated, ..next })
            }
            MentionState::Pending
            | MentionState::Sending
            | MentionState::Sent
            | MentionState::Failed => None,
        };
        if let Some(next) = next {
            change.actions.push(entry.replace(self.company, &next)?);
            self.add_notify_message(change, &next, person)?;
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
            let Some(entry) = self.waiting_entry(reference) else { continue };
            if entry.person != user.to_string() {
                change.actions.push(entry.remove(self.company));
            }
            let notifies = note.is_public() && entry.actor.actor_id != *user;
            if notifies && !recorded.contains(user) {
                let author = &entry.actor;
                let origin = Origin { author, existed: true, saved_by_person: false };
                self.record_mention(note, &Mentioned::verified(*user), origin, &mut change)?;
                recorded.push(*user);
            }
        }
        let invalid = invalid.iter().filter_map(|reference| self.unverified_entry(reference));
        change.actions.extend(invalid.map(|entry| entry.remove(self.company)));
        Ok(change)
    }

    /// The entry of a reference that has just been verified, if its notification is not sent yet.
    /// A worker drops the notification of an earlier mention while the new one is pending.
    fn waiting_entry(&self, reference: &MentionRef) -> Option<&LedgerEntry> {
        let entry = self.entries.get(&reference.id())?;
        let waits = matches!(entry.state, MentionState::Unverified | MentionState::Dropped);
        waits.then_some(entry)
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
