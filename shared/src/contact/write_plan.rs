//! The one planner for writes: where a contact stands in the table besides its record, and what a
//! change moves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Contact, digits, fold, search::index_words};
use crate::{
    access::{Owned, Ownership},
    id::{CompanyId, ContactId, TeamId, UserId},
    outbox::GRACE,
    table::{
        Action, Condition, Due, DueKind, Item, Key, MAX_ACTIONS, Partition, TableError,
        Transaction, attribute, from_item, name_key, to_item,
    },
};

/// How long a pointer lingers in a partition that its contact left: far longer than a list takes to
/// read its partitions, and than reads may lag.
const LINGER: SignedDuration = SignedDuration::from_secs(60);

/// What becomes of a contact's pointers in the partitions that a change takes it out of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StalePointers {
    /// They stay for about a minute, with the new ownership. A list reads its partitions at
    /// slightly different moments; a contact that moves between two of them meanwhile would be in
    /// neither. Who reads a lingering pointer judges it by where the contact is now, and the merge
    /// drops the double.
    Keep,
    /// They go with the change: for changes of many contacts, where a list that misses one that
    /// moves just then matters less than another write for each.
    Delete,
}

/// What stands beside a contact's key in its pointers and search words: who owns it, so that what
/// is out of scope is passed over without reading the contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IndexEntry {
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<UserId>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<UserId>,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) teams: Vec<TeamId>,
    /// Until when the pointer lingers in a partition that the contact left.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
    /// The place in the order by name; pointers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name_key: Option<String>,
    /// The word by which the contact stands before in the same partition of search, so that a
    /// search that comes by both passes over this one; search words only.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(super) word_before: Option<String>,
}

impl IndexEntry {
    fn of(contact: &Contact) -> Self {
        Self {
            owner: contact.owner_id,
            assignee: contact.assignee_id,
            teams: contact.team_owner_ids.clone(),
            until: None,
            name_key: None,
            word_before: None,
        }
    }

    /// The same for a pointer, which has a place in the order by name.
    fn in_lists(mut self, folded_name: &str, id: ContactId) -> Self {
        self.name_key = Some(name_key(folded_name, id));
        self
    }
}

impl Owned for IndexEntry {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner, assignee: self.assignee, teams: &self.teams }
    }
}

/// The items that make an external id or a first email one contact's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct UniqueKey {
    pub(super) contact_id: ContactId,
}

