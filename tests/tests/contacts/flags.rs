use serde_json::{Value, json};
use shared::{
    access::FlagRecord,
    table::{Key, to_item},
};
use tests::World;

async fn set(world: &World, company: &str, flags: Value) -> Value {
    let mut event = flags;
    event["company_sso_id"] = json!(local::demo_company::id("company", company));
    world.invoke("SetFlags", event).await
}

#[tokio::test]
async fn flags_are_off_by_default_and_flags_that_are_not_named_stay_unchanged() {
    let world = World::start().await;
    let everything = world.get("sinta", "/cdp/customers?limit=100").await.ids().len();
    let response = set(&world, "kopi", json!({ "cdp_team_permission_enabled": true })).await;
    assert_eq!(response["cdp_notes_mention_enabled"], false);
    assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().len() < everything);
    let response = set(&world, "kopi", json!({ "cdp_notes_mention_enabled": true })).await;
    assert_eq!(response["cdp_team_permission_enabled"], true);
}

#[tokio::test]
async fn a_starter_company_cannot_turn_a_flag_on() {
    let world = World::start().await;
    let response = set(&world, "senja", json!({ "cdp_team_permission_enabled": true })).await;
    assert_eq!(response["error"], "PLAN_NOT_ALLOWED");
    // An operator can turn off a flag in any plan.
    let response = set(&world, "senja", json!({ "cdp_team_permission_enabled": false })).await;
    assert_eq!(response["cdp_team_permission_enabled"], false);
}

#[tokio::test]
async fn a_flag_has_no_effect_after_a_downgrade_to_the_starter_plan() {
    let world = World::with_flags().await;
    let company = json!({ "companies": [{
        "company_sso_id": local::demo_company::id("company", "kopi"), "name": "Kopi",
        "plan": "starter", "locale": "id"
    }] });
    world.directory.upsert(serde_json::from_value(company).unwrap()).unwrap();
    let all = world.get("maya", "/cdp/customers?limit=100").await.ids();
    assert_eq!(world.get("sinta", "/cdp/customers?limit=100").await.ids(), all);
}

#[tokio::test]
async fn the_plan_stored_with_the_flags_is_used_when_launchpad_cannot_return_the_plan() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    let all = world.get("maya", "/cdp/customers?limit=100").await.ids().len();
    assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().len() < all);
}

#[tokio::test]
async fn concurrent_operators_lose_no_flag() {
    let world = World::start().await;
    // Both operators read the flags before one of them stores a change.
    world.fault(&json!({ "target": "dynamodb", "latency_ms": 100, "function": "SetFlags" }));
    for on in [true, false] {
        tokio::join!(
            set(&world, "kopi", json!({ "cdp_team_permission_enabled": on })),
            set(&world, "kopi", json!({ "cdp_notes_mention_enabled": on })),
        );
        let now = set(&world, "kopi", json!({})).await;
        let flags = (&now["cdp_team_permission_enabled"], &now["cdp_notes_mention_enabled"]);
        assert_eq!(flags, (&json!(on), &json!(on)));
    }
}

#[tokio::test]
async fn a_flag_stays_on_without_any_known_plan_and_widens_no_scope() {
    let world = World::start().await;
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    let record = FlagRecord { cdp_team_permission_enabled: true, ..FlagRecord::default() };
    let item = to_item(&Key::flags(&company), &record).unwrap();
    world.table().await.put(item).await.unwrap();
    let scoped = world.get("sinta", "/cdp/customers?limit=100").await.ids();
    assert!(scoped.len() < world.get("maya", "/cdp/customers?limit=100").await.ids().len());
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    world.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(world.get("sinta", "/cdp/customers?limit=100").await.ids(), scoped);
}

#[tokio::test]
async fn a_flag_is_turned_off_for_a_known_company_only_but_also_while_launchpad_fails() {
    let world = World::with_flags().await;
    let off =
        |company: &str| json!({ "company_sso_id": company, "cdp_team_permission_enabled": false });
    let company = local::demo_company::id("company", "kopi");
    let unknown = world.invoke("SetFlags", off("typing-error")).await;
    assert_eq!(unknown["error"], "NOT_FOUND", "{unknown}");
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    world.advance(jiff::SignedDuration::from_secs(61));
    for company in [&company, "unknown-while-launchpad-fails"] {
        let answer = world.invoke("SetFlags", off(company)).await;
        assert_eq!(answer["cdp_team_permission_enabled"], false, "{answer}");
    }
}

#[tokio::test]
async fn an_unknown_company_is_reported_as_unknown_and_not_as_a_temporary_failure() {
    let world = World::start().await;
    let on = json!({ "company_sso_id": "no-such-company", "cdp_team_permission_enabled": true });
    let response = world.invoke("SetFlags", on.clone()).await;
    assert_eq!(
        (&response["error"], &response["details"]["field"]),
        (&json!("NOT_FOUND"), &json!("company_sso_id"))
    );
    assert!(response["message"].as_str().unwrap().contains("does not know this company"));
    // A failure of Launchpad is a different error: the operator should try again.
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    world.advance(jiff::SignedDuration::from_secs(4));
    assert_eq!(world.invoke("SetFlags", on).await["error"], "DIRECTORY_UNAVAILABLE");
}
