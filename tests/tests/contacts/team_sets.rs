//! Tests of team sets that one process stores and other processes use (SPEC §2).

use serde_json::json;
use tests::{Response, World, team};

const LIST: &str = "/cdp/customers?limit=100";

fn is_narrowed(response: &Response) -> bool {
    assert_eq!(response.status, 200, "{response:?}");
    response.headers.contains_key("x-team-permission-fallback")
}

#[tokio::test]
async fn a_fresh_team_set_of_another_instance_is_used_while_this_instance_remembers_a_failure() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500, "times": 1 }));
    let narrowed = world.get("sinta", LIST).await;
    assert!(is_narrowed(&narrowed));
    let own = narrowed.ids().remove(0);
    // This request goes to another function, whose call to Launchpad succeeds.
    assert!(!is_narrowed(&world.get("sinta", &format!("/cdp/customers/{own}")).await));
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let whole = world.get("sinta", LIST).await;
    assert!(!is_narrowed(&whole));
    assert!(whole.ids().len() > narrowed.ids().len());
    // The team set is now cached until it expires.
    assert!(!is_narrowed(&world.get("sinta", LIST).await));
    world.advance(jiff::SignedDuration::from_secs(61));
    assert!(is_narrowed(&world.get("sinta", LIST).await));
}

#[tokio::test]
async fn a_write_checks_team_owners_against_a_fresh_team_set_of_another_instance() {
    let world = World::with_flags().await;
    assert_eq!(world.get("maya", "/cdp/me/teams").await.status, 200);
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let body = |name: &str| json!({ "external_id": name, "team_owner_ids": [team(name)] });
    let created = world.post("maya", "/cdp/customers", &body("Sales")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let refused = world.post("maya", "/cdp/customers", &body("Support")).await;
    assert_eq!((refused.status, refused.error()), (422, "TEAM_OWNER_INVALID"));
    let rows = json!({ "contacts": [body("Sales")] });
    let synced = world.post("maya", "/cdp/customers/sync", &rows).await;
    assert_eq!(synced.data()[0]["status"], "updated", "{synced:?}");
    // An expired team set is not used.
    world.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(world.post("maya", "/cdp/customers", &body("Sales")).await.status, 503);
}
