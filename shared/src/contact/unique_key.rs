//! Unique keys: each external id and each first email address of live contacts has one owner, so
//! that `sync` finds at most one contact for a key.
//!
//! Several contacts can have the same value, because `POST` and `PATCH` allow it. Then one of them
//! owns the key, and each of the others has a *waiting item* in the partition of the key. A contact
//! that loses the value or is deleted hands the key over to the waiting contact with the lowest id,
//! which is the oldest one. So a key exists as long as any live contact has its value, and `sync`
//! creates a contact only if the key does not exist.
//!
//! Key items and waiting items change only in the transaction that changes the contact's record.
//! The conditions of these changes keep this invariant under concurrent writes:
//!
//! - A contact that finds an owned key raises the version of the key and writes its waiting item. A
//!   contact that deletes a key requires that its version has not changed since it looked for
//!   waiting items.
//! - A contact that hands a key over deletes the waiting item of the next owner, and a contact that
//!   stops waiting deletes its own. Both require that the item exists.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Contact, ContactInput, Contacts, SaveError, StalePointers, WritePlan, clean::folded_email,
    write_plan::items,
};
use crate::{
    id::ContactId,
    table::{
        Action, Attempt, Condition, Item, Key, Query, TableError, attribute, from_item, retry,
        to_item,
    },
};

/// The item of a unique key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct UniqueKey {
    /// The contact that owns the key.
    contact_id: ContactId,
    /// Raised by each contact that starts to wait for the key. It is 1 if none ever did.
    version: u64,
}

impl UniqueKey {
    fn new(contact_id: ContactId) -> Self {
        Self { contact_id, version: 1 }
    }
}

/// The unique keys and contacts that were read at one time.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// The keys that were read. The value is `None` if no contact owns the key.
    keys: HashMap<Key, Option<UniqueKey>>,
    contacts: HashMap<ContactId, Contact>,
}

impl Matches {
    /// Returns the live contact that owns the key.
    pub(super) fn owner(&self, key: &Key) -> Option<&Contact> {
        let key = (*self.keys.get(key)?)?;
        self.contacts.get(&key.contact_id)
    }

    /// Returns the live contact with this id.
    pub(super) fn contact(&self, id: ContactId) -> Option<&Contact> {
        self.contacts.get(&id)
    }
}

impl Contacts {
    /// Writes a contact in its new state, with its unique keys. Writes nothing if `new` is equal to
    /// `old`.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when the stored contact is no longer `old`, or another request has
    /// changed one of the unique keys.
    pub async fn write(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        self.write_with((&Matches::default(), Vec::new()), old, new, stale).await
    }

    /// Like [`Contacts::write`], for a caller that has already read some of the unique keys, and
    /// with further `actions` in the transaction that writes the record.
    pub(super) async fn write_with(
        &self,
        (known, actions): (&Matches, Vec<Action>),
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        if old == Some(new) {
            return Ok(());
        }
        let keys = self.key_actions(known, old, new).await?;
        let mut plan = WritePlan::new(&self.company, old, new, stale)?;
        plan.add_to_record(keys.into_iter().chain(actions));
        self.save(new.id, plan).await
    }

