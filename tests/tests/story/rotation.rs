//! The rotation of the secret, in the order of the steps in `docs/runbook.md`, "Rotate the secret".

use jiff::SignedDuration;
use local::upstreams::{LAUNCHPAD_PASSWORD, NOTIFICATION_API_KEY};
use serde_json::{Value, json};
use tests::{World, person};

const NEW_PASSWORD: &str = "new-launchpad";
const NEW_API_KEY: &str = "new-notifications";

/// Calls functions that call Launchpad and the Notification Service, with nothing cached for too
/// long, and asserts that each request succeeds.
async fn assert_requests_succeed(world: &World, step: &str) {
    world.advance(SignedDuration::from_mins(2));
    let list = world.get("sinta", "/cdp/customers").await;
    assert_eq!(list.status, 200, "{step}: {}", list.body);
    assert_eq!(list.body["meta"]["team_scope"], Value::Null, "{step}: narrowed");
    let people = world.get("sinta", "/cdp/people?query=bu").await;
    assert_eq!(people.status, 200, "{step}: {}", people.body);
    let created = world.post("sinta", "/cdp/customers", &json!({ "name": "Rotated" })).await;
    assert_eq!(created.status, 201, "{step}: {}", created.body);
    let contact = created.data()["id"].as_str().unwrap();
    let note = format!("<p><a data-user-id=\"{}\">@x</a> {step}</p>", person("budi"));
    let path = format!("/v1/contacts/{contact}/notes");
    let noted = world.post("sinta", &path, &json!({ "note": note })).await;
    assert_eq!((noted.status, &noted.body["warnings"]), (201, &Value::Null), "{step}");
    let before = world.notifications.list().len();
    world.process_queues().await;
    assert_eq!(world.notifications.list().len(), before + 1, "{step}: the mention is notified");
}

#[tokio::test]
async fn no_request_fails_during_a_rotation_of_the_secret() {
    let mut world = World::with_flags().await;
    assert_requests_succeed(&world, "before").await;
    // 1. Both passwords are valid.
    world.upstreams.passwords().accept(NEW_PASSWORD);
    world.upstreams.api_keys().accept(NEW_API_KEY);
    assert_requests_succeed(&world, "both are valid").await;
    // 2. The secret gets a new version. No function changes.
    world.store_secret(&[
        ("launchpad_password", NEW_PASSWORD),
        ("notification_api_key", NEW_API_KEY),
    ]);
    assert_requests_succeed(&world, "the secret is stored").await;
    // 3. The deploy publishes one function after the other, so that old and new ones run together.
    for function in world.holders_of_the_secret() {
        world.publish(&function).await;
        assert_requests_succeed(&world, &function).await;
    }
    // 4. The old password is revoked.
    world.upstreams.passwords().revoke(LAUNCHPAD_PASSWORD);
    world.upstreams.api_keys().revoke(NOTIFICATION_API_KEY);
    assert_requests_succeed(&world, "the old password is revoked").await;
}

#[tokio::test]
async fn revoking_the_old_password_before_the_deploy_fails_requests() {
    let world = World::with_flags().await;
    world.upstreams.passwords().accept(NEW_PASSWORD);
    assert_requests_succeed(&world, "before").await;
    world.upstreams.passwords().revoke(LAUNCHPAD_PASSWORD);
    world.advance(SignedDuration::from_mins(2));
    let refused = world.get("sinta", "/cdp/customers").await;
    assert_eq!((refused.status, refused.error()), (503, "DIRECTORY_UNAVAILABLE"));
}
