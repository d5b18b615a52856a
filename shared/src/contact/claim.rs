//! What makes an external id or a first email one contact's: claims, each held by one contact.

use std::collections::{BTreeSet, HashMap};

use super::{Contact, Contacts, Plan, SaveError, plan::items};
use crate::{
    id::ContactId,
    table::{Item, Key, TableError, to_item},
};

impl Contacts {
    /// Writes a contact as it is to be, with the claims that nobody else holds.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when `old` is not what is stored any more.
    pub async fn write(&self, old: Option<&Contact>, new: &Contact) -> Result<(), SaveError> {
        let wanted: Vec<Key> = self.claims(new).into_iter().collect();
        let (holders, _) = self.holders(&wanted).await?;
        let plan = self.plan(old, new, &holders).await?;
        self.save(new.id, plan).await
    }

    /// Every item of a new contact, for loads past the API into an empty table.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn items(&self, contact: &Contact) -> Result<Vec<Item>, TableError> {
        let mut all = items(&self.company, contact)?;
        for key in self.claims(contact) {
            all.push(to_item(&key, &super::plan::Claim { contact_id: contact.id })?);
        }
        Ok(all)
    }

    /// The plan, with the claims that the contact gives up and those that it can take: a claim
    /// that another contact holds stays there.
    pub(super) async fn plan(
        &self,
        old: Option<&Contact>,
        new: &Contact,
        holders: &HashMap<Key, ContactId>,
    ) -> Result<Plan, TableError> {
        let mut plan = Plan::new(&self.company, old, new)?;
        let before = old.map(|old| self.claims(old)).unwrap_or_default();
        let after = self.claims(new);
        for key in after.difference(&before).filter(|key| !holders.contains_key(key)) {
            plan.claim(key, new.id)?;
        }
        let given_up: Vec<Key> = before.difference(&after).cloned().collect();
        if !given_up.is_empty() {
            let (holders, _) = self.holders(&given_up).await?;
            for key in given_up.into_iter().filter(|key| holders.get(key) == Some(&new.id)) {
                plan.release(key, new.id)?;
            }
        }
        Ok(plan)
    }

    /// The claims that a contact would hold if nobody else did.
    fn claims(&self, contact: &Contact) -> BTreeSet<Key> {
        let company = &self.company;
        let external = contact.external_id.as_ref().map(|id| Key::external_claim(company, id));
        let email = contact.first_email().map(|email| Key::email_claim(company, &email));
        external.into_iter().chain(email).collect()
    }
}
