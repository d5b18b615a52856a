//! Plans the writes of contacts: which index entries a contact has in addition to its record, and
//! which of them a change adds, updates and deletes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Contact, clean::folded_email, digits, index_entry::IndexEntry, retention, search::index_words,
};
use crate::{
    id::{CompanyId, ContactId},
    outbox::GRACE,
    table::{
        Action, Condition, Due, DueKind, Item, Key, MAX_ACTIONS, Partition, TableError,
        Transaction, attribute, from_item, to_item,
    },
};

/// How long a stale pointer stays in a partition that its contact has left: far longer than a list
/// takes to read its partitions, and longer than the delay of eventually consistent reads.
const KEPT_FOR: SignedDuration = SignedDuration::from_secs(60);

/// How a change treats a contact's pointers in the partitions that the contact leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StalePointers {
    /// The pointers stay for about a minute and contain the new owners. A list reads its partitions
    /// at slightly different moments. Without these pointers, a contact that moves from one
    /// partition to another at that time could be missing from both results. A reader of a stale
    /// pointer checks the current owners of the contact, and the merge of the partitions removes
    /// duplicates.
    Keep,
    /// The pointers are deleted with the change. This variant is for changes of many contacts,
    /// where an additional write for each contact costs more than a list that misses a contact
    /// while it moves.
    Delete,
}

/// The partitions that contain a pointer to the contact.
pub(super) fn partitions(contact: &Contact) -> Vec<Partition> {
    let mut partitions = vec![Partition::All];
    partitions.extend(contact.owner_id.map(Partition::Owner));
    partitions.extend(contact.assignee_id.map(Partition::Assignee));
    if contact.team_owner_ids.is_empty() {
        partitions.push(Partition::Unassigned);
    }
    partitions.extend(contact.team_owner_ids.iter().copied().map(Partition::Team));
    partitions
}

fn pointer_keys(company: &CompanyId, contact: &Contact) -> BTreeSet<Key> {
    let partitions = partitions(contact).into_iter();
    partitions.map(|partition| Key::pointer(company, &partition, contact.id)).collect()
}

/// Returns all index entries of a contact: pointers, look-up items, search words, and the mark of a
/// contact whose team owners a backfill set. The record and the unique keys are not included. A
/// deleted contact has none of these entries, but those of [`retention::items`].
fn index_entries(
    company: &CompanyId,
    contact: &Contact,
) -> Result<BTreeMap<Key, Item>, TableError> {
    if !contact.is_live() {
        return retention::items(company, contact);
    }
    let mut items = BTreeMap::new();
    let id = contact.id;
    let entry = IndexEntry::for_contact(contact);
    let in_company = entry.clone().with_name_key(contact);
    let pointer = in_company.clone().with_words(contact);
    let mut put = |key: Key, value: &IndexEntry| -> Result<(), TableError> {
        let item = to_item(&key, value)?;
        items.insert(key, item);
        Ok(())
    };
    for partition in partitions(contact) {
        // A search of the whole company reads search words instead of pointers.
        let pointer = if partition == Partition::All { &in_company } else { &pointer };
        put(Key::pointer(company, &partition, id), pointer)?;
    }
    for email in &contact.emails {
        put(Key::email(company, &folded_email(email), id), &entry)?;
    }
    for phone in contact.phones.iter().filter_map(|phone| digits(phone)) {
        put(Key::phone(company, &phone.national, id), &entry)?;
    }
    let mut before: Option<(Key, String)> = None;
    for word in index_words(contact) {
        let key = Key::word(company, &word, id);
        let previous = before.take().filter(|(other, _)| other.pk == key.pk);
        let word_before = previous.map(|(_, word)| word);
        put(key.clone(), &IndexEntry { word_before, ..entry.clone() })?;
        before = Some((key, word));
    }
    if contact.is_backfilled() {
        let key = Key::backfilled(company, id);
        items.insert(key.clone(), key.to_attributes());
    }
    Ok(items)
}

/// The record and the index entries of a contact, without its unique keys.
pub(super) fn items(company: &CompanyId, contact: &Contact) -> Result<Vec<Item>, TableError> {
    let record = to_item(&Key::contact(company, contact.id), contact)?;
    Ok(index_entries(company, contact)?.into_values().chain([record]).collect())
}

/// The changes that a write of a contact makes in the table: the record, the unique keys, and the
/// difference between the old and the new index entries.
#[derive(Debug)]
pub struct WritePlan {
    record: Item,
    condition: Condition,
    version: u64,
    kept_until: Timestamp,
    /// Further actions in the transaction that writes the record.
    with_record: Vec<Action>,
    puts: Vec<(Key, Item)>,
    deletes: Vec<Key>,
    /// The stale pointers that are kept, with the new owners.
    kept_pointers: Vec<(Key, Item)>,
}

