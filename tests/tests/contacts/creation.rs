//! Warnings about possible duplicates, idempotency keys, and values that clients send back (SPEC
//! §2).

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, person, team};

use super::table_state;

const CONTACTS: &str = "/cdp/customers";

async fn create(world: &World, user: &str, body: &Value) -> Response {
    world.post(user, CONTACTS, body).await
}

async fn create_with_key(world: &World, user: &str, key: &str, body: &str) -> Response {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    world.send(user, Method::POST, CONTACTS, &headers, Bytes::from(body.to_owned())).await
}

fn id(response: &Response) -> String {
    response.data()["id"].as_str().unwrap_or_else(|| panic!("{response:?}")).to_owned()
}

#[tokio::test]
async fn a_creation_warns_of_contacts_with_the_same_values_that_the_viewer_may_see() {
    let world = World::with_flags().await;
    let visible = json!({ "emails": ["x@shop.example", "Second@shop.example"] });
    let hidden = json!({ "emails": ["second@shop.example"], "team_owner_ids": [team("Sales")],
        "owner_id": person("maya") });
    let external = json!({ "external_id": "E-1" });
    let first = create(&world, "maya", &visible).await;
    assert!(first.body.get("warnings").is_none(), "{first:?}");
    let first = id(&first);
    create(&world, "maya", &hidden).await;
    world.advance(jiff::SignedDuration::from_secs(1));
    let by_id = id(&create(&world, "maya", &external).await);
    let body = json!({ "external_id": "E-1", "emails": ["second@SHOP.example"] });
    let response = create(&world, "sinta", &body).await;
    assert_eq!(response.status, 201);
    let warnings = response.body["warnings"].as_array().unwrap();
    assert_eq!((warnings.len(), &warnings[0]["code"]), (1, &json!("POSSIBLE_DUPLICATE")));
    assert_eq!(warnings[0]["contact_ids"], json!([by_id, first]), "newest first, in scope only");
    for _ in 0..7 {
        create(&world, "maya", &external).await;
    }
    let many = create(&world, "maya", &external).await;
    assert_eq!(many.body["warnings"][0]["contact_ids"].as_array().unwrap().len(), 5);
    // An error of the look-up does not fail the write.
    world.fault(&json!({ "target": "dynamodb", "function": "ContactWrite", "action": "Query",
        "status": 500 }));
    let failed = create(&world, "maya", &external).await;
    assert_eq!((failed.status, failed.body.get("warnings")), (201, None), "{failed:?}");
    world.faults.clear();
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_repeated_creation_returns_the_contact_as_it_is_now_to_those_who_may_see_it() {
    let world = World::with_flags().await;
    create(&world, "maya", &json!({ "emails": ["x@shop.example"] })).await;
    let body = r#"{"name":"Once","emails":["x@shop.example"],"owner_id":null}"#;
    let first = create_with_key(&world, "sinta", "k", body).await;
    assert_eq!(first.status, 201);
    let path = format!("{CONTACTS}/{}", id(&first));
    let patch = |body: Value| {
        let (world, path) = (&world, &path);
        async move { world.call("maya", Method::PATCH, path, Some(&body)).await.status }
    };
    assert_eq!(patch(json!({ "name": "Changed" })).await, 200);
    let again = create_with_key(&world, "sinta", "k", body).await;
    assert_eq!((again.status, id(&again)), (201, id(&first)));
    assert_eq!(again.data()["name"], "Changed");
    assert_eq!(again.body["warnings"], first.body["warnings"]);
    // The key is recognized before the body is validated, and belongs to one user.
    let other = create_with_key(&world, "sinta", "k", "{").await;
    assert_eq!((other.status, other.error()), (422, "IDEMPOTENCY_KEY_REUSED"));
    assert_ne!(id(&create_with_key(&world, "maya", "k", body).await), id(&first));
    assert_eq!(create_with_key(&world, "sinta", "", body).await.status, 400);
    // The present scope counts.
    assert_eq!(patch(json!({ "team_owner_ids": [team("Sales")] })).await, 200);
    assert_eq!(create_with_key(&world, "sinta", "k", body).await.status, 403);
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    assert_eq!(create_with_key(&world, "sinta", "k", body).await.status, 404);
    // The record contains nothing of the body.
    let records = table_state::everything(&world).await;
    let records = records.iter().filter(|(key, _)| key.pk.starts_with("IDEMPOTENCY#"));
    for (_, item) in records {
        assert!(!format!("{item:?}").contains("Once"), "{item:?}");
    }
    world.advance(jiff::SignedDuration::from_hours(25));
    let later = create_with_key(&world, "sinta", "k", body).await;
    assert_eq!(later.status, 201);
    assert_ne!(id(&later), id(&first));
}

#[tokio::test]
async fn concurrent_and_lost_creations_with_one_key_make_one_contact() {
    let world = World::with_flags().await;
    let body = r#"{"emails":["once@shop.example"]}"#;
    let calls = (0..8).map(|_| create_with_key(&world, "maya", "k", body));
    let responses = futures::future::join_all(calls).await;
    let first = id(&responses[0]);
    for response in &responses {
        assert_eq!((response.status, id(response)), (201, first.clone()), "{response:?}");
    }
    world.fault(&json!({ "target": "dynamodb", "kind": "commit_then_timeout",
        "action": "TransactWriteItems", "times": 2 }));
    let lost = create_with_key(&world, "maya", "l", body).await;
    world.faults.clear();
    let again = create_with_key(&world, "maya", "l", body).await;
    assert_eq!(again.status, 201);
    assert!(lost.status != 201 || id(&lost) == id(&again), "{lost:?}");
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn the_stored_set_of_team_owners_counts_as_absent() {
    let world = World::with_flags().await;
    let body =
        json!({ "external_id": "T", "team_owner_ids": [team("Sales"), team("Jakarta SMB")] });
    let mut maya = world.directory.find("maya").unwrap();
    maya.team_ids = ["Sales", "Jakarta SMB"].map(team).to_vec();
    world.directory.upsert(serde_json::from_value(json!({ "people": [maya] })).unwrap()).unwrap();
    let created = create(&world, "maya", &body).await;
    let path = format!("{CONTACTS}/{}", id(&created));
    // A client sends back what it read, in another order and with a repetition.
    world.advance(jiff::SignedDuration::from_mins(2));
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let owners = json!([team("Jakarta SMB"), team("Sales").to_uppercase(), team("Sales")]);
    let echo = json!({ "team_owner_ids": owners, "name": "Echo" });
    let changed = world.call("maya", Method::PATCH, &path, Some(&echo)).await;
    assert_eq!((changed.status, &changed.data()["name"]), (200, &json!("Echo")));
    assert_eq!(changed.data()["team_owner_ids"], created.data()["team_owner_ids"]);
    let row = json!({ "external_id": "T", "team_owner_ids": owners, "name": "Row" });
    let synced = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": [row] })).await;
    assert_eq!(synced.data()[0]["status"], "updated", "{synced:?}");
    let other = json!({ "team_owner_ids": [team("Sales")] });
    assert_eq!(world.call("maya", Method::PATCH, &path, Some(&other)).await.status, 503);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn sync_takes_4_mib_and_every_other_route_1_mib() {
    let world = World::with_flags().await;
    let row = |n: usize| {
        json!({ "external_id": n.to_string(), "name": "x", "tags": ["y"],
        "custom_fields": { "text": "z".repeat(30_000) } })
    };
    let rows = json!({ "contacts": (0..100).map(row).collect::<Vec<_>>() });
    let response = world.post("maya", "/cdp/customers/sync", &rows).await;
    assert_eq!(response.status, 200);
    let too_large = json!({ "contacts": [{ "external_id": "1", "name": "x".repeat(4 << 20) }] });
    for (path, body) in
        [("/cdp/customers/sync", too_large), (CONTACTS, json!({ "name": "x".repeat(1 << 20) }))]
    {
        let response = world.post("maya", path, &body).await;
        assert_eq!((response.status, &response.body["details"]["field"]), (400, &json!("body")));
    }
}

#[tokio::test]
async fn a_number_that_would_be_rounded_is_refused_with_its_field() {
    let world = World::with_flags().await;
    let body = |number: &str| format!("{{\"custom_fields\":{{\"n\":{number}}}}}");
    let refused = create_with_key(&world, "maya", "1", &body("12345678901234567890123")).await;
    assert_eq!(
        (refused.status, &refused.body["details"]["field"]),
        (400, &json!("custom_fields.n"))
    );
    let kept = create_with_key(&world, "maya", "2", &body("12345678901234567")).await;
    assert_eq!(kept.data()["custom_fields"]["n"], 12_345_678_901_234_567_u64);
}
