//! Finds contacts that already have the values of a new contact, for the warning
//! `POSSIBLE_DUPLICATE` (SPEC §2, "Create, change, delete").

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::{Contact, Contacts, clean::folded_email};
use crate::{
    access::Scope,
    id::ContactId,
    table::{Direction, Key, Query, TableError, email_partition},
};

/// The maximum number of look-up items that are read for one value.
const MAX_ITEMS: i32 = 10;
/// The maximum number of contacts that a warning names.
const MAX_NAMED: usize = 5;

impl Contacts {
    /// Returns up to 5 contacts in scope that have an email address or the external id of this
    /// contact, the newest first. For each value, at most 10 look-up items are read.
    pub(super) async fn possible_duplicates(
        &self,
        contact: &Contact,
        scope: &Scope,
    ) -> Result<Vec<ContactId>, TableError> {
        let emails = contact.emails.iter().map(|email| self.with_email(folded_email(email)));
        let external = contact.external_id.as_ref();
        let external = external.map(|id| Key::unique_external_id(&self.company, id));
        let (by_email, by_id) = tokio::try_join!(try_join_all(emails), async {
            match &external {
                Some(key) => self.with_unique_key(key).await,
                None => Ok(Vec::new()),
            }
        })?;
        let ids: BTreeSet<ContactId> =
            by_email.into_iter().flatten().chain(by_id).filter(|id| *id != contact.id).collect();
        let records = self.records(&ids, true).await?;
        let is_duplicate = |id: &&ContactId| {
            records.get(id).is_some_and(|other| {
                other.is_live() && scope.admits(other) && have_common_value(contact, other)
            })
        };
        Ok(ids.iter().rev().filter(is_duplicate).take(MAX_NAMED).copied().collect())
    }

    /// The newest contacts with this email address.
    async fn with_email(&self, folded: String) -> Result<Vec<ContactId>, TableError> {
        let query = Query {
            direction: Direction::Descending,
            limit: MAX_ITEMS,
            consistent: true,
            ..Query::partition(email_partition(&self.company, &folded))
        };
        let page = self.table.query(&query).await?;
        Ok(page.items.iter().filter_map(|item| Key::from_item(item)?.sk.parse().ok()).collect())
    }

    /// The contact that owns a unique key, and the contacts that wait for it.
    async fn with_unique_key(&self, key: &Key) -> Result<Vec<ContactId>, TableError> {
        let (owner, waiting) = tokio::try_join!(
            self.matches(std::slice::from_ref(key), &[]),
            self.waiting(key, MAX_ITEMS)
        )?;
        Ok(owner.owner(key).map(|owner| owner.id).into_iter().chain(waiting).collect())
    }
}

fn have_common_value(contact: &Contact, other: &Contact) -> bool {
    let emails = |contact: &Contact| -> BTreeSet<String> {
        contact.emails.iter().map(|email| folded_email(email)).collect()
    };
    (contact.external_id.is_some() && contact.external_id == other.external_id)
        || !emails(contact).is_disjoint(&emails(other))
}
