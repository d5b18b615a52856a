use serde_json::{Value, json};
use tests::{World, person, team};

/// The ids of the growth company's demo contacts that the plain rule allows a person to see.
async fn by_the_rule(world: &World, handle: &str) -> Vec<String> {
    let all = world.get("maya", "/cdp/customers?limit=100").await;
    let viewer = world.directory.find(handle).unwrap();
    let teams: Vec<String> = world.directory.expanded_team_ids(&viewer);
    let level = viewer.levels["customers_customers_view"].clone();
    let own = |contact: &Value| {
        contact["owner_id"] == viewer.sso_id.as_str()
            || contact["assignee_id"] == viewer.sso_id.as_str()
    };
    let team = |contact: &Value| {
        let owners = contact["team_owner_ids"].as_array().unwrap();
        owners.is_empty()
            || owners.iter().any(|owner| teams.iter().any(|team| owner == team.as_str()))
    };
    let admitted = all.data().as_array().unwrap().iter().filter(|contact| match level.as_str() {
        "everything" => true,
        "team" => team(contact) || own(contact),
        "own" => own(contact),
        _ => false,
    });
    admitted.map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn team_s02_ac1_every_viewer_sees_exactly_the_contacts_of_the_rule() {
    let world = World::with_flags().await;
    for handle in ["maya", "hendra", "budi", "sinta", "lars", "putri", "rina", "andre", "agus"] {
        let seen = world.get(handle, "/cdp/customers?limit=100").await;
        assert_eq!(seen.status, 200, "{handle}: {seen:?}");
        assert_eq!(seen.ids(), by_the_rule(&world, handle).await, "{handle}");
    }
}

#[tokio::test]
async fn team_s02_ac6_a_parent_team_sees_contacts_of_child_teams_and_not_the_reverse() {
    let world = World::with_flags().await;
    let names = |response: &tests::Response| -> Vec<String> {
        let contacts = response.data().as_array().unwrap().iter();
        contacts.map(|contact| contact["name"].as_str().unwrap().to_owned()).collect()
    };
    let supervisor = names(&world.get("budi", "/cdp/customers?limit=100").await);
    let agent = names(&world.get("sinta", "/cdp/customers?limit=100").await);
    assert!(supervisor.contains(&"Citra Anggraini".to_owned()), "a descendant team's contact");
    assert!(!agent.contains(&"Gita Savitri".to_owned()), "the parent team's contact");
}

#[tokio::test]
async fn team_s02_ac7_unassigned_contacts_are_visible_to_every_viewer_at_level_team() {
    let world = World::with_flags().await;
    for handle in ["sinta", "putri"] {
        let seen = world.get(handle, "/cdp/customers?limit=100").await;
        let unassigned = seen.data().as_array().unwrap().iter();
        let unassigned = unassigned.filter(|contact| contact["team_owner_ids"] == json!([]));
        assert!(unassigned.count() >= 2, "{handle}");
    }
}

#[tokio::test]
async fn a_disabled_viewer_is_refused() {
    let world = World::with_flags().await;
    let response = world.get("yuki", "/cdp/customers").await;
    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
    assert_eq!(response.body["message"], "permission disabled");
}

#[tokio::test]
async fn level_team_works_like_everything_with_the_flag_off() {
    let world = World::start().await;
    let sinta = world.get("sinta", "/cdp/customers?limit=100").await;
    assert_eq!(sinta.ids(), world.get("maya", "/cdp/customers?limit=100").await.ids());
    let own = world.get("andre", "/cdp/customers?limit=100").await;
    assert_eq!(own.ids(), by_the_rule(&world, "andre").await);
}

#[tokio::test]
async fn turning_the_flag_off_takes_effect_with_the_next_request() {
    let world = World::with_flags().await;
    let scoped = world.get("sinta", "/cdp/customers?limit=100").await.ids().len();
    world.flags(false, false).await;
    assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().len() > scoped);
}