/// The payload of a due item of the kind [`DueKind::Pointers`]: the keys of the index entries that
/// a write in stages changes, and the keys of stale pointers. The clean-up updates or deletes the
/// items with these keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TouchedKeys {
    pub(super) company: CompanyId,
    pub(super) contact: ContactId,
    pub(super) keys: Vec<Key>,
}

/// The steps in which a plan is written.
#[derive(Debug)]
pub(super) enum Steps {
    /// Only the record changes.
    Record(Item, Condition),
    /// One transaction for all items. If stale pointers are kept, it also writes the due item that
    /// deletes them later.
    Once(Transaction),
    /// Several transactions. The items are consistent after each of them.
    Staged(Box<Stages>),
}

/// The transactions of a change that is too large for a single one.
#[derive(Debug)]
pub(super) struct Stages {
    /// Written first: the due item. It makes the clean-up complete the change after a crash and
    /// delete the stale pointers.
    pub(super) due: Due,
    /// Whether stale pointers are kept, so that the due item stays until the clean-up deletes them.
    pub(super) keeps_pointers: bool,
    /// Written second: the new index entries. They are harmless before the record changes, because
    /// the guard checks every record again.
    pub(super) before: Vec<Transaction>,
    /// Written third: the record, the unique keys, the idempotency record, the stale pointers that
    /// are kept and the deletions of old entries, as many as fit. In this transaction they need no
    /// check of the record, which costs as much as writing it.
    pub(super) record: Transaction,
    /// Written last, if stale pointers are kept: the rest of the stale pointers with the new owners
    /// and of the deletions. If no stale pointers are kept,
    /// [`Contacts::settle`](super::Contacts::settle) updates all touched keys at once and deletes
    /// the due item.
    pub(super) after: Vec<Transaction>,
}

impl WritePlan {
    /// Plans the change from `old` to `new`. If `old` is `None`, the contact is created. A deletion
    /// keeps no index entries.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn new(
        company: &CompanyId,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<Self, TableError> {
        let key = Key::contact(company, new.id);
        let condition = old.map_or(Condition::Absent, |old| Condition::Version(old.version));
        let before = old.map(|old| index_entries(company, old)).transpose()?.unwrap_or_default();
        let after = index_entries(company, new)?;
        let kept = match old {
            Some(old) if stale == StalePointers::Keep && new.is_live() => {
                kept_pointers(company, old, new)?
            }
            _ => BTreeMap::new(),
        };
        let is_kept = |key: &Key| after.contains_key(key) || kept.contains_key(key);
        let deletes = before.keys().filter(|key| !is_kept(key)).cloned().collect();
        let changed = |(key, item): &(Key, Item)| before.get(key) != Some(item);
        Ok(Self {
            record: to_item(&key, new)?,
            condition,
            version: new.version,
            kept_until: kept_until(new),
            with_record: Vec::new(),
            puts: after.into_iter().filter(changed).collect(),
            deletes,
            kept_pointers: kept.into_iter().collect(),
        })
    }

    /// Adds actions to the transaction that writes the record, such as the changes of the contact's
    /// unique keys.
    pub(super) fn add_to_record(&mut self, actions: impl IntoIterator<Item = Action>) {
        self.with_record.extend(actions);
    }

    /// Divides the plan into steps that fit into transactions.
    ///
    /// # Errors
    /// [`TableError`] when the due item cannot be written.
    pub(super) fn steps(
        self,
        company: &CompanyId,
        contact: ContactId,
        now: Timestamp,
    ) -> Result<Steps, TableError> {
        let due = |keys, at| due(company, contact, keys, at);
        let kept = self.kept_pointers.len();
        let others = self.with_record.len() + self.puts.len() + self.deletes.len() + kept;
        if others == 0 {
            return Ok(Steps::Record(self.record, self.condition));
        }
        let mut keys: Vec<Key> = self.kept_pointers.iter().map(|(key, _)| key.clone()).collect();
        // The sum includes the record, and the due item if stale pointers are kept.
        if 1 + others + usize::from(kept > 0) <= MAX_ACTIONS {
            let due = if keys.is_empty() { None } else { Some(due(keys, self.kept_until)?) };
            return Ok(Steps::Once(self.single_transaction(due.as_ref())?));
        }
        keys.extend(self.puts.iter().map(|(key, _)| key.clone()));
        keys.extend(self.deletes.iter().cloned());
        let due = due(keys, now + GRACE)?;
        let guard = Action::Check(Key::contact(company, contact), Condition::Version(self.version));
        Ok(Steps::Staged(Box::new(self.into_stages(due, &guard))))
    }

    fn single_transaction(self, due: Option<&Due>) -> Result<Transaction, TableError> {
        let mut all = Transaction::new();
        all.push(Action::Put(self.record, Some(self.condition)));
        all.extend(self.with_record);
        all.extend(self.puts.into_iter().chain(self.kept_pointers).map(put));
        all.extend(self.deletes.into_iter().map(delete));
        all.extend(due.map(Due::put).transpose()?);
        Ok(all)
    }

