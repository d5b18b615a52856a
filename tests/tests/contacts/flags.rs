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

#[tokio::test]
async fn with_no_plan_at_all_a_flag_that_is_on_counts_and_shows_nobody_more() {
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
