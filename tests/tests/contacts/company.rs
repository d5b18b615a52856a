//! Contacts that the tests add to the demo data, and the plain access rule for them.

use jiff::SignedDuration;
use serde_json::Value;
use shared::{
    contact::{Contact, Contacts, StalePointers},
    id::{ContactId, TeamId},
};
use tests::{Response, World, person};

/// Creates contact number `n` of a test in the growth company. The contact has only a name. A
/// contact with a larger `n` is newer.
pub(crate) fn contact(world: &World, n: i64, name: &str) -> Contact {
    let created_at = world.clock.now() - SignedDuration::from_hours(24) + seconds(n);
    Contact {
        name: Some(name.to_owned()),
        source: Some("test".to_owned()),
        ..Contact::new(ContactId::generate(created_at), created_at)
    }
}

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

/// The id of the team of the growth company with this name.
pub(crate) fn team(name: &str) -> TeamId {
    tests::team(name).parse().unwrap()
}

/// The store of the growth company's contacts, which the tests use without the API.
pub(crate) async fn contacts(world: &World) -> Contacts {
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    Contacts::new(world.table().await, company, world.clock.clone())
}

/// Stores contacts in the growth company without the API.
pub(crate) async fn put(world: &World, all: &[Contact]) {
    let contacts = contacts(world).await;
    for contact in all {
        contacts.write(None, contact, StalePointers::Delete).await.unwrap();
    }
}

/// Every contact of the growth company, newest first, as the head of sales receives them from the
/// API.
pub(crate) async fn everything(world: &World) -> Vec<Value> {
    pages(world, "maya", "/cdp/customers?limit=100").await.concat()
}

/// Whether the plain rule allows a person to see a contact with the person's level for
/// `permission`.
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

/// The contacts of every page of a list, one entry for each page. `path` must have a query with at
/// least one parameter.
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

/// The ids of contacts, in the same order as the contacts.
pub(crate) fn ids<'a>(contacts: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    contacts.into_iter().map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}

/// The names of the contacts in a list response, in the order of the list.
pub(crate) fn names(response: &Response) -> Vec<&str> {
    let contacts = response.data().as_array().unwrap().iter();
    contacts.map(|contact| contact["name"].as_str().unwrap()).collect()
}

/// Encodes a text as a value in a query string.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Whether a person is the owner or the assignee of a contact.
pub(crate) fn is_own(handle: &str, contact: &Value) -> bool {
    contact["owner_id"] == person(handle).as_str()
        || contact["assignee_id"] == person(handle).as_str()
}
