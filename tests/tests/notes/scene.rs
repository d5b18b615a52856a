//! Set-up and helper functions of the note tests.

use http::Method;
use jiff::SignedDuration;
use local::upstreams::{Person, Upserts};
use serde_json::{Value, json};
use tests::{Response, World};

use super::write::contact;

/// The paths of a contact's notes in both groups of routes: the current group and the deprecated
/// group.
pub(crate) struct Notes {
    pub(crate) contact: String,
    pub(crate) list: String,
    pub(crate) deprecated: String,
}

impl Notes {
    pub(crate) async fn for_contact(world: &World, name: &str) -> Self {
        let contact = contact(world, name).await;
        let list = format!("/v1/contacts/{contact}/notes");
        let deprecated = format!("/v1/contacts/notes/{contact}");
        Self { contact, list, deprecated }
    }

    /// The path of a note in each group of routes.
    pub(crate) fn both(&self, note: &str) -> [String; 2] {
        [format!("{}/{note}", self.list), format!("{}/{note}", self.deprecated)]
    }

    /// Adds a public note and returns its id.
    pub(crate) async fn add(&self, world: &World, user: &str, note: &str) -> String {
        self.add_with(world, user, &json!({ "note": note })).await
    }

    /// Adds a private note and returns its id.
    pub(crate) async fn add_private(&self, world: &World, user: &str, note: &str) -> String {
        self.add_with(world, user, &json!({ "note": note, "visibility": "private" })).await
    }

    async fn add_with(&self, world: &World, user: &str, body: &Value) -> String {
        let created = world.post(user, &self.list, body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        created.data()["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn delete(world: &World, user: &str, path: &str) -> Response {
    world.call(user, Method::DELETE, path, None).await
}

/// Sends a request as a client of this platform, such as `mobile`.
pub(crate) async fn call_from(
    world: &World,
    platform: &str,
    user: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Response {
    let headers = [("content-type", "application/json"), ("x-platform", platform)];
    world.send(user, method, path, &headers, body.to_string().into()).await
}

/// Sets the permission levels of a demo user, and moves the clock past the expiry of the cached
/// levels.
pub(crate) fn set_levels(world: &World, handle: &str, levels: &[(&str, &str)]) {
    let mut person = world.directory.find(handle).unwrap();
    for (permission, level) in levels {
        person.levels.insert((*permission).to_owned(), (*level).to_owned());
    }
    world.directory.upsert(Upserts { people: vec![person], ..Upserts::default() }).unwrap();
    world.advance(SignedDuration::from_secs(61));
}

/// The SSO ids of the notified people, in the order of the notifications.
pub(crate) fn notified(world: &World) -> Vec<String> {
    let list = world.notifications.list();
    list.iter().map(|sent| sent.body["sso_id"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that a response refuses the request with this status, code and message.
pub(crate) fn assert_refused(response: &Response, status: u16, code: &str, message: &str) {
    let actual = response.body["message"].as_str().unwrap_or_default();
    assert_eq!(
        (response.status, response.error(), actual),
        (status, code, message),
        "{}",
        response.body
    );
}

pub(crate) fn upsert(world: &World, people: Vec<Person>) {
    world.directory.upsert(Upserts { people, ..Upserts::default() }).unwrap();
}

/// A person whom a test adds to the growth company. Each number gives a different person.
pub(crate) fn colleague(world: &World, number: u128) -> Person {
    let template = world.directory.find("sinta").unwrap();
    Person {
        sso_id: numbered_uuid(number),
        handle: None,
        mobile_id: None,
        full_name: Some(format!("Colleague {number:03}")),
        email: format!("colleague{number:03}@kopi.example"),
        ..template
    }
}

pub(crate) fn numbered_uuid(number: u128) -> String {
    format!("0190d1a2-7c3b-7abc-8def-{number:012}")
}
