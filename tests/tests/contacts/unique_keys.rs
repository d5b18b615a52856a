//! Tests of which contact holds the unique keys with which `sync` and the backfill find contacts.

use http::Method;
use serde_json::{Value, json};
use tests::World;

use super::{
    backfill::{self, LEGACY_TEAMS, PEOPLE, TEAMS, people, put},
    table_state,
};

async fn create(world: &World, body: &Value) -> String {
    let response = world.post("maya", "/cdp/customers", body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

async fn delete(world: &World, id: &str) {
    let response = world.call("maya", Method::DELETE, &format!("/cdp/customers/{id}"), None).await;
    assert_eq!(response.status, 200, "{response:?}");
}

/// Syncs one row and returns its status and the contact's id.
async fn sync(world: &World, row: &Value) -> (String, String) {
    let response = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": [row] })).await;
    let text = |name: &str| response.data()[0][name].as_str().unwrap_or_default().to_owned();
    (text("status"), text("id"))
}

#[tokio::test]
async fn an_update_takes_a_free_key_that_it_names_even_if_nothing_else_changes() {
    let world = World::with_flags().await;
    let body = json!({ "external_id": "P-1", "emails": ["p@shop.example"], "name": "Twice" });
    let holder = create(&world, &body).await;
    let duplicate = create(&world, &body).await;
    delete(&world, &holder).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1")])).await;
    assert_eq!(backfill::run(&world, "dry_run").await["errors"][0]["code"], "NO_SUCH_CONTACT");
    let path = format!("/cdp/customers/{duplicate}");
    for writes in [1, 0] {
        world.usage.reset();
        let response = world.call("maya", Method::PATCH, &path, Some(&body)).await;
        assert_eq!((response.status, &response.data()["version"]), (200, &json!(1)));
        let actions = world.usage.snapshot()["ContactWrite"]["actions"].clone();
        let written = actions["dynamodb.TransactWriteItems"]["calls"].as_u64().unwrap_or(0);
        assert_eq!(
            written, writes,
            "a contact does not take a key again that it already holds: {actions}"
        );
    }
    for row in [json!({ "external_id": "P-1" }), json!({ "emails": ["P@shop.example"] })] {
        assert_eq!(sync(&world, &row).await, ("updated".to_owned(), duplicate.clone()), "{row}");
    }
    assert_eq!(backfill::run(&world, "apply").await["totals"]["written"], 1);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_sync_row_takes_the_free_keys_that_it_names_for_the_contact_that_it_matches() {
    let world = World::with_flags().await;
    let holder = create(&world, &json!({ "external_id": "E", "emails": ["a@shop.example"] })).await;
    let duplicate =
        create(&world, &json!({ "external_id": "E", "emails": ["b@shop.example"] })).await;
    delete(&world, &holder).await;
    let updated = ("updated".to_owned(), duplicate);
    // The row matches a contact by its email, because no contact holds the external id.
    let row = json!({ "external_id": "E", "emails": ["b@shop.example"] });
    assert_eq!(sync(&world, &row).await, updated);
    assert_eq!(sync(&world, &json!({ "external_id": "E" })).await, updated);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_sync_row_creates_a_new_contact_if_its_match_is_deleted_during_the_look_up() {
    let world = World::with_flags().await;
    let row = json!({ "external_id": "E", "name": "A" });
    let old = create(&world, &row).await;
    // The function reads the holder of the key before the deletion, and the holder's contact after
    // it.
    world.fault(&json!({ "target": "dynamodb", "function": "ContactSync",
        "action": "BatchGetItem", "skip": 2, "times": 1, "latency_ms": 600 }));
    world.fault(&json!({ "target": "dynamodb", "function": "ContactDelete",
        "action": "TransactWriteItems", "latency_ms": 200 }));
    let (synced, ()) = tokio::join!(sync(&world, &row), delete(&world, &old));
    assert_eq!(synced.0, "created");
    let found = world.get("maya", &format!("/cdp/customers/{}", synced.1)).await;
    assert_eq!(found.status, 200, "{found:?}");
    table_state::assert_consistent(&world).await;
}