    fn into_stages(self, due: Due, guard: &Action) -> Stages {
        let mut record = Transaction::new();
        record.push(Action::Put(self.record, Some(self.condition)));
        record.extend(self.with_record);
        let keeps_pointers = !self.kept_pointers.is_empty();
        let deletes = self.deletes.into_iter().map(delete);
        let mut rest = self.kept_pointers.into_iter().map(put).chain(deletes);
        record.extend(rest.by_ref().take(MAX_ACTIONS - record.len()));
        let after = into_transactions(rest, Some(guard));
        Stages {
            due,
            keeps_pointers,
            before: into_transactions(self.puts.into_iter().map(put), None),
            record,
            after,
        }
    }
}

fn put((_, item): (Key, Item)) -> Action {
    Action::Put(item, None)
}

fn delete(key: Key) -> Action {
    Action::Delete(key, None)
}

/// Creates the due item that makes the clean-up settle these keys at the time `at`.
fn due(
    company: &CompanyId,
    contact: ContactId,
    keys: Vec<Key>,
    at: Timestamp,
) -> Result<Due, TableError> {
    let id = format!("{contact}#{}", uuid::Uuid::new_v4());
    let touched = TouchedKeys { company: company.clone(), contact, keys };
    Due::new(DueKind::Pointers, at, id, &touched)
}

/// Returns the time until which a change of this contact keeps stale pointers: [`KEPT_FOR`] after
/// the change.
fn kept_until(new: &Contact) -> Timestamp {
    new.updated_at + KEPT_FOR
}

/// Returns the stale pointers of a change: those in the partitions that the contact leaves, with
/// the new owners.
fn kept_pointers(
    company: &CompanyId,
    old: &Contact,
    new: &Contact,
) -> Result<BTreeMap<Key, Item>, TableError> {
    let until = Some(kept_until(new));
    let pointer = IndexEntry::for_contact(new).with_name_key(new).with_words(new);
    let pointer = IndexEntry { until, ..pointer };
    let (before, after) = (pointer_keys(company, old), pointer_keys(company, new));
    let left = before.difference(&after);
    left.map(|key| Ok((key.clone(), to_item(key, &pointer)?))).collect()
}

/// Divides actions into transactions. Each transaction starts with `guard`, if there is one.
pub(super) fn into_transactions(
    actions: impl Iterator<Item = Action>,
    guard: Option<&Action>,
) -> Vec<Transaction> {
    let mut transactions: Vec<Transaction> = Vec::new();
    for action in actions {
        let mut current = match transactions.pop() {
            Some(last) if last.len() < MAX_ACTIONS => last,
            full => {
                transactions.extend(full);
                guard.cloned().into_iter().collect()
            }
        };
        current.push(action);
        transactions.push(current);
    }
    transactions
}

/// Returns the actions that bring the touched keys into the state that the current contact requires
/// at the time `at` of the due item. A stale pointer is not deleted if a later change keeps it for
/// longer.
pub(super) fn settling_actions(
    touched: &TouchedKeys,
    now: Option<&Contact>,
    stored: &HashMap<Key, Item>,
    at: Timestamp,
) -> Result<Vec<Action>, TableError> {
    let mut expected = match now {
        Some(contact) => index_entries(&touched.company, contact)?,
        None => BTreeMap::new(),
    };
    let mut actions = Vec::with_capacity(touched.keys.len());
    for key in &touched.keys {
        match (expected.remove(key), stored.get(key)) {
            // Most of the items are already in the right state.
            (Some(item), Some(stored)) if item == *stored => {}
            (None, None) => {}
            (Some(item), _) => actions.push(Action::Put(item, None)),
            (None, Some(item)) => actions.extend(deletion(key, item, at)?),
        }
    }
    Ok(actions)
}

/// Returns the deletion of an item that the contact does not require; `None` for a stale pointer
/// that a later change keeps for longer. The deletion of a stale pointer has its own condition: a
/// change that requires the pointer again writes it without its time.
fn deletion(key: &Key, item: &Item, at: Timestamp) -> Result<Option<Action>, TableError> {
    let entry: IndexEntry = from_item(item.clone())?;
    let condition = match entry.until {
        Some(until) if until > at => return Ok(None),
        Some(until) => Some(Condition::Expression {
            text: "#until = :until".to_owned(),
            names: vec![("#until", "u")],
            values: vec![(":until", attribute(until)?)],
        }),
        None => None,
    };
    Ok(Some(Action::Delete(key.clone(), condition)))
}

/// Whether each of these actions has its own condition, so that the record, whose check costs as
/// much as writing it, need not be checked with them.
pub(super) fn have_conditions(actions: &[Action]) -> bool {
    actions.iter().all(|action| matches!(action, Action::Delete(_, Some(_))))
}

#[cfg(test)]
#[path = "write_plan_tests.rs"]
pub(super) mod tests;
