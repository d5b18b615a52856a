use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    contact::index_entry::EntryOwners,
    id::{TeamId, UserId},
};

pub(in crate::contact) fn contact(n: u128) -> Contact {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    Contact {
        name: Some("Ann Lee".to_owned()),
        ..Contact::new(ContactId::from_uuid(Uuid::from_u128(n)), now)
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

/// The items of a table. It applies actions as DynamoDB does, but it does not check versions.
type Items = BTreeMap<Key, Item>;

fn apply(items: &mut Items, transaction: Transaction) {
    assert!(transaction.len() <= MAX_ACTIONS);
    for action in transaction.into_actions() {
        match action {
            Action::Put(item, _) => drop(items.insert(Key::from_item(&item).unwrap(), item)),
            Action::Delete(key, _) => drop(items.remove(&key)),
            Action::Check(..) => {}
            other @ Action::Update { .. } => panic!("{other:?}"),
        }
    }
}

fn settle(items: &mut Items, due: &Due, now: &Contact) {
    let stored = items.clone().into_iter().collect();
    let settling = settling_actions(&due.payload().unwrap(), Some(now), &stored, due.at).unwrap();
    for transaction in into_transactions(settling.into_iter(), None) {
        apply(items, transaction);
    }
}

/// Applies the change of a contact without the later work of the clean-up. Returns the due items
/// for the clean-up.
fn execute(items: &mut Items, old: &Contact, new: &Contact, stale: StalePointers) -> Vec<Due> {
    let expected = index_entries(&company(), new).unwrap();
    let before = items.clone();
    let plan = WritePlan::new(&company(), Some(old), new, stale).unwrap();
    match plan.steps(&company(), new.id, new.updated_at).unwrap() {
        Steps::Record(item, _) => drop(items.insert(Key::from_item(&item).unwrap(), item)),
        Steps::Once(all) => apply(items, all),
        Steps::Staged(stages) => {
            let Stages { due, keeps_pointers, before: puts, record, after } = *stages;
            for transaction in puts {
                apply(items, transaction);
            }
            // The record changes only after every new pointer exists and before any old pointer is
            // deleted.
            assert!(before.keys().chain(expected.keys()).all(|key| items.contains_key(key)));
            apply(items, record);
            if !keeps_pointers {
                settle(items, &due, new);
                return Vec::new();
            }
            for transaction in after {
                apply(items, transaction);
            }
            return vec![due];
        }
    }
    let dues: Vec<Key> = items.keys().filter(|key| key.pk.starts_with("DUE#")).cloned().collect();
    let dues = dues.iter().filter_map(|key| items.remove(key));
    dues.map(|item| from_item(item).unwrap()).collect()
}

fn index_entry(item: &Item) -> IndexEntry {
    from_item(item.clone()).unwrap()
}

proptest! {
    #[test]
    fn an_update_of_any_size_leaves_exactly_the_new_index_entries(
        old in any_contact(), new in any_contact()
    ) {
        let expected = index_entries(&company(), &new).unwrap();
        for stale in [StalePointers::Delete, StalePointers::Keep] {
            let mut items = index_entries(&company(), &old).unwrap();
            let dues = execute(&mut items, &old, &new, stale);
            items.remove(&Key::contact(&company(), new.id));
            prop_assert!(stale == StalePointers::Keep || dues.is_empty());
            prop_assert!(stale == StalePointers::Keep || items == expected);
            for due in dues {
                settle(&mut items, &due, &new);
            }
            prop_assert_eq!(&items, &expected);
        }
    }

    #[test]
    fn stale_pointers_contain_the_new_ownership_until_the_clean_up(
        old in any_contact(), new in any_contact()
    ) {
        let mut items = index_entries(&company(), &old).unwrap();
        let dues = execute(&mut items, &old, &new, StalePointers::Keep);
        let left = &pointer_keys(&company(), &old) - &pointer_keys(&company(), &new);
        prop_assert_eq!(dues.is_empty(), left.is_empty());
        for key in left {
            let entry = index_entry(&items[&key]);
            prop_assert_eq!(&entry.owners, &EntryOwners::for_contact(&new));
            prop_assert_eq!(entry.name_key, IndexEntry::default().with_name_key(&new).name_key);
        }
        // Stale look-up items and words are never kept.
        let others = index_entries(&company(), &new).unwrap();
        let stray = items.keys().filter(|key| {
            (key.pk.contains("#WORD#") || key.pk.contains("#EMAIL#")) && !others.contains_key(key)
        });
        prop_assert_eq!(stray.count(), 0);
    }

    #[test]
    fn a_deletion_leaves_only_the_items_of_a_deleted_contact(old in any_contact()) {
        let new = Contact { deleted_at: Some(old.updated_at), version: 2, ..old.clone() };
        let mut items = index_entries(&company(), &old).unwrap();
        let dues = execute(&mut items, &old, &new, StalePointers::Keep);
        items.remove(&Key::contact(&company(), new.id));
        prop_assert!(dues.is_empty());
        prop_assert!(items.keys().all(|key| key.pk.ends_with("#DELETED")), "{:?}", items.keys());
        prop_assert_eq!(items, index_entries(&company(), &new).unwrap());
    }
}

/// The largest contact: 100 teams, 5 emails and phones, a name of 24 words, and 32 KB in all.
fn largest() -> Contact {
    let name = |n: u32| format!("word{n:02}x");
    Contact {
        external_id: Some("e".repeat(256)),
        name: Some((0..24).map(name).collect::<Vec<_>>().join(" ")),
        emails: (0..5).map(|n| format!("{n}{}@x.id", "m".repeat(300))).collect(),
        phones: (0..5).map(|n| format!("+62812345678{n}")).collect(),
        owner_id: Some(UserId::from_uuid(Uuid::from_u128(1))),
        assignee_id: Some(UserId::from_uuid(Uuid::from_u128(2))),
        team_owner_ids: (0..100).map(|n| TeamId::from_uuid(Uuid::from_u128(n))).collect(),
        source: Some("x".repeat(25_000)),
        ..contact(1)
    }
}

fn size(item: &Item) -> usize {
    let text = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        other => panic!("an index entry has texts only: {other:?}"),
    };
    item.iter().map(|(name, value)| name.len() + text(value)).sum()
}

#[test]
fn an_index_entry_stays_under_one_kilobyte() {
    let company = "c".repeat(64).parse().unwrap();
    let few_teams = largest().team_owner_ids[..4].to_vec();
    let short_words = Some("ab cd ef ".repeat(40));
    for name in [largest().name, Some("é".repeat(1_000)), Some("a".repeat(1_000)), short_words] {
        for teams in [few_teams.clone(), largest().team_owner_ids] {
            let contact = Contact { name: name.clone(), team_owner_ids: teams, ..largest() };
            let entries = index_entries(&company, &contact).unwrap();
            let elsewhere = vec![TeamId::from_uuid(Uuid::from_u128(999))];
            let old = Contact { team_owner_ids: elsewhere, ..contact.clone() };
            let kept = kept_pointers(&company, &old, &contact).unwrap();
            for (key, item) in entries.iter().chain(&kept) {
                assert!(size(item) < 1024, "{key:?} has {} bytes", size(item));
            }
        }
    }
}

#[test]
fn entries_contain_owners_up_to_four_teams_and_words_while_they_are_short() {
    let of_team = |contact: &Contact| {
        let key =
            Key::pointer(&company(), &Partition::Owner(contact.owner_id.unwrap()), contact.id);
        index_entry(&index_entries(&company(), contact).unwrap()[&key])
    };
    let few = Contact { name: Some("Ann Lee".to_owned()), ..largest() };
    let few = Contact { team_owner_ids: few.team_owner_ids[..4].to_vec(), emails: vec![], ..few };
    let entry = of_team(&few);
    assert!(matches!(entry.owners, EntryOwners::Known(_)));
    let words: BTreeSet<String> = entry.words().unwrap().map(str::to_owned).collect();
    assert_eq!(words, index_words(&few));
    let long = Contact { emails: largest().emails, name: largest().name, ..few };
    assert!(of_team(&long).words().is_none());
    let entry = of_team(&largest());
    assert!(entry.owners == EntryOwners::Many && entry.words().is_none());
}

#[test]
fn an_update_that_moves_no_pointer_is_one_plain_write() {
    let old = contact(1);
    let new = Contact { source: Some("fair".to_owned()), version: 2, ..old.clone() };
    let plan = WritePlan::new(&company(), Some(&old), &new, StalePointers::Keep).unwrap();
    let steps = plan.steps(&company(), new.id, new.updated_at).unwrap();
    assert!(matches!(steps, Steps::Record(..)), "{steps:?}");
}