#[tokio::test]
async fn team_s02_err1_the_list_narrows_to_own_contacts_and_reports_the_fallback_when_launchpad_fails()
 {
    let world = World::with_flags().await;
    for status in [500, 401, 404, 429] {
        world.faults.clear();
        world.fault(&json!({ "target": "launchpad.teams", "status": status }));
        // Move the clock so far that the process no longer remembers the previous failure.
        world.advance(jiff::SignedDuration::from_secs(4));
        let response = world.get("lars", "/cdp/customers?limit=100").await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body["meta"]["team_scope"], "owned_only_fallback", "{status}");
        assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
        let own = |contact: &Value| {
            contact["owner_id"] == person("lars").as_str()
                || contact["assignee_id"] == person("lars").as_str()
        };
        let contacts = response.data().as_array().unwrap();
        assert!(!contacts.is_empty() && contacts.iter().all(own));
    }
}

#[tokio::test]
async fn a_team_set_is_used_for_at_most_a_minute_while_launchpad_fails() {
    let mut world = World::with_flags().await;
    let seen = world.get("sinta", "/cdp/customers?limit=100").await.ids();
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    world.advance(jiff::SignedDuration::from_secs(59));
    // A new process also uses the team set, because the table stores it.
    world.restart_functions();
    assert_eq!(world.get("sinta", "/cdp/customers?limit=100").await.ids(), seen);
    world.advance(jiff::SignedDuration::from_secs(2));
    let response = world.get("sinta", "/cdp/customers?limit=100").await;
    assert_eq!(response.body["meta"]["team_scope"], "owned_only_fallback");
}

#[tokio::test]
async fn teams_that_no_level_needs_are_not_stored_and_their_failure_has_no_effect() {
    let world = World::with_flags().await;
    let writes = || {
        let usage = world.usage.snapshot();
        usage["ContactList"]["actions"]["dynamodb.PutItem"]["calls"].as_u64().unwrap_or_default()
    };
    world.usage.reset();
    world.get("maya", "/cdp/customers").await;
    assert_eq!(writes(), 0, "the level is everything");
    world.get("sinta", "/cdp/customers").await;
    assert_eq!(writes(), 1, "the level is team");
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    world.advance(jiff::SignedDuration::from_secs(61));
    let response = world.get("maya", "/cdp/customers").await;
    assert_eq!((response.status, &response.body["meta"]["team_scope"]), (200, &Value::Null));
}

