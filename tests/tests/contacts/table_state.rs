//! Compares the items in the table with the items that the contacts require. The checks do not use
//! the API.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    contact::Contact,
    table::{Item, Key, from_item},
};
use tests::World;
use uuid::Uuid;

type KeyPair = (String, String);

pub(super) async fn everything(world: &World) -> Vec<(Key, Item)> {
    let table = world.table().await;
    let pages = table.client().scan().table_name(table.name()).into_paginator().items().send();
    let items: Vec<Item> = pages.try_collect().await.unwrap();
    items.into_iter().map(|item| (Key::from_item(&item).unwrap(), item)).collect()
}

/// The contacts that are not deleted, by id. Each contact has the id of its company.
pub(super) fn live(items: &[(Key, Item)]) -> BTreeMap<String, (String, Contact)> {
    let records = items.iter().filter(|(key, _)| key.sk == "PROFILE");
    records
        .map(|(key, item)| {
            let company = key.pk.split('#').nth(1).unwrap().to_owned();
            (company, from_item::<Contact>(item.clone()).unwrap())
        })
        .filter(|(_, contact)| contact.deleted_at.is_none())
        .map(|(company, contact)| (contact.id.to_string(), (company, contact)))
        .collect()
}

/// Asserts that the pointers and look-up items are exactly those of the contacts and contain the
/// contacts' ownership, and that each unique key belongs to a contact that has its value.
pub(super) async fn assert_consistent(world: &World) {
    let items = everything(world).await;
    let contacts = live(&items);
    let mut pointers = BTreeSet::new();
    let mut emails = BTreeSet::new();
    for (id, (company, contact)) in &contacts {
        let teams = contact.team_owner_ids.iter().map(|team| format!("TEAM#{team}"));
        let owner = contact.owner_id.iter().map(|person| format!("OWNER#{person}"));
        let assignee = contact.assignee_id.iter().map(|person| format!("ASSIGNEE#{person}"));
        let mut partitions: BTreeSet<String> = teams.chain(owner).chain(assignee).collect();
        partitions.insert("ALL".to_owned());
        if contact.team_owner_ids.is_empty() {
            partitions.insert("UNASSIGNED".to_owned());
        }
        pointers.extend(partitions.iter().map(|name| (format!("CO#{company}#{name}"), id.clone())));
        let addresses = contact.emails.iter().map(|email| email.to_lowercase());
        emails.extend(addresses.map(|email| (format!("CO#{company}#EMAIL#{email}"), id.clone())));
    }
    assert_eq!(key_pairs(&items, &["ALL", "TEAM", "OWNER", "ASSIGNEE", "UNASSIGNED"]), pointers);
    assert_eq!(key_pairs(&items, &["EMAIL"]), emails);
    assert_eq!(key_pairs(&items, &["DELETED"]), deleted_pointers(&items));
    for (key, item) in &items {
        check_index_entry(key, item, &contacts);
    }
    check_unique_keys(&items, &contacts);
}

/// The pointers that the deleted contacts must have. A tombstone has none.
fn deleted_pointers(items: &[(Key, Item)]) -> BTreeSet<KeyPair> {
    let records = items.iter().filter(|(key, _)| key.sk == "PROFILE");
    let pointer = |(key, item): &(Key, Item)| {
        let company = key.pk.split('#').nth(1)?.to_owned();
        let contact: Contact = from_item(item.clone()).unwrap();
        let at = contact.deleted_at.filter(|_| contact.erased_at.is_none())?;
        Some((format!("CO#{company}#DELETED"), format!("{at:.3}\u{1}{}", contact.id)))
    };
    records.filter_map(pointer).collect()
}

fn kind(key: &Key) -> &str {
    key.pk.split('#').nth(2).unwrap_or_default()
}

fn key_pairs(items: &[(Key, Item)], kinds: &[&str]) -> BTreeSet<KeyPair> {
    let matching = items.iter().filter(|(key, _)| kinds.contains(&kind(key)));
    matching.map(|(key, _)| (key.pk.clone(), key.sk.clone())).collect()
}

