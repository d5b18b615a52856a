//! The one planner for writes: where a contact stands in the table besides its record, and what a
//! change moves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Contact, digits, fold, words};
use crate::{
    access::{Owned, Ownership},
    id::{CompanyId, ContactId, TeamId, UserId},
    table::{
        Action, Condition, Due, DueKind, Item, Key, MAX_ACTIONS, Partition, TableError,
        Transaction, attribute, name_key, to_item,
    },
};

/// The characters of a word, and the digits of a phone number, that name a partition of search.
const WORD_PREFIX: usize = 3;
const DIGITS_PREFIX: usize = 6;

/// What stands beside a contact's key in its pointers and search words: who owns it, so that what
/// is out of scope is passed over without reading the contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Satellite {
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<UserId>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<UserId>,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) teams: Vec<TeamId>,
    /// The place in the order by name; pointers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name_key: Option<String>,
}

impl Owned for Satellite {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner, assignee: self.assignee, teams: &self.teams }
    }
}

/// The items that make an external id or a first email one contact's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Claim {
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

/// Every item besides the record and its claims: pointers, look-ups, search words. A deleted
/// contact has none.
fn footprint(company: &CompanyId, contact: &Contact) -> Result<BTreeMap<Key, Item>, TableError> {
    let mut items = BTreeMap::new();
    if contact.deleted_at.is_some() {
        return Ok(items);
    }
    let id = contact.id;
    let folded = fold(contact.name.as_deref().unwrap_or_default());
    let satellite = Satellite {
        owner: contact.owner_id,
        assignee: contact.assignee_id,
        teams: contact.team_owner_ids.clone(),
        name_key: None,
    };
    let pointer = Satellite { name_key: Some(name_key(&folded, id)), ..satellite.clone() };
    let mut put = |key: Key, value: &Satellite| -> Result<(), TableError> {
        let item = to_item(&key, value)?;
        items.insert(key, item);
        Ok(())
    };
    for partition in partitions(contact) {
        put(Key::pointer(company, &partition, id), &pointer)?;
    }
    let mut found_by = words(&folded);
    for email in &contact.emails {
        let lower = email.to_lowercase();
        put(Key::email(company, &lower, id), &satellite)?;
        if lower.chars().count() >= WORD_PREFIX {
            found_by.push(lower.chars().take(64).collect());
        }
    }
    for word in found_by {
        put(Key::word(company, &word, WORD_PREFIX, id), &satellite)?;
    }
    for phone in contact.phones.iter().filter_map(|phone| digits(phone)) {
        put(Key::phone(company, &phone.lookup, id), &satellite)?;
        if phone.national.len() >= WORD_PREFIX {
            put(Key::word(company, &phone.national, DIGITS_PREFIX, id), &satellite)?;
        }
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
pub struct Plan {
    record: Action,
    claims: Vec<Action>,
    puts: Vec<(Key, Item)>,
    deletes: Vec<Key>,
}

/// What the clean-up must know to put the pointers of a contact in order: every key that a change
/// in stages touched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Touched {
    pub(super) company: CompanyId,
    pub(super) contact: ContactId,
    pub(super) keys: Vec<Key>,
}

/// A plan as it is carried out.
#[derive(Debug)]
pub(super) enum Steps {
    /// All at once.
    Once(Transaction),
    /// In stages that are safe at every step: a due item against a crash, the new pointers
    /// (harmless: the guard re-checks every record), the record. Then all that was touched is
    /// settled and the due item met.
    Staged { due: Box<Due>, before: Vec<Transaction>, record: Transaction },
}

impl Plan {
    /// The plan that turns `old` into `new`; no `old` is a creation.
    ///
    /// # Errors
    /// [`TableError::Shape`] when an item cannot be written.
    pub fn new(
        company: &CompanyId,
        old: Option<&Contact>,
        new: &Contact,
    ) -> Result<Self, TableError> {
        let key = Key::contact(company, new.id);
        let condition = old.map_or(Condition::Absent, |old| Condition::Version(old.version));
        let before = old.map(|old| footprint(company, old)).transpose()?.unwrap_or_default();
        let after = footprint(company, new)?;
        let deletes = before.keys().filter(|key| !after.contains_key(key)).cloned().collect();
        let changed = |(key, item): &(Key, Item)| before.get(key) != Some(item);
        Ok(Self {
            record: Action::Put(to_item(&key, new)?, Some(condition)),
            claims: Vec::new(),
            puts: after.into_iter().filter(changed).collect(),
            deletes,
        })
    }

    /// Takes a claim that nobody holds.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the item cannot be written.
    pub(super) fn claim(&mut self, key: &Key, contact_id: ContactId) -> Result<(), TableError> {
        let item = to_item(key, &Claim { contact_id })?;
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

    /// Cuts the plan into transactions. `due_at` is when the clean-up takes a change in stages for
    /// broken off.
    ///
    /// # Errors
    /// [`TableError::Refused`] when the due item cannot be written.
    pub(super) fn steps(
        self,
        touched: impl FnOnce(Vec<Key>) -> Touched,
        due_at: jiff::Timestamp,
    ) -> Result<Steps, TableError> {
        let mut record = Transaction::new();
        record.push(self.record);
        for claim in self.claims {
            record.push(claim);
        }
        if record.len() + self.puts.len() + self.deletes.len() <= MAX_ACTIONS {
            for (_, item) in self.puts {
                record.push(Action::Put(item, None));
            }
            for key in self.deletes {
                record.push(Action::Delete(key, None));
            }
            return Ok(Steps::Once(record));
        }
        let keys = self.puts.iter().map(|(key, _)| key).chain(&self.deletes).cloned().collect();
        let touched = touched(keys);
        let id = format!("{}#{}", touched.contact, uuid::Uuid::new_v4());
        let due = Box::new(Due::new(DueKind::Pointers, due_at, id, &touched)?);
        let puts = self.puts.into_iter().map(|(_, item)| Action::Put(item, None));
        Ok(Steps::Staged { due, before: in_chunks(puts, None), record })
    }
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

/// What brings the touched keys into the order that the contact, as it is now, asks for.
pub(super) fn in_order(
    touched: &Touched,
    now: Option<&Contact>,
) -> Result<Vec<Action>, TableError> {
    let mut stands = match now {
        Some(contact) => footprint(&touched.company, contact)?,
        None => BTreeMap::new(),
    };
    let ordered = touched.keys.iter().map(|key| match stands.remove(key) {
        Some(item) => Action::Put(item, None),
        None => Action::Delete(key.clone(), None),
    });
    Ok(ordered.collect())
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(in crate::contact) fn contact(n: u128) -> Contact {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Contact {
            id: ContactId::from_uuid(Uuid::from_u128(n)),
            external_id: None,
            name: Some("Ann Lee".to_owned()),
            emails: vec![],
            phones: vec![],
            company_name: None,
            owner_id: None,
            owner_name: None,
            assignee_id: None,
            assignee_name: None,
            team_owner_ids: vec![],
            team_owners_from: None,
            tags: vec![],
            source: None,
            custom_fields: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
            version: 1,
            deleted_at: None,
        }
    }

    fn company() -> CompanyId {
        "acme".parse().unwrap()
    }

    fn any_contact() -> impl Strategy<Value = Contact> {
        let user = || proptest::option::of((1..4u128).prop_map(Uuid::from_u128));
        let teams = proptest::collection::btree_set(1..150u128, 0..100);
        let emails = proptest::collection::vec("[a-z]{1,8}@[a-z]{1,5}\\.id", 0..5);
        ("[A-Za-z ]{0,60}", emails, user(), user(), teams).prop_map(
            |(name, emails, owner, assignee, teams)| Contact {
                name: Some(name),
                emails,
                owner_id: owner.map(UserId::from_uuid),
                assignee_id: assignee.map(UserId::from_uuid),
                team_owner_ids: teams
                    .into_iter()
                    .map(|n| TeamId::from_uuid(Uuid::from_u128(n)))
                    .collect(),
                ..contact(7)
            },
        )
    }

    /// Carries actions out on a set of keys, as the table would.
    fn apply(keys: &mut BTreeSet<Key>, transaction: Transaction) {
        assert!(transaction.len() <= MAX_ACTIONS);
        for action in transaction.into_actions() {
            match action {
                Action::Put(item, _) => drop(keys.insert(Key::of(&item).unwrap())),
                Action::Delete(key, _) => drop(keys.remove(&key)),
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn a_change_of_any_size_leaves_the_new_footprint_and_nothing_else(
            old in any_contact(), new in any_contact()
        ) {
            let company = company();
            let before: BTreeSet<Key> = footprint(&company, &old).unwrap().into_keys().collect();
            let wanted: BTreeSet<Key> = footprint(&company, &new).unwrap().into_keys().collect();
            let record_key = Key::contact(&company, new.id);
            let touched =
                |keys| Touched { company: company.clone(), contact: new.id, keys };
            let plan = Plan::new(&company, Some(&old), &new).unwrap();
            let mut keys = before.clone();
            match plan.steps(touched, new.updated_at).unwrap() {
                Steps::Once(all) => apply(&mut keys, all),
                Steps::Staged { due, before: puts, record } => {
                    for transaction in puts {
                        apply(&mut keys, transaction);
                    }
                    // The record changes only when every new pointer stands and none is gone.
                    prop_assert!(keys.is_superset(&before) && keys.is_superset(&wanted));
                    apply(&mut keys, record);
                    let settling = in_order(&due.payload().unwrap(), Some(&new)).unwrap();
                    for transaction in in_chunks(settling.into_iter(), None) {
                        apply(&mut keys, transaction);
                    }
                }
            }
            keys.remove(&record_key);
            prop_assert_eq!(keys, wanted);
        }
    }

    #[test]
    fn a_change_that_moves_no_pointer_is_one_write() {
        let old = contact(1);
        let new = Contact { source: Some("fair".to_owned()), version: 2, ..old.clone() };
        let plan = Plan::new(&company(), Some(&old), &new).unwrap();
        assert!(plan.puts.is_empty() && plan.deletes.is_empty());
    }
}