    /// Reads the owners of these unique keys and the contacts with these ids. Deleted contacts are
    /// left out. The keys and the records are read one after the other; if an owner has lost its
    /// key in between, they are read again.
    ///
    /// # Errors
    /// [`TableError::Contention`] when the owners of the keys keep changing.
    pub(super) async fn matches(
        &self,
        keys: &[Key],
        ids: &[ContactId],
    ) -> Result<Matches, TableError> {
        retry("the unique keys", async || {
            let records = ids.iter().map(|id| Key::contact(&self.company, *id));
            let wanted: Vec<Key> = keys.iter().cloned().chain(records).collect();
            let mut items = self.table.batch_get(&wanted, true).await?;
            let found = parsed(keys, &mut items)?;
            let mut contacts: HashMap<ContactId, Contact> = items
                .into_values()
                .map(|item| from_item::<Contact>(item).map(|contact| (contact.id, contact)))
                .collect::<Result<_, _>>()?;
            let owners: HashSet<ContactId> =
                found.values().flatten().map(|key| key.contact_id).collect();
            let unread: Vec<&ContactId> =
                owners.iter().filter(|id| !contacts.contains_key(id)).collect();
            contacts.extend(self.records(unread, true).await?);
            contacts.retain(|_, contact| contact.is_live());
            let is_owned = |(key, stored): (&Key, &Option<UniqueKey>)| {
                let has_key = |contact| self.unique_keys(contact).contains(key);
                stored.is_none_or(|stored| contacts.get(&stored.contact_id).is_some_and(has_key))
            };
            if !found.iter().all(is_owned) {
                return Ok(Attempt::Conflict);
            }
            Ok(Attempt::Done(Matches { keys: found, contacts }))
        })
        .await
    }

