//! Tests of `GET /cdp/me`: the signed-in user's own data, by which clients hide what would be
//! refused (SPEC §2).

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, person};

#[tokio::test]
async fn me_returns_the_viewers_own_company_plan_flags_and_levels() {
    let world = World::with_flags().await;
    let me = world.get("sinta", "/cdp/me").await;
    let level = json!({ "level": "team", "effective_level": "team" });
    let permissions = local::demo_company::PERMISSIONS;
    let permissions: serde_json::Map<String, Value> =
        permissions.iter().map(|name| ((*name).to_owned(), level.clone())).collect();
    let expected = json!({
        "id": person("sinta"), "name": "Sinta Maharani", "email": "sinta@kopi.example",
        "company": { "sso_id": local::demo_company::id("company", "kopi"),
            "name": "Nusantara Coffee Trading" },
        "plan": "growth", "locale": "id",
        "flags": { "cdp_team_permission_enabled": true, "cdp_notes_mention_enabled": true },
        "permissions": permissions,
    });
    assert_eq!((me.status, me.data()), (200, &expected));
    assert_eq!(me.headers["cache-control"], "no-store");
    assert_eq!(world.get("", "/cdp/me").await.status, 403);
    // A user without any permission also gets their own data.
    let yuki = world.get("yuki", "/cdp/me").await;
    let view = &yuki.data()["permissions"]["customers_customers_view"];
    assert_eq!(view, &json!({ "level": "disabled", "effective_level": "disabled" }));
}

#[tokio::test]
async fn me_shows_level_team_as_everything_while_the_team_flag_is_off() {
    let world = World::start().await;
    let effective = async |who: &str| {
        let me = world.get(who, "/cdp/me").await;
        me.data()["permissions"]["customers_customers_view"].clone()
    };
    let team_as_everything = json!({ "level": "team", "effective_level": "everything" });
    assert_eq!(effective("sinta").await, team_as_everything);
    assert_eq!(effective("andre").await, json!({ "level": "own", "effective_level": "own" }));
    world.flags(true, false).await;
    let team = json!({ "level": "team", "effective_level": "team" });
    assert_eq!(effective("sinta").await, team);
    let me = world.get("sinta", "/cdp/me").await;
    let flags = json!({ "cdp_team_permission_enabled": true, "cdp_notes_mention_enabled": false });
    assert_eq!(me.data()["flags"], flags);
    // The fallback narrows single requests; it is no level.
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    world.advance(SignedDuration::from_secs(61));
    assert_eq!(effective("sinta").await, team);
    assert!(world.get("sinta", "/cdp/me").await.body["meta"].is_null());
}

#[tokio::test]
async fn me_has_no_plan_while_launchpad_cannot_return_it_and_is_503_without_levels() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    let me = world.get("sinta", "/cdp/me").await;
    assert_eq!(me.status, 200);
    assert_eq!((&me.data()["plan"], &me.data()["company"]["name"]), (&Value::Null, &Value::Null));
    assert_eq!(me.data()["locale"], "en", "the default of the service");
    // The flags do not change while the plan is unknown.
    assert_eq!(me.data()["flags"]["cdp_team_permission_enabled"], true);
    world.fault(&json!({ "target": "launchpad.permissions", "status": 500 }));
    world.advance(SignedDuration::from_secs(11));
    let failed = world.get("sinta", "/cdp/me").await;
    assert_eq!((failed.status, failed.error()), (503, "DIRECTORY_UNAVAILABLE"));
}

#[tokio::test]
async fn me_shows_no_flag_in_effect_on_the_starter_plan() {
    let world = World::with_flags().await;
    let company = json!({ "companies": [{
        "company_sso_id": local::demo_company::id("company", "kopi"), "name": "Kopi",
        "plan": "starter", "locale": "id"
    }] });
    world.directory.upsert(serde_json::from_value(company).unwrap()).unwrap();
    let me = world.get("sinta", "/cdp/me").await;
    let off = json!({ "cdp_team_permission_enabled": false, "cdp_notes_mention_enabled": false });
    assert_eq!((&me.data()["plan"], &me.data()["flags"]), (&json!("starter"), &off));
}
