//! Unique keys: each external id and each first email address is owned by at most one contact, so
//! that `sync` finds at most one contact for a key.

use std::collections::{BTreeSet, HashMap};

use super::{
    Contact, ContactInput, Contacts, SaveError, StalePointers, WritePlan,
    write_plan::{UniqueKey, items},
};
use crate::{
    id::ContactId,
    table::{Item, Key, TableError, from_item, to_item},
};

/// Two maps: from each unique key to the id of the contact that owns it, and from that id to the
/// contact.
pub(super) type UniqueKeyOwners = (HashMap<Key, ContactId>, HashMap<ContactId, Contact>);

impl Contacts {
    /// Writes a contact in its new state. The contact also takes the unique keys of its new values,
    /// if no contact owns these keys.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when the stored contact is no longer `old`, or another contact has
    /// taken one of the unique keys.
    pub async fn write(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let before = old.map(|old| self.unique_keys(old)).unwrap_or_default();
        let added = &self.unique_keys(new) - &before;
        self.write_with_named_keys(&added, old, new, stale).await
    }

    /// Like [`Contacts::write`], for a change whose request contains the unique keys `named`. The
    /// contact takes each of these keys that no contact owns, even if the contact already had the
    /// value: another contact may have owned the key when the value was set, and may have been
    /// deleted since.
    pub(super) async fn write_with_named_keys(
        &self,
        named: &BTreeSet<Key>,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let changes = self.changes(named, old, new);
        let owners = self.owner_ids(&changes.all()).await?;
        self.write_key_changes(changes, &owners, old, new, stale).await
    }

    /// Like [`Contacts::write_with_named_keys`], for a caller that has already read the owners of
    /// these unique keys.
    pub(super) async fn write_with_known_owners(
        &self,
        (named, known): (&BTreeSet<Key>, &HashMap<Key, ContactId>),
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let changes = self.changes(named, old, new);
        let mut owners = self.owner_ids(&changes.released).await?;
        let wanted = changes.wanted.iter();
        owners.extend(wanted.filter_map(|key| Some((key.clone(), *known.get(key)?))));
        self.write_key_changes(changes, &owners, old, new, stale).await
    }

    /// Reads the current owners of these unique keys and their records. A contact that was deleted
    /// between these two reads is left out.
    pub(super) async fn unique_key_owners(
        &self,
        keys: &[Key],
    ) -> Result<UniqueKeyOwners, TableError> {
        let mut owners = self.owner_ids(keys).await?;
        let mut records = self.records(owners.values(), true).await?;
        records.retain(|_, contact| contact.is_live());
        owners.retain(|_, id| records.contains_key(id));
        Ok((owners, records))
    }

    /// The names of the fields whose unique key another contact owns.
    pub(super) async fn fields_with_taken_key(
        &self,
        contact: &Contact,
    ) -> Result<Vec<&'static str>, TableError> {
        let external_id = self.unique_keys_for(contact.external_id.as_ref(), None);
        let email = self.unique_keys_for(None, contact.emails.first());
        let keys: Vec<Key> = external_id.union(&email).cloned().collect();
        let owners = self.owner_ids(&keys).await?;
        let is_taken = |keys: &BTreeSet<Key>| {
            keys.iter().filter_map(|key| owners.get(key)).any(|owner| *owner != contact.id)
        };
        let fields = [("external_id", &external_id), ("emails", &email)];
        Ok(fields.into_iter().filter(|(_, keys)| is_taken(keys)).map(|(name, _)| name).collect())
    }

    async fn owner_ids(&self, keys: &[Key]) -> Result<HashMap<Key, ContactId>, TableError> {
        let items = self.table.batch_get(keys, true).await?.into_iter();
        items.map(|(key, item)| Ok((key, from_item::<UniqueKey>(item)?.contact_id))).collect()
    }

    /// Returns all items of a new contact, for programs that load contacts into an empty table
    /// without the API.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn items(&self, contact: &Contact) -> Result<Vec<Item>, TableError> {
        let mut all = items(&self.company, contact)?;
        for key in self.unique_keys(contact) {
            all.push(to_item(&key, &UniqueKey { contact_id: contact.id })?);
        }
        Ok(all)
    }

    /// Writes the contact, releases the unique keys that it no longer has, and takes the wanted
    /// keys that no contact owns. A key that another contact owns stays with that contact. Writes
    /// nothing if neither the contact nor its keys change.
    async fn write_key_changes(
        &self,
        changes: KeyChanges,
        owners: &HashMap<Key, ContactId>,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let KeyChanges { mut wanted, released } = changes;
        wanted.retain(|key| !owners.contains_key(key));
        if old == Some(new) && wanted.is_empty() {
            return Ok(());
        }
        let mut plan = WritePlan::new(&self.company, old, new, stale)?;
        for key in &wanted {
            plan.take_unique_key(key, new.id)?;
        }
        for key in released.into_iter().filter(|key| owners.get(key) == Some(&new.id)) {
            plan.release_unique_key(key, new.id)?;
        }
        self.save(new.id, plan).await
    }

    fn changes(&self, named: &BTreeSet<Key>, old: Option<&Contact>, new: &Contact) -> KeyChanges {
        let before = old.map(|old| self.unique_keys(old)).unwrap_or_default();
        let after = self.unique_keys(new);
        KeyChanges {
            wanted: after.intersection(named).cloned().collect(),
            released: before.difference(&after).cloned().collect(),
        }
    }

    /// Returns the unique keys of the values in a request. `sync` uses them to find the contact of
    /// a row.
    pub(super) fn named_unique_keys(&self, input: &ContactInput) -> BTreeSet<Key> {
        let email = input.emails.value().and_then(|emails| emails.first());
        self.unique_keys_for(input.external_id.value(), email)
    }

    /// Returns the unique keys of a contact's current values. The contact owns each of them, unless
    /// another contact took the key first. A deleted contact has no unique keys.
    fn unique_keys(&self, contact: &Contact) -> BTreeSet<Key> {
        if !contact.is_live() {
            return BTreeSet::new();
        }
        self.unique_keys_for(contact.external_id.as_ref(), contact.emails.first())
    }

    fn unique_keys_for(
        &self,
        external_id: Option<&String>,
        first_email: Option<&String>,
    ) -> BTreeSet<Key> {
        let company = &self.company;
        let external = external_id.map(|id| Key::unique_external_id(company, id));
        let email = first_email.map(|email| Key::unique_first_email(company, email));
        external.into_iter().chain(email).collect()
    }
}

/// The unique keys that a change of a contact affects.
struct KeyChanges {
    /// The keys to take, unless another contact owns them.
    wanted: Vec<Key>,
    /// The keys to release, if the contact owns them.
    released: Vec<Key>,
}

impl KeyChanges {
    fn all(&self) -> Vec<Key> {
        self.wanted.iter().chain(&self.released).cloned().collect()
    }
}