    /// The names of the fields whose unique key another contact owns.
    pub(super) async fn fields_with_taken_key(
        &self,
        contact: &Contact,
    ) -> Result<Vec<&'static str>, TableError> {
        let external_id = self.unique_keys_for(contact.external_id.as_ref(), None);
        let email = self.unique_keys_for(None, contact.emails.first());
        let keys: Vec<Key> = external_id.union(&email).cloned().collect();
        let stored = parsed(&keys, &mut self.table.batch_get(&keys, true).await?)?;
        let is_taken = |keys: &BTreeSet<Key>| {
            let mut stored = keys.iter().filter_map(|key| stored.get(key).copied().flatten());
            stored.any(|stored| stored.contact_id != contact.id)
        };
        let fields = [("external_id", &external_id), ("emails", &email)];
        Ok(fields.into_iter().filter(|(_, keys)| is_taken(keys)).map(|(name, _)| name).collect())
    }

    /// Returns all items of a new contact, for programs that load contacts into an empty table
    /// without the API. No other contact may have the same external id or first email address.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn items(&self, contact: &Contact) -> Result<Vec<Item>, TableError> {
        let mut all = items(&self.company, contact)?;
        for key in self.unique_keys(contact) {
            all.push(to_item(&key, &UniqueKey::new(contact.id))?);
        }
        Ok(all)
    }

    /// Returns the changes of unique keys that belong to a change of a contact.
    async fn key_actions(
        &self,
        known: &Matches,
        old: Option<&Contact>,
        new: &Contact,
    ) -> Result<Vec<Action>, TableError> {
        let before = old.map(|old| self.unique_keys(old)).unwrap_or_default();
        let after = self.unique_keys(new);
        let changed: Vec<&Key> = before.symmetric_difference(&after).collect();
        let is_unread = |key: &&&Key| !known.keys.contains_key(**key);
        let unread: Vec<Key> = changed.iter().filter(is_unread).copied().cloned().collect();
        let read = parsed(&unread, &mut self.table.batch_get(&unread, true).await?)?;
        let mut actions = Vec::new();
        for key in changed {
            let stored = known.keys.get(key).or_else(|| read.get(key)).copied().flatten();
            if after.contains(key) {
                actions.extend(take_or_wait(key, stored, new.id)?);
            } else if let Some(stored) = stored {
                actions.extend(self.leave(key, stored, new.id).await?);
            }
            // A contact whose key does not exist was changed since it was read. The condition on
            // its version stops this write.
        }
        Ok(actions)
    }

    /// Returns the actions with which a contact gives up a key: it stops waiting, hands the key
    /// over to the contact that waits for it and has the lowest id, or deletes the key.
    async fn leave(
        &self,
        key: &Key,
        stored: UniqueKey,
        id: ContactId,
    ) -> Result<Vec<Action>, TableError> {
        if stored.contact_id != id {
            return Ok(vec![Action::Delete(Key::waiting(key, id), Some(Condition::Present))]);
        }
        let has_waited = stored.version > 1;
        let next = if has_waited { self.first_waiting(key).await? } else { None };
        let Some(next) = next else {
            let is_unchanged = Condition::Expression {
                text: "#owner = :me AND #version = :version".to_owned(),
                names: vec![("#owner", "contact_id"), ("#version", "version")],
                values: vec![(":me", attribute(id)?), (":version", attribute(stored.version)?)],
            };
            return Ok(vec![Action::Delete(key.clone(), Some(is_unchanged))]);
        };
        let is_owner = Condition::Expression {
            text: "#owner = :me".to_owned(),
            names: vec![("#owner", "contact_id")],
            values: vec![(":me", attribute(id)?)],
        };
        let hand_over = Action::Update {
            key: key.clone(),
            update: "SET #owner = :next".to_owned(),
            names: vec![("#owner", "contact_id")],
            values: vec![(":next", attribute(next)?)],
            condition: Some(is_owner),
        };
        Ok(vec![hand_over, Action::Delete(Key::waiting(key, next), Some(Condition::Present))])
    }

    /// Returns the waiting contact with the lowest id.
    async fn first_waiting(&self, key: &Key) -> Result<Option<ContactId>, TableError> {
        Ok(self.waiting(key, 2).await?.into_iter().next())
    }

    /// Returns up to `limit` contacts that wait for the key, the oldest first. The limit includes
    /// the item of the key itself.
    pub(super) async fn waiting(
        &self,
        key: &Key,
        limit: i32,
    ) -> Result<Vec<ContactId>, TableError> {
        let partition = Query::partition(key.pk.clone());
        let page = self.table.query(&Query { limit, consistent: true, ..partition }).await?;
        Ok(page.items.iter().filter_map(|item| Key::from_item(item)?.sk.parse().ok()).collect())
    }

    /// Returns the unique keys of the values in a request. `sync` uses them to find the contact of
    /// a row.
    pub(super) fn named_unique_keys(&self, input: &ContactInput) -> BTreeSet<Key> {
        let email = input.emails.value().and_then(|emails| emails.first());
        self.unique_keys_for(input.external_id.value(), email)
    }

    /// Returns the unique keys of a contact's current values. The contact owns each of them or
    /// waits for it. A deleted contact has no unique keys.
    pub(super) fn unique_keys(&self, contact: &Contact) -> BTreeSet<Key> {
        if !contact.is_live() {
            return BTreeSet::new();
        }
        self.unique_keys_for(contact.external_id.as_ref(), contact.emails.first())
    }

    pub(super) fn unique_keys_for(
        &self,
        external_id: Option<&String>,
        first_email: Option<&String>,
    ) -> BTreeSet<Key> {
        let company = &self.company;
        let external = external_id.map(|id| Key::unique_external_id(company, id));
        let email = first_email.map(|email| Key::unique_first_email(company, &folded_email(email)));
        external.into_iter().chain(email).collect()
    }
}

/// Returns the actions with which a contact takes a key that no contact owns, or starts to wait for
/// a key that another contact owns.
fn take_or_wait(
    key: &Key,
    stored: Option<UniqueKey>,
    id: ContactId,
) -> Result<Vec<Action>, TableError> {
    if stored.is_none() {
        let item = to_item(key, &UniqueKey::new(id))?;
        return Ok(vec![Action::Put(item, Some(Condition::Absent))]);
    }
    let raise_version = Action::Update {
        key: key.clone(),
        update: "SET #version = #version + :one".to_owned(),
        names: vec![("#version", "version")],
        values: vec![(":one", attribute(1)?)],
        condition: Some(Condition::Present),
    };
    Ok(vec![raise_version, Action::Put(Key::waiting(key, id).to_attributes(), None)])
}

/// Takes the items of these unique keys out of the items that were read.
fn parsed(
    keys: &[Key],
    items: &mut HashMap<Key, Item>,
) -> Result<HashMap<Key, Option<UniqueKey>>, TableError> {
    let mut found = HashMap::with_capacity(keys.len());
    for key in keys {
        if !found.contains_key(key) {
            found.insert(key.clone(), items.remove(key).map(from_item).transpose()?);
        }
    }
    Ok(found)
}
