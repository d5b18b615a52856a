use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Log, Response, World, person, team};

use super::table_state;

async fn create(world: &World, user: &str, body: Value) -> String {
    let response = world.post(user, "/cdp/customers", &body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

async fn delete(world: &World, user: &str, id: &str) -> Response {
    world.call(user, Method::DELETE, &format!("/cdp/customers/{id}"), None).await
}

#[tokio::test]
async fn team_s06_ac1_a_deleted_contact_is_gone_everywhere_and_its_keys_are_free() {
    let world = World::with_flags().await;
    let body = json!({
        "name": "Ayu", "external_id": "E", "emails": ["e@shop.example"], "phones": ["0812 3456"],
        "team_owner_ids": [team("Jakarta SMB")], "assignee_id": person("andre"),
    });
    let id = create(&world, "sinta", body).await;
    let path = format!("/cdp/customers/{id}");
    let notes = format!("/v1/contacts/{id}/notes");
    assert_eq!(world.post("sinta", &notes, &json!({ "note": "x" })).await.status, 201);
    let response = delete(&world, "sinta", &id).await;
    assert_eq!((response.status, &response.body), (200, &json!({ "data": {} })));
    for user in ["sinta", "maya", "andre"] {
        assert_eq!(world.get(user, &path).await.status, 404, "{user}");
        assert_eq!(delete(&world, user, &id).await.status, 404, "{user}");
        let change = world.call(user, Method::PATCH, &path, Some(&json!({ "name": "B" }))).await;
        assert_eq!((change.status, change.error()), (404, "NOT_FOUND"), "{user}");
        assert_eq!(world.get(user, &notes).await.status, 404);
        for order in ["created_at", "name"] {
            let list = format!("/cdp/customers?limit=100&order_by={order}");
            assert!(!world.get(user, &list).await.ids().contains(&id), "{user}");
        }
    }
    // No stale item is left after the deletion.
    table_state::assert_consistent(&world).await;
    let rows = json!({ "contacts": [{ "external_id": "E", "emails": ["e@shop.example"] }] });
    let synced = world.post("maya", "/cdp/customers/sync", &rows).await;
    assert_eq!(synced.data()[0]["status"], "created");
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn team_s06_ac2_s07_a_deletion_of_a_contact_out_of_scope_is_403_on_every_platform() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let body = json!({ "name": "A", "team_owner_ids": [team("Sales")] });
    let id = create(&world, "maya", body).await;
    let path = format!("/cdp/customers/{id}");
    // The rule of TEAM-S07 also applies on mobile.
    for platform in ["web", "mobile"] {
        let headers = [("x-platform", platform)];
        let response = world.send("sinta", Method::DELETE, &path, &headers, Bytes::new()).await;
        assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
        assert_eq!(response.body["message"], "out of your team scope");
    }
    let events = log.events("cdp_team_permission_denied");
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["permission_name"], "customers_customers_delete");
    assert_eq!(events[1]["contact_id"], id);
    assert_eq!(world.get("maya", &path).await.status, 200);
}

#[tokio::test]
async fn team_s06_ac3_a_disabled_user_cannot_delete_contacts() {
    let world = World::with_flags().await;
    let id = create(&world, "maya", json!({ "name": "A" })).await;
    let response = delete(&world, "yuki", &id).await;
    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
    assert_eq!(response.body["message"], "permission disabled");
    for (user, id) in [("claire", id.as_str()), ("maya", "nonsense"), ("maya", "%2e%2e")] {
        assert_eq!(delete(&world, user, id).await.status, 404, "{user} {id}");
    }
}

#[tokio::test]
async fn deletion_has_its_own_level() {
    let world = World::with_flags().await;
    let mut sinta = world.directory.find("sinta").unwrap();
    sinta.levels.insert("customers_customers_delete".to_owned(), "own".to_owned());
    let upserts = serde_json::from_value(json!({ "people": [sinta] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    let body = json!({ "name": "A", "owner_id": null, "team_owner_ids": [team("Jakarta SMB")] });
    let id = create(&world, "sinta", body).await;
    let seen = world.get("sinta", &format!("/cdp/customers/{id}")).await;
    assert_eq!(seen.data()["permission"], json!({ "update": true, "delete": false }));
    assert_eq!(delete(&world, "sinta", &id).await.status, 403);
    let own = create(&world, "sinta", json!({ "name": "B" })).await;
    assert_eq!(delete(&world, "sinta", &own).await.status, 200);
}

#[tokio::test]
async fn only_own_contacts_can_be_deleted_and_no_denial_is_logged_when_launchpad_fails() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": null, "team_owner_ids": [team("Bandung")] });
    let team_list = create(&world, "lars", body).await;
    let own = create(&world, "lars", json!({ "name": "B" })).await;
    world.advance(jiff::SignedDuration::from_secs(61));
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let log = Log::capture();
    assert_eq!(delete(&world, "lars", &team_list).await.status, 403);
    assert!(log.events("cdp_team_permission_denied").is_empty());
    assert_eq!(log.events("cdp_team_permission_fallback").len(), 1);
    let response = delete(&world, "lars", &own).await;
    assert_eq!((response.status, response.data()), (200, &json!({})));
    assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
}

#[tokio::test]
async fn a_deletion_during_other_writes_leaves_nothing_behind_and_is_the_last_of_them() {
    let world = World::with_flags().await;
    for round in 0..4 {
        let body = json!({ "name": "A", "external_id": format!("R{round}") });
        let id = create(&world, "maya", body).await;
        let path = format!("/cdp/customers/{id}");
        let change = |n: usize| {
            let teams = [vec![team("Sales")], vec![]][n % 2].clone();
            json!({ "name": format!("Name {n}"), "team_owner_ids": teams })
        };
        let changes = (0..8).map(|n| {
            let (world, path) = (&world, &path);
            async move { world.call("maya", Method::PATCH, path, Some(&change(n))).await }
        });
        let (deleted, changed) =
            tokio::join!(delete(&world, "maya", &id), futures::future::join_all(changes));
        assert_eq!(deleted.status, 200, "{deleted:?}");
        assert!(
            changed.iter().all(|response| [200, 404].contains(&response.status)),
            "{changed:?}"
        );
        assert_eq!(world.get("maya", &path).await.status, 404);
        // No change was written after the deletion, so that only the restoration has a later version.
        let restored = world.call("maya", Method::POST, &format!("{path}/restore"), None).await;
        let deleted_version = restored.data()["version"].as_u64().unwrap() - 1;
        for change in changed.iter().filter(|change| change.status == 200) {
            assert!(change.data()["version"].as_u64().unwrap() < deleted_version, "{changed:?}");
        }
        assert_eq!(delete(&world, "maya", &id).await.status, 200);
    }
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn only_one_of_two_concurrent_deletions_finds_the_contact() {
    let world = World::with_flags().await;
    let id = create(&world, "maya", json!({ "name": "A" })).await;
    let (one, other) = tokio::join!(delete(&world, "maya", &id), delete(&world, "hendra", &id));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
}

/// Adds a person who is in a hundred teams, and returns the ids of the person and of the teams.
pub(super) fn with_many_teams(world: &World) -> (String, Vec<String>) {
    let company = local::demo_company::id("company", "kopi");
    let teams: Vec<String> =
        (0..100).map(|n| local::demo_company::team_id("kopi", &format!("T{n}"))).collect();
    let levels: serde_json::Map<String, Value> = local::demo_company::PERMISSIONS
        .iter()
        .map(|permission| ((*permission).to_owned(), json!("everything")))
        .collect();
    let upserts = json!({
        "teams": teams.iter().map(|id| json!({
            "id": id, "company_sso_id": company, "name": id, "parent_id": null
        })).collect::<Vec<_>>(),
        "people": [{
            "sso_id": person("many"), "company_sso_id": company, "full_name": "Many Teams",
            "email": "many@kopi.example", "team_ids": teams, "levels": levels,
        }]
    });
    world.directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
    (person("many"), teams)
}

#[tokio::test]
async fn a_contact_with_a_hundred_teams_is_written_moved_and_deleted_in_stages() {
    let world = World::with_flags().await;
    let (many, teams) = with_many_teams(&world);
    let body = json!({ "name": "Wide Load", "emails": ["w@w.example"], "team_owner_ids": teams });
    let id = create(&world, &many, body).await;
    table_state::assert_consistent(&world).await;
    let path = format!("/cdp/customers/{id}");
    let change = json!({ "team_owner_ids": teams[..1], "name": "Narrow" });
    assert_eq!(world.call(&many, Method::PATCH, &path, Some(&change)).await.status, 200);
    // The stale pointers are kept and contain the new team owners.
    let team_list = |team: &str| format!("/cdp/customers?team_owner_ids={team}");
    assert_eq!(world.get("maya", &team_list(&teams[0])).await.ids(), [id.as_str()]);
    assert!(world.get("maya", &team_list(&teams[99])).await.ids().is_empty());
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
    let change = json!({ "team_owner_ids": teams });
    assert_eq!(world.call(&many, Method::PATCH, &path, Some(&change)).await.status, 200);
    assert_eq!(delete(&world, &many, &id).await.status, 200);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_deletion_checks_and_logs_only_its_own_permission() {
    let world = World::with_flags().await;
    let body = || json!({ "name": "A" });
    let ids = [create(&world, "sinta", body()).await, create(&world, "sinta", body()).await];
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let log = Log::capture();
    let fallbacks = || log.events("cdp_team_permission_fallback");
    world.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(delete(&world, "sinta", &ids[0]).await.status, 200);
    assert_eq!(fallbacks().len(), 1);
    assert_eq!(fallbacks()[0]["permission_name"], "customers_customers_delete");
    // Only Sinta's permission for changes depends on teams now, so her deletion does not need them.
    let mut sinta = world.directory.find("sinta").unwrap();
    sinta.levels.insert("customers_customers_delete".to_owned(), "everything".to_owned());
    let upserts = serde_json::from_value(json!({ "people": [sinta] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    world.advance(jiff::SignedDuration::from_secs(61));
    let response = delete(&world, "sinta", &ids[1]).await;
    assert_eq!((response.status, fallbacks().len()), (200, 1));
    assert!(!response.headers.contains_key("x-team-permission-fallback"));
}
