use http::Method;
use serde_json::{Map, Value, json};
use shared::{contact::Catalog, id::CompanyId};
use tests::World;

/// The growth company's custom fields as a map from key to type.
async fn fields(world: &World) -> Map<String, Value> {
    let company: CompanyId = local::demo_company::id("company", "kopi").parse().unwrap();
    let fields = Catalog::load(&world.table().await, &company).await.unwrap();
    let fields = serde_json::to_value(fields).unwrap();
    let pairs = fields.as_array().unwrap().iter();
    pairs.map(|field| (field["key"].as_str().unwrap().to_owned(), field["type"].clone())).collect()
}

async fn create(world: &World, user: &str, fields: Value) -> String {
    let body = json!({ "name": "A", "custom_fields": fields });
    let response = world.post(user, "/cdp/customers", &body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_write_adds_its_custom_fields_and_their_types_to_the_catalog() {
    let world = World::with_flags().await;
    let id = create(&world, "maya", json!({ "tier": "gold", "since": "2026-01-31" })).await;
    let path = format!("/cdp/customers/{id}");
    let change = json!({ "custom_fields": { "visits": 3, "tier": null } });
    assert_eq!(world.call("maya", Method::PATCH, &path, Some(&change)).await.status, 200);
    let rows = json!({ "contacts": [
        { "external_id": "1", "custom_fields": { "vip": true, "visits": 4 } },
        { "external_id": "2", "custom_fields": { "langs": ["id", "en"], "visits": "many" } },
        { "external_id": "3", "name": 7, "custom_fields": { "of a rejected row": 1 } },
    ] });
    assert_eq!(world.post("maya", "/cdp/customers/sync", &rows).await.status, 200);
    // Another company's fields stay in that company's catalog.
    create(&world, "claire", json!({ "theirs": 1 })).await;
    let expected = json!({
        "langs": "list", "since": "date", "tier": "text", "vip": "boolean", "visits": "number"
    });
    assert_eq!(Value::Object(fields(&world).await), expected);
}

#[tokio::test]
async fn a_write_without_new_custom_fields_makes_no_extra_call() {
    let world = World::with_flags().await;
    create(&world, "maya", json!({ "tier": "gold" })).await;
    world.usage.reset();
    create(&world, "maya", json!({ "tier": "silver" })).await;
    let actions = world.usage.snapshot()["ContactWrite"]["actions"].clone();
    assert_eq!(actions["dynamodb.GetItem"]["calls"].as_u64().unwrap_or(0), 0, "{actions}");
    assert_eq!(actions["dynamodb.PutItem"]["calls"].as_u64().unwrap_or(0), 0, "{actions}");
}

#[tokio::test]
async fn concurrent_writers_lose_no_catalog_field() {
    let world = World::with_flags().await;
    // More writers could need longer than the second that a catalog is waited for.
    let writes = (0..4).map(|n| create(&world, "maya", json!({ format!("field {n}"): n })));
    futures::future::join_all(writes).await;
    assert_eq!(fields(&world).await.len(), 4);
}

#[tokio::test]
async fn custom_fields_beyond_500_are_saved_on_the_contact_and_not_added_to_the_catalog() {
    let world = World::with_flags().await;
    let many = |from: usize| -> Value {
        (from..from + 300).map(|n| (format!("f{n:03}"), json!(n))).collect::<Map<_, _>>().into()
    };
    create(&world, "maya", many(0)).await;
    let id = create(&world, "maya", many(300)).await;
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(contact.data()["custom_fields"].as_object().unwrap().len(), 300);
    assert_eq!(fields(&world).await.len(), 500);
}

#[tokio::test]
async fn a_catalog_error_does_not_fail_the_contact_and_the_next_write_updates_the_catalog() {
    let world = World::with_flags().await;
    world.fault(&json!({
        "target": "dynamodb", "status": 500, "action": "GetItem", "function": "ContactWrite"
    }));
    create(&world, "maya", json!({ "tier": "gold" })).await;
    assert!(fields(&world).await.is_empty());
    world.faults.clear();
    create(&world, "maya", json!({ "tier": "gold" })).await;
    assert_eq!(fields(&world).await.len(), 1);
}

#[tokio::test]
async fn a_catalog_that_does_not_respond_does_not_block_the_contact() {
    let world = World::with_flags().await;
    world.fault(&json!({
        "target": "dynamodb", "latency_ms": 60_000, "action": "GetItem", "function": "ContactWrite"
    }));
    let created = create(&world, "maya", json!({ "tier": "gold" }));
    let within = tokio::time::timeout(std::time::Duration::from_secs(8), created).await;
    assert!(within.is_ok(), "the function's own time-out is ten seconds");
}