/// The partitions that a contact's pointers stand in.
pub(super) fn partitions(contact: &Contact) -> Vec<Partition> {
    let mut partitions = vec![Partition::All];
    partitions.extend(contact.owner_id.map(Partition::User));
    let assignee = contact.assignee_id.filter(|assignee| contact.owner_id != Some(*assignee));
    partitions.extend(assignee.map(Partition::User));
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

fn folded_name(contact: &Contact) -> String {
    fold(contact.name.as_deref().unwrap_or_default())
}

/// Every item besides the record and its claims: pointers, look-ups, search words. A deleted
/// contact has none.
fn footprint(company: &CompanyId, contact: &Contact) -> Result<BTreeMap<Key, Item>, TableError> {
    let mut items = BTreeMap::new();
    if !contact.is_live() {
        return Ok(items);
    }
    let id = contact.id;
    let folded = folded_name(contact);
    let entry = IndexEntry::of(contact);
    let pointer = entry.clone().in_lists(&folded, id);
    let mut put = |key: Key, value: &IndexEntry| -> Result<(), TableError> {
        let item = to_item(&key, value)?;
        items.insert(key, item);
        Ok(())
    };
    for partition in partitions(contact) {
        put(Key::pointer(company, &partition, id), &pointer)?;
    }
    for email in &contact.emails {
        put(Key::email(company, &email.to_lowercase(), id), &entry)?;
    }
    for phone in contact.phones.iter().filter_map(|phone| digits(phone)) {
        put(Key::phone(company, &phone.lookup, id), &entry)?;
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

/// The record of a contact and everything beside it but its claims.
pub(super) fn items(company: &CompanyId, contact: &Contact) -> Result<Vec<Item>, TableError> {
    let record = to_item(&Key::contact(company, contact.id), contact)?;
    Ok(footprint(company, contact)?.into_values().chain([record]).collect())
}

/// What a change of a contact does to the table.
#[derive(Debug)]
pub struct WritePlan {
    record: Item,
    condition: Condition,
    version: u64,
    lingers_until: Timestamp,
    claims: Vec<Action>,
    puts: Vec<(Key, Item)>,
    deletes: Vec<Key>,
    /// The pointers in partitions that the contact leaves, with its new ownership.
    lingering: Vec<(Key, Item)>,
}

/// What the clean-up must know to put the pointers of a contact in order: every key that a change
/// in stages touched, or where a pointer lingers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Touched {
    pub(super) company: CompanyId,
    pub(super) contact: ContactId,
    pub(super) keys: Vec<Key>,
}

/// A plan as it is carried out.
#[derive(Debug)]
pub(super) enum Steps {
    /// The record alone: nothing else moves.
    Record(Item, Condition),
    /// All at once. Where pointers linger, a due item among it takes them away.
    Once(Transaction),
    /// In stages that are safe at every step.
    Staged(Box<Stages>),
}

/// A change that is too large for one transaction.
#[derive(Debug)]
pub(super) struct Stages {
    /// First: what puts everything in order after a crash, and takes away what lingers.
    pub(super) due: Due,
    /// Then the new pointers, harmless as the guard re-checks every record.
    pub(super) before: Vec<Transaction>,
    /// Then the record.
    pub(super) record: Transaction,
    /// Then, where pointers linger, the old ones get the new ownership and the rest goes. Without
    /// any, all that was touched is settled at once and the due item met.
    pub(super) after: Vec<Transaction>,
}

impl WritePlan {
    /// The plan that turns `old` into `new`; no `old` is a creation. A deletion leaves nothing.
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
        let before = old.map(|old| footprint(company, old)).transpose()?.unwrap_or_default();
        let after = footprint(company, new)?;
        let lingering = match old {
            Some(old) if stale == StalePointers::Keep && new.is_live() => {
                lingering(company, old, new)?
            }
            _ => BTreeMap::new(),
        };
        let stays = |key: &Key| after.contains_key(key) || lingering.contains_key(key);
        let deletes = before.keys().filter(|key| !stays(key)).cloned().collect();
        let changed = |(key, item): &(Key, Item)| before.get(key) != Some(item);
        Ok(Self {
            record: to_item(&key, new)?,
            condition,
            version: new.version,
            lingers_until: lingers_until(new),
            claims: Vec::new(),
            puts: after.into_iter().filter(changed).collect(),
            deletes,
            lingering: lingering.into_iter().collect(),
        })
    }

    /// Takes a claim that nobody holds.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the item cannot be written.
    pub(super) fn claim(&mut self, key: &Key, contact_id: ContactId) -> Result<(), TableError> {
        let item = to_item(key, &UniqueKey { contact_id })?;
        self.claims.push(Action::Put(item, Some(Condition::Absent)));
        Ok(())
    }

    /// Gives up a claim that the contact holds.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the condition cannot be written.
    pub(super) fn release(&mut self, key: Key, contact_id: ContactId) -> Result<(), TableError> {
        let held = Condition::Expression {
            text: "#contact = :contact".to_owned(),
            names: vec![("#contact", "contact_id")],
            values: vec![(":contact", attribute(contact_id)?)],
        };
        self.claims.push(Action::Delete(key, Some(held)));
        Ok(())
    }

    /// Cuts the plan into steps, to be carried out `now`.
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
        let lingering = self.lingering.len();
        let beside = self.claims.len() + self.puts.len() + self.deletes.len() + lingering;
        if beside == 0 {
            return Ok(Steps::Record(self.record, self.condition));
        }
        let mut keys: Vec<Key> = self.lingering.iter().map(|(key, _)| key.clone()).collect();
        // The record, and the due item of what lingers.
        if 1 + beside + usize::from(lingering > 0) <= MAX_ACTIONS {
            let due = if keys.is_empty() { None } else { Some(due(keys, self.lingers_until)?) };
            return Ok(Steps::Once(self.at_once(due.as_ref())?));
        }
        keys.extend(self.puts.iter().map(|(key, _)| key.clone()));
        keys.extend(self.deletes.iter().cloned());
        let due = due(keys, now + GRACE)?;
        let guard = Action::Check(Key::contact(company, contact), Condition::Version(self.version));
        Ok(Steps::Staged(Box::new(self.in_stages(due, &guard))))
    }

    fn at_once(self, due: Option<&Due>) -> Result<Transaction, TableError> {
        let mut all = Transaction::new();
        all.push(Action::Put(self.record, Some(self.condition)));
        all.extend(self.claims);
        all.extend(self.puts.into_iter().chain(self.lingering).map(put));
        all.extend(self.deletes.into_iter().map(delete));
        all.extend(due.map(Due::put).transpose()?);
        Ok(all)
    }

    fn in_stages(self, due: Due, guard: &Action) -> Stages {
        let mut record = Transaction::new();
        record.push(Action::Put(self.record, Some(self.condition)));
        record.extend(self.claims);
        let after = if self.lingering.is_empty() {
            Vec::new()
        } else {
            let rest = self.deletes.into_iter().map(delete);
            in_chunks(self.lingering.into_iter().map(put).chain(rest), Some(guard))
        };
        Stages { due, before: in_chunks(self.puts.into_iter().map(put), None), record, after }
    }
}

