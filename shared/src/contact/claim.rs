//! What makes an external id or a first email one contact's: claims, each held by one contact.

use std::collections::{BTreeSet, HashMap};

use super::{
    Contact, Contacts, Departure, Plan, SaveError,
    plan::{Claim, items},
};
use crate::{
    id::ContactId,
    table::{Item, Key, TableError, from_item, to_item},
};

impl Contacts {
    /// Writes a contact as it is to be, with the claims that nobody else holds.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when `old` is not what is stored any more, or a claim was taken
    /// meanwhile.
    pub async fn write(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        departure: Departure,
    ) -> Result<(), SaveError> {
        let moving = self.moving(old, new);
        let holders = self.claim_holders(&moving.all()).await?;
        self.save(new.id, self.plan(old, new, &moving, &holders, departure)?).await
    }

    /// The same for a writer who knows already who holds the claims that the contact could take.
    pub(super) async fn write_knowing(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        known: &HashMap<Key, ContactId>,
        departure: Departure,
    ) -> Result<(), SaveError> {
        let moving = self.moving(old, new);
        let mut holders = self.claim_holders(&moving.given_up).await?;
        let taken = moving.taken.iter();
        holders.extend(taken.filter_map(|key| Some((key.clone(), *known.get(key)?))));
        self.save(new.id, self.plan(old, new, &moving, &holders, departure)?).await
    }

    /// Who holds these claims.
    pub(super) async fn claim_holders(
        &self,
        claims: &[Key],
    ) -> Result<HashMap<Key, ContactId>, TableError> {
        let items = self.table.batch_get(claims, true).await?.into_iter();
        items.map(|(key, item)| Ok((key, from_item::<Claim>(item)?.contact_id))).collect()
    }

    /// Every item of a new contact, for loads past the API into an empty table.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn items(&self, contact: &Contact) -> Result<Vec<Item>, TableError> {
        let mut all = items(&self.company, contact)?;
        for key in self.claims(contact) {
            all.push(to_item(&key, &Claim { contact_id: contact.id })?);
        }
        Ok(all)
    }

    /// The plan, with the claims that the contact gives up and those that it can take: a claim
    /// that another contact holds stays there.
    fn plan(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        moving: &Moving,
        holders: &HashMap<Key, ContactId>,
        departure: Departure,
    ) -> Result<Plan, TableError> {
        let mut plan = Plan::new(&self.company, old, new, departure)?;
        for key in moving.taken.iter().filter(|key| !holders.contains_key(key)) {
            plan.claim(key, new.id)?;
        }
        for key in moving.given_up.iter().filter(|key| holders.get(key) == Some(&new.id)) {
            plan.release(key.clone(), new.id)?;
        }
        Ok(plan)
    }

    fn moving(&self, old: Option<&Contact>, new: &Contact) -> Moving {
        let before = old.map(|old| self.claims(old)).unwrap_or_default();
        let after = self.claims(new);
        Moving {
            taken: after.difference(&before).cloned().collect(),
            given_up: before.difference(&after).cloned().collect(),
        }
    }

    /// The claims that a contact would hold if nobody else did; a deleted one holds none.
    fn claims(&self, contact: &Contact) -> BTreeSet<Key> {
        if !contact.is_live() {
            return BTreeSet::new();
        }
        let company = &self.company;
        let external = contact.external_id.as_ref().map(|id| Key::external_claim(company, id));
        let email = contact.first_email().map(|email| Key::email_claim(company, &email));
        external.into_iter().chain(email).collect()
    }
}

/// The claims that a change moves.
struct Moving {
    taken: Vec<Key>,
    given_up: Vec<Key>,
}

impl Moving {
    fn all(&self) -> Vec<Key> {
        self.taken.iter().chain(&self.given_up).cloned().collect()
    }
}
