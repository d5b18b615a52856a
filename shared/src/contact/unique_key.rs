//! What makes an external id or a first email one contact's: claims, each held by one contact.

use std::collections::{BTreeSet, HashMap};

use super::{
    Contact, ContactInput, Contacts, SaveError, StalePointers, WritePlan,
    write_plan::{UniqueKey, items},
};
use crate::{
    id::ContactId,
    table::{Item, Key, TableError, from_item, to_item},
};

/// Who holds claims, and the contacts that hold them.
pub(super) type Holders = (HashMap<Key, ContactId>, HashMap<ContactId, Contact>);

impl Contacts {
    /// Writes a contact as it is to be, with the claims that come to it and nobody holds.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when `old` is not what is stored any more, or a claim was taken
    /// meanwhile.
    pub async fn write(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let before = old.map(|old| self.claims(old)).unwrap_or_default();
        let coming = &self.claims(new) - &before;
        self.write_naming(&coming, old, new, stale).await
    }

    /// The same for a change that names claims: the contact takes those that nobody holds, also one
    /// that it bore before. Another contact may have held that then and be gone by now.
    pub(super) async fn write_naming(
        &self,
        named: &BTreeSet<Key>,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let moving = self.moving(named, old, new);
        let holders = self.claim_holders(&moving.all()).await?;
        self.write_moving(moving, &holders, old, new, stale).await
    }

    /// The same for a writer who knows already who holds the claims that the change names.
    pub(super) async fn write_knowing(
        &self,
        (named, known): (&BTreeSet<Key>, &HashMap<Key, ContactId>),
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let moving = self.moving(named, old, new);
        let mut holders = self.claim_holders(&moving.given_up).await?;
        let wanted = moving.wanted.iter();
        holders.extend(wanted.filter_map(|key| Some((key.clone(), *known.get(key)?))));
        self.write_moving(moving, &holders, old, new, stale).await
    }

    /// Who holds these claims, and the contacts that hold them, as they are now. A contact that was
    /// deleted between the two reads holds nothing any more.
    pub(super) async fn holders(&self, claims: &[Key]) -> Result<Holders, TableError> {
        let mut holders = self.claim_holders(claims).await?;
        let mut records = self.records(holders.values(), true).await?;
        records.retain(|_, contact| contact.is_live());
        holders.retain(|_, id| records.contains_key(id));
        Ok((holders, records))
    }

    async fn claim_holders(&self, claims: &[Key]) -> Result<HashMap<Key, ContactId>, TableError> {
        let items = self.table.batch_get(claims, true).await?.into_iter();
        items.map(|(key, item)| Ok((key, from_item::<UniqueKey>(item)?.contact_id))).collect()
    }

    /// Every item of a new contact, for loads past the API into an empty table.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn items(&self, contact: &Contact) -> Result<Vec<Item>, TableError> {
        let mut all = items(&self.company, contact)?;
        for key in self.claims(contact) {
            all.push(to_item(&key, &UniqueKey { contact_id: contact.id })?);
        }
        Ok(all)
    }

    /// Writes the contact, with the claims that it gives up and those that it can take: a claim
    /// that another contact holds stays there. Where nothing changes and nothing can be taken,
    /// nothing is written.
    async fn write_moving(
        &self,
        moving: Moving,
        holders: &HashMap<Key, ContactId>,
        old: Option<&Contact>,
        new: &Contact,
        stale: StalePointers,
    ) -> Result<(), SaveError> {
        let Moving { mut wanted, given_up } = moving;
        wanted.retain(|key| !holders.contains_key(key));
        if old == Some(new) && wanted.is_empty() {
            return Ok(());
        }
        let mut plan = WritePlan::new(&self.company, old, new, stale)?;
        for key in &wanted {
            plan.claim(key, new.id)?;
        }
        for key in given_up.into_iter().filter(|key| holders.get(key) == Some(&new.id)) {
            plan.release(key, new.id)?;
        }
        self.save(new.id, plan).await
    }

    fn moving(&self, named: &BTreeSet<Key>, old: Option<&Contact>, new: &Contact) -> Moving {
        let before = old.map(|old| self.claims(old)).unwrap_or_default();
        let after = self.claims(new);
        Moving {
            wanted: after.intersection(named).cloned().collect(),
            given_up: before.difference(&after).cloned().collect(),
        }
    }

    /// The claims that a request names: what `sync` knows a contact by.
    pub(super) fn named_claims(&self, input: &ContactInput) -> BTreeSet<Key> {
        let email = input.emails.value().and_then(|emails| emails.first());
        self.claim_keys(input.external_id.value(), email)
    }

    /// The claims that a contact would hold if nobody else did; a deleted one holds none.
    fn claims(&self, contact: &Contact) -> BTreeSet<Key> {
        if !contact.is_live() {
            return BTreeSet::new();
        }
        self.claim_keys(contact.external_id.as_ref(), contact.emails.first())
    }

    fn claim_keys(
        &self,
        external_id: Option<&String>,
        first_email: Option<&String>,
    ) -> BTreeSet<Key> {
        let company = &self.company;
        let external = external_id.map(|id| Key::external_claim(company, id));
        let email = first_email.map(|email| Key::email_claim(company, email));
        external.into_iter().chain(email).collect()
    }
}

/// The claims that a change can move.
struct Moving {
    /// To be taken where nobody holds them.
    wanted: Vec<Key>,
    given_up: Vec<Key>,
}

impl Moving {
    fn all(&self) -> Vec<Key> {
        self.wanted.iter().chain(&self.given_up).cloned().collect()
    }
}
