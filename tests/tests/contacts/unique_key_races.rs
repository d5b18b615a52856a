//! The law of unique keys under concurrency (SPEC §2): no sync creates a contact, or gives one a
//! key, that a live contact already has, and every sync of a live contact's key updates it.
//!
//! A run has many rounds. In each round eight callers change contacts at the same time, and the
//! table is read before and after the round. A contact that no request of a round can take a key
//! from is a *steady* contact of this key: it has the key during the whole round, whatever the order
//! of the requests was.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use tests::{Response, World};

use super::table_state;

const CALLERS: usize = 8;
const ROUNDS: usize = 25;
const SEEDS: u64 = 4;

/// A unique key: the field and its value.
type Key = (&'static str, String);

#[derive(Clone, Debug)]
enum Request {
    Create(Value),
    Change(String, Value),
    Delete(String),
    Restore(String),
    SyncById(String, Value),
    Sync(Value),
}

/// The keys that a body names.
fn keys(body: &Value) -> BTreeSet<Key> {
    let external = body["external_id"].as_str().map(|id| ("external_id", id.to_owned()));
    let email = body["emails"][0].as_str().map(|email| ("emails", email.to_lowercase()));
    external.into_iter().chain(email).collect()
}

/// The contacts in the table: their keys, and whether they are live.
type State = BTreeMap<String, (BTreeSet<Key>, bool)>;

async fn state(world: &World) -> State {
    let items = table_state::everything(world).await;
    let records = items.into_iter().filter(|(key, _)| key.sk == "PROFILE");
    records
        .map(|(_, item)| {
            let contact: shared::contact::Contact = shared::table::from_item(item).unwrap();
            let body = json!({ "external_id": contact.external_id, "emails": contact.emails });
            (contact.id.to_string(), (keys(&body), contact.deleted_at.is_none()))
        })
        .collect()
}

fn body(random: &mut fastrand::Rng) -> Value {
    let email = ["a", "B", "b", "c"][random.usize(..4)].to_owned() + "@shop.example";
    let external = format!("X{}", random.usize(..3));
    match random.usize(..5) {
        0 | 1 => json!({ "emails": [email] }),
        2 | 3 => json!({ "external_id": external }),
        _ => json!({ "external_id": external, "emails": [email] }),
    }
}

fn request(random: &mut fastrand::Rng, before: &State) -> Request {
    let ids: Vec<&String> = before.keys().collect();
    let body = body(random);
    if ids.is_empty() {
        return Request::Sync(body);
    }
    let id = ids[random.usize(..ids.len())].clone();
    match random.usize(..12) {
        0 | 1 => Request::Create(body),
        2 => Request::Change(id, body),
        3 | 4 => Request::Delete(id),
        5 => Request::Restore(id),
        6 => Request::SyncById(id, body),
        _ => Request::Sync(body),
    }
}

async fn send(world: &World, request: &Request) -> Response {
    let path = |id: &str| format!("/cdp/customers/{id}");
    let sync = |row: Value| json!({ "contacts": [row] });
    match request {
        Request::Create(body) => world.post("maya", "/cdp/customers", body).await,
        Request::Change(id, body) => world.call("maya", Method::PATCH, &path(id), Some(body)).await,
        Request::Delete(id) => world.call("maya", Method::DELETE, &path(id), None).await,
        Request::Restore(id) => {
            world.call("maya", Method::POST, &format!("{}/restore", path(id)), None).await
        }
        Request::SyncById(id, body) => {
            let mut row = body.clone();
            row["id"] = json!(id);
            world.post("maya", "/cdp/customers/sync", &sync(row)).await
        }
        Request::Sync(body) => world.post("maya", "/cdp/customers/sync", &sync(body.clone())).await,
    }
}

/// Whether the request can take a key from the contact, or can delete it.
fn can_change(request: &Request, id: &str, has: &BTreeSet<Key>) -> bool {
    match request {
        Request::Create(_) | Request::Restore(_) => false,
        Request::Change(other, _) | Request::Delete(other) | Request::SyncById(other, _) => {
            other == id
        }
        // A row with two keys can find the contact by one key and change the other one.
        Request::Sync(body) => keys(body).len() == 2 && !keys(body).is_disjoint(has),
    }
}

/// The steady contacts of each key during a round.
fn steady(before: &State, requests: &[Request]) -> BTreeMap<Key, BTreeSet<String>> {
    let mut steady: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for (id, (has, is_live)) in before {
        if *is_live && !requests.iter().any(|request| can_change(request, id, has)) {
            for key in has {
                steady.entry(key.clone()).or_default().insert(id.clone());
            }
        }
    }
    steady
}

fn check_round(before: &State, after: &State, answers: &[(Request, Response)]) {
    let requests: Vec<Request> = answers.iter().map(|(request, _)| request.clone()).collect();
    let steady = steady(before, &requests);
    let context = || format!("before {before:#?}\nafter {after:#?}\n{answers:#?}");
    // A contact that was deleted before the round, and that no request of the round restores.
    let stays_deleted = |id: &str| {
        before.get(id).is_some_and(|(_, is_live)| !is_live)
            && !requests.iter().any(|r| matches!(r, Request::Restore(other) if other == id))
    };
    for (request, answer) in answers {
        assert!(matches!(answer.status, 200 | 201 | 404), "{answer:?}");
        if let Request::Change(id, _) | Request::Delete(id) = request {
            assert!(!stays_deleted(id) || answer.status == 404, "{request:?}\n{}", context());
        }
        if let Some(id) = answer.data()[0]["id"].as_str() {
            assert!(!stays_deleted(id), "{request:?} changed {id}\n{}", context());
        }
        let (Request::Sync(body) | Request::SyncById(_, body)) = request else { continue };
        let row = &answer.data()[0];
        let (status, error) = (row["status"].as_str().unwrap(), &row["error"]["error"]);
        assert!(
            status != "rejected" || *error == "KEY_TAKEN" || *error == "NOT_FOUND",
            "{row}\n{}",
            context()
        );
        let named = keys(body);
        let has_steady = named.iter().any(|key| steady.contains_key(key));
        assert!(status != "created" || !has_steady, "{request:?} created\n{}", context());
        if let (Request::Sync(_), 1, true) = (request, named.len(), has_steady) {
            assert_eq!(status, "updated", "{request:?}\n{}", context());
            let id = row["id"].as_str().unwrap();
            let key = named.first().unwrap();
            let had = |state: &State| state.get(id).is_some_and(|(has, _)| has.contains(key));
            assert!(had(before) || had(after), "{request:?} updated {id}\n{}", context());
        }
    }
    // A contact that got a key of a steady contact got it by another route than sync.
    for (id, (has, is_live)) in after {
        let had = before.get(id).filter(|(_, was_live)| *was_live);
        let had = had.map(|(has, _)| has.clone()).unwrap_or_default();
        for key in has.difference(&had).filter(|_| *is_live) {
            let is_shared = steady.get(key).is_some_and(|steady| steady.iter().any(|s| s != id));
            let by_other_route = answers.iter().any(|(request, answer)| match request {
                Request::Create(body) => {
                    keys(body).contains(key) && answer.data()["id"].as_str() == Some(id)
                }
                Request::Change(other, body) => other == id && keys(body).contains(key),
                Request::Restore(other) => other == id,
                _ => false,
            });
            assert!(!is_shared || by_other_route, "sync gave {id} {key:?}\n{}", context());
        }
    }
    // No request of the round can take a key from a contact that the round created, unless a row
    // has two keys. So of several callers that sync a new key, one creates a contact.
    if requests.iter().all(|r| !matches!(r, Request::Sync(body) if keys(body).len() == 2)) {
        let mut created: BTreeMap<Key, usize> = BTreeMap::new();
        for (request, answer) in answers {
            if let Request::Sync(body) = request
                && answer.data()[0]["status"] == "created"
            {
                *created.entry(keys(body).into_iter().next().unwrap()).or_default() += 1;
            }
        }
        assert!(created.values().all(|times| *times == 1), "{created:?}\n{}", context());
    }
}

#[tokio::test]
async fn no_sync_creates_a_contact_or_gives_one_a_key_that_a_live_contact_has() {
    let (mut updated, mut created, mut handed_over) = (0, 0, 0);
    for seed in 0..SEEDS {
        let world = World::with_flags().await;
        for (kind, rate) in [("latency", 0.4), ("conflict", 0.05)] {
            let mut fault = json!({ "target": "dynamodb", "action": "TransactWriteItems",
                "rate": rate });
            match kind {
                "latency" => fault["latency_ms"] = json!(15),
                _ => fault["kind"] = json!(kind),
            }
            world.fault(&fault);
        }
        let mut random = fastrand::Rng::with_seed(seed);
        let mut before = state(&world).await;
        for _ in 0..ROUNDS {
            let requests: Vec<Request> =
                (0..CALLERS).map(|_| request(&mut random, &before)).collect();
            let sent = requests.iter().map(|request| send(&world, request));
            let responses = futures::future::join_all(sent).await;
            let answers: Vec<_> = requests.into_iter().zip(responses).collect();
            let after = state(&world).await;
            check_round(&before, &after, &answers);
            for (request, answer) in &answers {
                if let Request::Sync(_) = request {
                    updated += usize::from(answer.data()[0]["status"] == "updated");
                    created += usize::from(answer.data()[0]["status"] == "created");
                }
            }
            handed_over += shared_keys(&before);
            before = after;
        }
        world.faults.clear();
        table_state::clean_up(&world).await;
        table_state::assert_consistent(&world).await;
    }
    // The run is meaningful only if keys were shared and both results of a sync occurred.
    assert!(updated > 50 && created > 5 && handed_over > 20, "{updated} {created} {handed_over}");
}

/// The number of keys that several live contacts have.
fn shared_keys(state: &State) -> usize {
    let mut count: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in state.values().filter(|(_, is_live)| *is_live).flat_map(|(has, _)| has) {
        *count.entry(key).or_default() += 1;
    }
    count.values().filter(|times| **times > 1).count()
}
