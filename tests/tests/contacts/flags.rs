use serde_json::{Value, json};
use tests::World;

async fn set(world: &World, company: &str, flags: Value) -> Value {
    let mut event = flags;
    event["company_sso_id"] = json!(local::demo_company::id("company", company));
    world.invoke("SetFlags", event).await
}

#[tokio::test]
async fn flags_are_off_until_they_are_set_and_what_is_not_named_stays() {
    let world = World::start().await;
    let everything = world.get("sinta", "/cdp/customers?limit=100").await.ids().len();
    let answer = set(&world, "kopi", json!({ "cdp_team_permission_enabled": true })).await;
    assert_eq!(answer["cdp_notes_mention_enabled"], false);
    assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().len() < everything);
    let answer = set(&world, "kopi", json!({ "cdp_notes_mention_enabled": true })).await;
    assert_eq!(answer["cdp_team_permission_enabled"], true);
}

#[tokio::test]
async fn a_starter_company_is_refused() {
    let world = World::start().await;
    let answer = set(&world, "senja", json!({ "cdp_team_permission_enabled": true })).await;
    assert_eq!(answer["error"], "PLAN_NOT_ALLOWED");
    // Turning off is always possible.
    let answer = set(&world, "senja", json!({ "cdp_team_permission_enabled": false })).await;
    assert_eq!(answer["cdp_team_permission_enabled"], false);
}

#[tokio::test]
async fn a_flag_of_a_company_that_fell_back_to_starter_does_not_count() {
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
async fn without_launchpads_plan_the_one_at_the_time_of_setting_counts() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    let all = world.get("maya", "/cdp/customers?limit=100").await.ids().len();
    assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().len() < all);
}

#[tokio::test]
async fn two_operators_at_once_lose_no_flag() {
    let world = World::start().await;
    // Each sees the flags before the other one's are stored.
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
