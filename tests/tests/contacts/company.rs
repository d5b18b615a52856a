//! Contacts that the tests put beside the demo's, and what the plain rule says of them.

use jiff::SignedDuration;
use serde_json::{Map, Value};
use shared::{
    contact::{Contact, Contacts, StalePointers},
    id::{ContactId, TeamId},
};
use tests::{Answer, World, person};

/// A contact of the growth company, the `n`th of those that a test makes, with nothing but a name.
pub(crate) fn contact(world: &World, n: i64, name: &str) -> Contact {
    let created_at = world.clock.now() - SignedDuration::from_hours(24) + seconds(n);
    Contact {
        id: ContactId::generate(created_at),
        external_id: None,
        name: Some(name.to_owned()),
        emails: Vec::new(),
        phones: Vec::new(),
        company_name: None,
        owner_id: None,
        owner_name: None,
        assignee_id: None,
        assignee_name: None,
        team_owner_ids: Vec::new(),
        team_owners_from: None,
        tags: Vec::new(),
        source: Some("test".to_owned()),
        custom_fields: Map::new(),
        created_at,
        updated_at: created_at,
        version: 1,
        deleted_at: None,
    }
}

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

/// The team of the growth company with this name.
pub(crate) fn team(name: &str) -> TeamId {
    tests::team(name).parse().unwrap()
}

/// The contacts of the growth company, past the API.
pub(crate) async fn contacts(world: &World) -> Contacts {
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    Contacts::new(world.table().await, company, world.clock.clone())
}

/// Stores contacts past the API.
pub(crate) async fn put(world: &World, all: &[Contact]) {
    let contacts = contacts(world).await;
    for contact in all {
        contacts.write(None, contact, StalePointers::Delete).await.unwrap();
    }
}

/// Every contact of the growth company, the newest first, as its head of sales sees them.
pub(crate) async fn everything(world: &World) -> Vec<Value> {
    pages(world, "maya", "/cdp/customers?limit=100").await.concat()
}

/// Whether the plain rule gives a contact to a person, by their level for `permission`.
pub(crate) fn rule(world: &World, handle: &str, permission: &str, contact: &Value) -> bool {
    let viewer = world.directory.find(handle).unwrap();
    let teams = world.directory.expanded_team_ids(&viewer);
    let own = contact["owner_id"] == viewer.sso_id.as_str()
        || contact["assignee_id"] == viewer.sso_id.as_str();
    let owners = contact["team_owner_ids"].as_array().unwrap();
    let shares = owners.iter().any(|owner| teams.iter().any(|team| owner == team.as_str()));
    match viewer.levels[permission].as_str() {
        "everything" => true,
        "team" => own || shares || owners.is_empty(),
        "own" => own,
        _ => false,
    }
}

/// The contacts of every page of a list, whose query has at least one parameter.
pub(crate) async fn pages(world: &World, handle: &str, path: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(handle, &format!("{path}&cursor={cursor}")).await;
        assert_eq!(page.status, 200, "{handle} {path}: {}", page.body);
        pages.push(page.data().as_array().unwrap().clone());
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return pages,
        }
        assert!(pages.len() < 1_000, "the pages do not end: {handle} {path}");
    }
}

/// The ids of contacts, in their order.
pub(crate) fn ids<'a>(contacts: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    contacts.into_iter().map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}

/// The names of an answered list's contacts, in their order.
pub(crate) fn names(answer: &Answer) -> Vec<&str> {
    let contacts = answer.data().as_array().unwrap().iter();
    contacts.map(|contact| contact["name"].as_str().unwrap()).collect()
}

/// A text as part of a query.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Whether a contact is a person's own.
pub(crate) fn is_own(handle: &str, contact: &Value) -> bool {
    contact["owner_id"] == person(handle).as_str()
        || contact["assignee_id"] == person(handle).as_str()
}