/// Asserts that a pointer, look-up item or search word contains the same owners as the contact.
fn check_index_entry(key: &Key, item: &Item, contacts: &BTreeMap<String, (String, Contact)>) {
    if !["ALL", "TEAM", "OWNER", "ASSIGNEE", "UNASSIGNED", "EMAIL", "PHONE", "WORD"]
        .contains(&kind(key))
    {
        return;
    }
    let id = key.sk.rsplit('\u{1}').next().unwrap();
    let (_, contact) = contacts.get(id).unwrap_or_else(|| panic!("{key:?} has no contact"));
    let owners = item.get("o").map(|value| value.as_s().unwrap().clone());
    assert_eq!(owners, stored_owners(contact), "{key:?}");
}

/// The owners of a contact in the form that index entries contain.
fn stored_owners(contact: &Contact) -> Option<String> {
    let encode = |id: Uuid| URL_SAFE_NO_PAD.encode(id.as_bytes());
    let owner = contact.owner_id.map(|id| encode(id.as_uuid())).unwrap_or_default();
    let assignee = contact.assignee_id.map(|id| encode(id.as_uuid())).unwrap_or_default();
    let teams: String = contact.team_owner_ids.iter().map(|id| encode(id.as_uuid())).collect();
    match contact.team_owner_ids.len() {
        5.. => Some("*".to_owned()),
        _ if owner.is_empty() && assignee.is_empty() && teams.is_empty() => None,
        _ => Some(format!("{owner}.{assignee}.{teams}")),
    }
}

/// Asserts that each unique key of a live contact exists, that its owner and the contacts that wait
/// for it are exactly the live contacts with its value, and that there are no other unique keys.
fn check_unique_keys(items: &[(Key, Item)], contacts: &BTreeMap<String, (String, Contact)>) {
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, (company, contact)) in contacts {
        let external = contact.external_id.iter().map(|id| format!("EXTERNAL#{id}"));
        let email = contact.emails.first().map(|email| email.to_lowercase());
        for name in external.chain(email.map(|email| format!("SYNCEMAIL#{email}"))) {
            expected.entry(format!("CO#{company}#{name}")).or_default().insert(id.clone());
        }
    }
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut owned = BTreeSet::new();
    let unique = items.iter().filter(|(key, _)| ["EXTERNAL", "SYNCEMAIL"].contains(&kind(key)));
    for (key, item) in unique {
        let id = if key.sk == "UNIQUE_KEY" {
            owned.insert(key.pk.clone());
            item["contact_id"].as_s().unwrap().clone()
        } else {
            key.sk.clone()
        };
        let is_new = found.entry(key.pk.clone()).or_default().insert(id);
        assert!(is_new, "an owner waits for its own key: {key:?}");
    }
    assert_eq!(found, expected);
    assert_eq!(owned, expected.into_keys().collect(), "each key has an owner");
}

/// Runs the clean-up until no due item is left.
pub(super) async fn clean_up(world: &World) {
    world.advance(jiff::SignedDuration::from_mins(3));
    loop {
        let report = world.clean_up(world.clock.now()).await;
        assert_eq!(report["failed"], 0, "{report}");
        if report["done"] == 0 {
            return;
        }
    }
}

/// Asserts that each contact has the due item of the end of its retention, if it is deleted, and
/// that there are no other ones.
pub(super) async fn assert_no_stale_due_items(world: &World) {
    let items = everything(world).await;
    let due = items.iter().filter(|(key, _)| key.pk.starts_with("DUE#ERASURE#"));
    let due: BTreeSet<String> = due.map(|(key, _)| key.sk.clone()).collect();
    let records = items.iter().filter(|(key, _)| key.sk == "PROFILE");
    let expected = records.filter_map(|(key, item)| {
        let contact: Contact = from_item(item.clone()).unwrap();
        let at = contact.erased_at.or(contact.erased_after)?;
        let company = key.pk.split('#').nth(1)?;
        Some(format!("{at:.3}#erasure#{company}#{}", contact.id))
    });
    assert_eq!(due, expected.collect());
}
