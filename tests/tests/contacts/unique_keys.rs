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

async fn change(world: &World, id: &str, body: &Value) {
    let path = format!("/cdp/customers/{id}");
    let response = world.call("maya", Method::PATCH, &path, Some(body)).await;
    assert_eq!(response.status, 200, "{response:?}");
}

#[tokio::test]
async fn a_key_is_handed_over_when_its_owner_is_deleted_or_changed() {
    for field in ["emails", "external_id"] {
        for is_deletion in [true, false] {
            let world = World::with_flags().await;
            let value = |text: &str| match field {
                "emails" => json!({ field: [format!("{text}@shop.example")] }),
                _ => json!({ field: text }),
            };
            let owner = create(&world, &value("p")).await;
            world.advance(jiff::SignedDuration::from_secs(1));
            let second = create(&world, &value("p")).await;
            world.advance(jiff::SignedDuration::from_secs(1));
            let third = create(&world, &value("p")).await;
            let updated = |id: &str| ("updated".to_owned(), id.to_owned());
            assert_eq!(sync(&world, &value("p")).await, updated(&owner));
            match is_deletion {
                true => delete(&world, &owner).await,
                false => change(&world, &owner, &value("q")).await,
            }
            assert_eq!(
                sync(&world, &value("P")).await.0,
                match field {
                    "emails" => "updated",
                    _ => "created",
                }
            );
            assert_eq!(sync(&world, &value("p")).await, updated(&second), "the oldest is next");
            delete(&world, &second).await;
            assert_eq!(sync(&world, &value("p")).await, updated(&third));
            table_state::assert_consistent(&world).await;
            delete(&world, &third).await;
            assert_eq!(sync(&world, &value("p")).await.0, "created", "no live contact has it");
            table_state::assert_consistent(&world).await;
        }
    }
}

#[tokio::test]
async fn a_sync_row_by_id_that_changes_the_email_hands_the_old_key_over() {
    let world = World::with_flags().await;
    let emails = |text: &str| json!({ "emails": [format!("{text}@shop.example")] });
    let owner = create(&world, &emails("p")).await;
    let waiting = create(&world, &emails("p")).await;
    let mut row = emails("q");
    row["id"] = json!(owner);
    assert_eq!(sync(&world, &row).await, ("updated".to_owned(), owner));
    assert_eq!(sync(&world, &emails("p")).await, ("updated".to_owned(), waiting));
}

#[tokio::test]
async fn the_backfill_finds_the_contact_that_a_key_was_handed_over_to() {
    let world = World::with_flags().await;
    let body = json!({ "external_id": "P-1" });
    let owner = create(&world, &body).await;
    create(&world, &body).await;
    delete(&world, &owner).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1")])).await;
    assert_eq!(backfill::run(&world, "apply").await["totals"]["written"], 1);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_row_with_an_id_updates_that_contact_and_otherwise_goes_by_its_keys() {
    let world = World::with_flags().await;
    let id = create(&world, &json!({ "emails": ["old@shop.example"] })).await;
    let path = format!("/cdp/customers/{id}");
    let mut row = world.get("maya", &path).await.data().clone();
    row["emails"] = json!(["new@shop.example"]);
    assert_eq!(sync(&world, &row).await, ("updated".to_owned(), id.clone()));
    let by_key = json!({ "emails": ["NEW@shop.example"] });
    assert_eq!(sync(&world, &by_key).await, ("updated".to_owned(), id.clone()));
    delete(&world, &id).await;
    // The id of a deleted contact is neither restored nor created again.
    let reused = sync(&world, &row).await;
    assert_eq!(reused.0, "created");
    assert_ne!(reused.1, id);
    for id in [id.as_str(), "no id of a contact"] {
        let rows = json!({ "contacts": [{ "id": id, "name": "A" }] });
        let response = world.post("maya", "/cdp/customers/sync", &rows).await;
        assert_eq!(response.data()[0]["error"]["error"], "NOT_FOUND", "{response:?}");
    }
    let rows = json!({ "contacts": [{ "id": 7, "external_id": "A" }] });
    let response = world.post("maya", "/cdp/customers/sync", &rows).await;
    assert_eq!(response.data()[0]["error"]["details"]["field"], "id");
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_row_cannot_take_a_key_that_another_contact_has_but_a_contact_keeps_a_shared_value() {
    let world = World::with_flags().await;
    let a = create(&world, &json!({ "external_id": "A", "emails": ["a@shop.example"] })).await;
    let b = create(&world, &json!({ "external_id": "B", "emails": ["b@shop.example"] })).await;
    for (row, field) in [
        (json!({ "id": b, "emails": ["A@shop.example"] }), "emails"),
        (json!({ "id": b, "external_id": "A" }), "external_id"),
        (json!({ "external_id": "B", "emails": ["a@shop.example"] }), "emails"),
    ] {
        let rows = json!({ "contacts": [row] });
        let response = world.post("maya", "/cdp/customers/sync", &rows).await;
        let error = &response.data()[0]["error"];
        assert_eq!(
            (&error["error"], &error["details"]["field"]),
            (&json!("KEY_TAKEN"), &json!(field))
        );
    }
    change(&world, &b, &json!({ "emails": ["a@shop.example"] })).await;
    let echo = json!({ "id": b, "emails": ["a@shop.example"], "name": "B" });
    assert_eq!(sync(&world, &echo).await, ("updated".to_owned(), b.clone()));
    assert_eq!(sync(&world, &json!({ "emails": ["a@shop.example"] })).await.1, a);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn rows_that_name_one_contact_by_id_and_by_key_are_applied_in_order() {
    let world = World::with_flags().await;
    let id = create(&world, &json!({ "emails": ["old@shop.example"] })).await;
    let rows = json!({ "contacts": [
        { "emails": ["old@shop.example"], "name": "First" },
        { "id": id, "emails": ["new@shop.example"], "name": "Second" },
        { "emails": ["new@shop.example"], "name": "Third" },
        { "emails": ["old@shop.example"], "name": "Another" },
    ] });
    let response = world.post("maya", "/cdp/customers/sync", &rows).await;
    let statuses: Vec<_> = (0..4).map(|n| response.data()[n]["status"].clone()).collect();
    assert_eq!(statuses, ["updated", "updated", "updated", "created"]);
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(contact.data()["name"], "Third");
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn an_address_with_invisible_characters_is_the_clean_address_or_refused() {
    let world = World::with_flags().await;
    let id = create(&world, &json!({ "emails": ["\u{200b}Zo\u{eb}@shop.example\u{feff}"] })).await;
    for email in
        ["zo\u{eb}@shop.example", "ZOE\u{308}@shop.example", "\u{200f}zo\u{eb}@shop.example"]
    {
        let row = json!({ "emails": [email, "Zo\u{eb}@SHOP.example"] });
        assert_eq!(sync(&world, &row).await, ("updated".to_owned(), id.clone()), "{email:?}");
    }
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(contact.data()["emails"].as_array().unwrap().len(), 1, "{contact:?}");
    for c in ['\u{200b}', '\u{feff}', '\u{200d}', '\u{2060}', '\u{200f}', ';', ',', '<', '"', ' '] {
        let body = json!({ "emails": [format!("a{c}b@shop.example")] });
        let response = world.post("maya", "/cdp/customers", &body).await;
        assert_eq!(
            (response.status, &response.body["details"]["field"]),
            (400, &json!("emails[0]"))
        );
    }
    let two = world.post("maya", "/cdp/customers", &json!({ "emails": ["a@x.com;b@y.com"] })).await;
    assert_eq!(two.status, 400);
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