fn put((_, item): (Key, Item)) -> Action {
    Action::Put(item, None)
}

fn delete(key: Key) -> Action {
    Action::Delete(key, None)
}

/// What lets the clean-up put these keys in order at a time.
fn due(
    company: &CompanyId,
    contact: ContactId,
    keys: Vec<Key>,
    at: Timestamp,
) -> Result<Due, TableError> {
    let id = format!("{contact}#{}", uuid::Uuid::new_v4());
    let touched = Touched { company: company.clone(), contact, keys };
    Due::new(DueKind::Pointers, at, id, &touched)
}

/// When what a change to this contact leaves behind has lingered long enough.
fn lingers_until(new: &Contact) -> Timestamp {
    new.updated_at + LINGER
}

/// The pointers in the partitions that the change takes the contact out of, with its new ownership.
fn lingering(
    company: &CompanyId,
    old: &Contact,
    new: &Contact,
) -> Result<BTreeMap<Key, Item>, TableError> {
    let until = Some(lingers_until(new));
    let pointer = IndexEntry { until, ..IndexEntry::of(new).in_lists(&folded_name(new), new.id) };
    let (before, after) = (pointer_keys(company, old), pointer_keys(company, new));
    let left = before.difference(&after);
    left.map(|key| Ok((key.clone(), to_item(key, &pointer)?))).collect()
}

/// Actions in transactions, each led by the `guard` if there is one.
pub(super) fn in_chunks(
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

/// What brings the touched keys into the order that the contact, as it is now, asks for at the time
/// that the due item names. A pointer that a later change left to linger for longer stays.
pub(super) fn in_order(
    touched: &Touched,
    now: Option<&Contact>,
    standing: &HashMap<Key, Item>,
    at: Timestamp,
) -> Result<Vec<Action>, TableError> {
    let mut stands = match now {
        Some(contact) => footprint(&touched.company, contact)?,
        None => BTreeMap::new(),
    };
    let mut actions = Vec::with_capacity(touched.keys.len());
    for key in &touched.keys {
        match (stands.remove(key), standing.get(key)) {
            (Some(item), _) => actions.push(Action::Put(item, None)),
            (None, Some(item)) if lingers_past(item, at)? => {}
            (None, _) => actions.push(Action::Delete(key.clone(), None)),
        }
    }
    Ok(actions)
}

fn lingers_past(item: &Item, at: Timestamp) -> Result<bool, TableError> {
    let entry: IndexEntry = from_item(item.clone())?;
    Ok(entry.until.is_some_and(|until| until > at))
}

#[cfg(test)]
#[path = "write_plan_tests.rs"]
pub(super) mod tests;
