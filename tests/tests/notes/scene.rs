//! What the note tests begin with.

use http::Method;
use jiff::SignedDuration;
use local::upstreams::{Person, Upserts};
use serde_json::{Value, json};
use tests::{Answer, World};

use super::write::contact;

/// A contact's notes in both groups of routes: the one to use, and the deprecated one.
pub(crate) struct Notes {
    pub(crate) contact: String,
    pub(crate) list: String,
    pub(crate) deprecated: String,
}

impl Notes {
    pub(crate) async fn of(world: &World, name: &str) -> Self {
        let contact = contact(world, name).await;
        let list = format!("/v1/contacts/{contact}/notes");
        let deprecated = format!("/v1/contacts/notes/{contact}");
        Self { contact, list, deprecated }
    }

    /// One note in either group of routes.
    pub(crate) fn both(&self, note: &str) -> [String; 2] {
        [format!("{}/{note}", self.list), format!("{}/{note}", self.deprecated)]
    }

    /// Adds a public note and tells its id.
    pub(crate) async fn add(&self, world: &World, user: &str, note: &str) -> String {
        self.add_with(world, user, &json!({ "note": note })).await
    }

    /// Adds a note that only its author may know of and tells its id.
    pub(crate) async fn add_private(&self, world: &World, user: &str, note: &str) -> String {
        self.add_with(world, user, &json!({ "note": note, "visibility": "private" })).await
    }

    async fn add_with(&self, world: &World, user: &str, body: &Value) -> String {
        let made = world.post(user, &self.list, body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.data()["id"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn delete(world: &World, user: &str, path: &str) -> Answer {
    world.call(user, Method::DELETE, path, None).await
}

/// A call as a client of this platform makes it.
pub(crate) async fn call_from(
    world: &World,
    platform: &str,
    user: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let headers = [("content-type", "application/json"), ("x-platform", platform)];
    world.send(user, method, path, &headers, body.to_string().into()).await
}

/// Gives a person of the demo these levels, and lets what was known of them grow stale.
pub(crate) fn set_levels(world: &World, handle: &str, levels: &[(&str, &str)]) {
    let mut person = world.directory.find(handle).unwrap();
    for (permission, level) in levels {
        person.levels.insert((*permission).to_owned(), (*level).to_owned());
    }
    world.directory.upsert(Upserts { people: vec![person], ..Upserts::default() }).unwrap();
    world.advance(SignedDuration::from_secs(61));
}

/// Who was notified, in order.
pub(crate) fn notified(world: &World) -> Vec<String> {
    let list = world.notifications.list();
    list.iter().map(|sent| sent.body["sso_id"].as_str().unwrap().to_owned()).collect()
}

/// A refusal with this code and these words.
pub(crate) fn refuses(answer: &Answer, status: u16, code: &str, message: &str) {
    let said = answer.body["message"].as_str().unwrap_or_default();
    assert_eq!((answer.status, answer.error(), said), (status, code, message), "{}", answer.body);
}

pub(crate) fn upsert(world: &World, people: Vec<Person>) {
    world.directory.upsert(Upserts { people, ..Upserts::default() }).unwrap();
}

/// More people of the growth company, by number.
pub(crate) fn colleague(world: &World, number: u128) -> Person {
    let like = world.directory.find("sinta").unwrap();
    Person {
        sso_id: uuid_of(number),
        handle: None,
        mobile_id: None,
        full_name: Some(format!("Colleague {number:03}")),
        email: format!("colleague{number:03}@kopi.example"),
        ..like
    }
}

pub(crate) fn uuid_of(number: u128) -> String {
    format!("0190d1a2-7c3b-7abc-8def-{number:012}")
}