#[tokio::test]
async fn a_list_is_503_when_launchpad_cannot_return_permissions() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.permissions", "status": 500 }));
    let response = world.get("sinta", "/cdp/customers").await;
    assert_eq!((response.status, response.error()), (503, "DIRECTORY_UNAVAILABLE"));
    assert!(response.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn pages_have_no_gaps_or_duplicates_in_any_order() {
    let world = World::with_flags().await;
    for order in ["created_at", "name"] {
        for direction in ["asc", "desc"] {
            for handle in ["maya", "lars", "hendra"] {
                let query = format!("/cdp/customers?order_by={order}&direction={direction}");
                let whole = world.get(handle, &format!("{query}&limit=100")).await;
                assert!(whole.body["meta"]["next_cursor"].is_null());
                let mut paged = Vec::new();
                let mut cursor = String::new();
                loop {
                    let page = world.get(handle, &format!("{query}&limit=2&cursor={cursor}")).await;
                    let ids = page.ids();
                    paged.extend(ids.clone());
                    match page.body["meta"]["next_cursor"].as_str() {
                        Some(next) => next.clone_into(&mut cursor),
                        None => break,
                    }
                    assert_eq!(ids.len(), 2, "a page before the last is full");
                }
                assert_eq!(paged, whole.ids(), "{handle} {order} {direction}");
            }
        }
    }
}

#[tokio::test]
async fn names_are_sorted_ignoring_case_and_accents() {
    let world = World::with_flags().await;
    let rows = json!({ "contacts": [
        { "external_id": "1", "name": "Émile" }, { "external_id": "2", "name": "eka" },
        { "external_id": "3", "name": "EMILE Zed" }, { "external_id": "4", "name": "Ann" },
        { "external_id": "5", "name": "Ann Lee" },
    ] });
    assert_eq!(world.post("maya", "/cdp/customers/sync", &rows).await.status, 200);
    let list = world.get("maya", "/cdp/customers?order_by=name&limit=100").await;
    let names = list.data().as_array().unwrap().iter();
    let ours: Vec<&str> = names
        .map(|contact| contact["name"].as_str().unwrap())
        .filter(|name| ["Émile", "eka", "EMILE Zed", "Ann", "Ann Lee"].contains(name))
        .collect();
    assert_eq!(ours, ["Ann", "Ann Lee", "eka", "Émile", "EMILE Zed"]);
}

#[tokio::test]
async fn a_list_cursor_is_only_a_position_and_never_widens_the_scope() {
    let world = World::with_flags().await;
    let page = world.get("maya", "/cdp/customers?limit=3").await;
    let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
    // With the cursor of a viewer in another scope or company, a viewer gets a part of the viewer's
    // own list.
    for handle in ["sinta", "claire"] {
        let own = world.get(handle, "/cdp/customers?limit=100").await.ids();
        let next = world.get(handle, &format!("/cdp/customers?limit=100&cursor={cursor}")).await;
        assert_eq!(next.status, 200);
        assert!(next.ids().iter().all(|id| own.contains(id)), "{handle}");
    }
    for broken in ["x", "!!", &cursor[1..], "eyJvIjoibmFtZSIsImsiOiJ4In0"] {
        let response = world.get("maya", &format!("/cdp/customers?cursor={broken}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{broken}");
    }
}

#[tokio::test]
async fn an_unknown_or_malformed_list_parameter_is_refused_with_its_name() {
    let world = World::with_flags().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("order_by=age", "order_by"),
        ("direction=up", "direction"),
        ("owner_id=x", "owner_id"),
        ("created_from=yesterday", "created_from"),
        ("colour=red", "colour"),
    ] {
        let response = world.get("maya", &format!("/cdp/customers?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
        assert_eq!(response.body["details"]["field"], field);
    }
}

#[tokio::test]
async fn filters_narrow_the_list_within_the_scope() {
    let world = World::with_flags().await;
    let everything = world.get("maya", "/cdp/customers?limit=100").await;
    let owned_by = |owner: &str| -> Vec<String> {
        let contacts = everything.data().as_array().unwrap().iter();
        let owned = contacts.filter(|contact| contact["owner_id"] == person(owner).as_str());
        owned.map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
    };
    let query = format!("owner_id={}&owner_id={}&limit=100", person("sinta"), person("lars"));
    let response = world.get("maya", &format!("/cdp/customers?{query}")).await;
    let mut expected = [owned_by("sinta"), owned_by("lars")].concat();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(response.ids(), expected);

    let surabaya = format!("/cdp/customers?team_owner_ids={}&limit=100", team("Surabaya"));
    assert_eq!(world.get("maya", &surabaya).await.ids().len(), 2);
    // Lars can see only the contact that Bandung owns in addition to Surabaya.
    assert_eq!(world.get("lars", &surabaya).await.ids().len(), 1);
    assert_eq!(world.get("maya", "/cdp/customers?source=demo&tags=vip").await.ids().len(), 0);
}

#[tokio::test]
async fn the_list_returns_the_viewers_permission_for_each_record() {
    let world = World::with_flags().await;
    let list = world.get("sinta", "/cdp/customers?limit=100").await;
    let all_manageable = list
        .data()
        .as_array()
        .unwrap()
        .iter()
        .all(|contact| contact["permission"] == json!({ "update": true, "delete": true }));
    assert!(all_manageable, "Sinta has the same level for all permissions");
}

#[tokio::test]
async fn a_list_page_costs_the_same_in_a_company_of_any_size() {
    let world = World::with_flags().await;
    world.get("lars", "/cdp/customers?limit=5").await;
    let cost = |world: &World| {
        let usage = world.usage.snapshot();
        world.usage.reset();
        usage["ContactList"]["actions"].clone()
    };
    cost(&world);
    world.get("lars", "/cdp/customers?limit=5").await;
    let small = cost(&world);
    let (table, clock) = (world.table().await, world.clock.clone());
    local::demo_contacts::load(&world.aws.database(), &table, &clock, 3_000).unwrap();
    cost(&world);
    world.get("lars", "/cdp/customers?limit=5").await;
    let large = cost(&world);
    let calls = |cost: &Value, action: &str| cost[action]["calls"].as_u64().unwrap_or(0);
    for action in ["dynamodb.Query", "dynamodb.BatchGetItem"] {
        assert!(calls(&small, action) > 0, "{small}");
        assert!(calls(&large, action) <= calls(&small, action) + 1, "{small} {large}");
    }
}
