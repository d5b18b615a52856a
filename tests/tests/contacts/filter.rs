use serde_json::{Value, json};
use shared::contact::Contact;
use tests::{Log, World, person, team as team_id};

use super::company::{contact, everything, ids, is_own, names, pages, put, rule, team};

const VIEW: &str = "customers_customers_view";

async fn list(world: &World, user: &str, query: &str) -> Vec<String> {
    let response = world.get(user, &format!("/cdp/customers?limit=100&{query}")).await;
    assert_eq!(response.status, 200, "{query}: {}", response.body);
    response.ids()
}

/// Stores contacts with custom fields, tags and sources in the growth company.
async fn fields(world: &World) {
    let with = |n: i64, name: &str, custom: Value, tags: &[&str]| Contact {
        custom_fields: custom.as_object().unwrap().clone(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..contact(world, n, name)
    };
    let all = [
        with(1, "Gold Jakarta", json!({ "tier": 1, "areas": ["Jakarta", "Bogor"] }), &["vip"]),
        with(2, "Silver", json!({ "tier": 2, "active": true }), &["vip", "new"]),
        with(3, "Silver Bogor", json!({ "tier": "2", "areas": ["Bogor"] }), &[]),
        with(4, "Plain", json!({ "tier": null }), &[]),
    ];
    put(world, &all).await;
}

#[tokio::test]
async fn custom_fields_are_filtered_by_their_text_and_custom_lists_by_any_element() {
    let world = World::with_flags().await;
    fields(&world).await;
    for (query, expected) in [
        ("custom.tier=1", vec!["Gold Jakarta"]),
        ("custom.tier=2", vec!["Silver Bogor", "Silver"]),
        ("custom.tier=1&custom.tier=2", vec!["Silver Bogor", "Silver", "Gold Jakarta"]),
        ("custom.tier=2&custom.active=true", vec!["Silver"]),
        ("custom.areas=Bogor", vec!["Silver Bogor", "Gold Jakarta"]),
        ("custom.areas=Bogor&tags=vip", vec!["Gold Jakarta"]),
        ("custom.areas=bogor", vec![]),
        ("custom.unknown=1", vec![]),
        ("tags=new&tags=vip&source=test", vec!["Silver", "Gold Jakarta"]),
    ] {
        let response = world.get("maya", &format!("/cdp/customers?limit=100&{query}")).await;
        assert_eq!(names(&response), expected, "{query}");
    }
}

#[tokio::test]
async fn views_show_the_viewers_contacts_within_the_scope_at_every_level() {
    for flags in [true, false] {
        let world = World::start().await;
        world.flags(flags, flags).await;
        let all = everything(&world).await;
        for handle in ["maya", "hendra", "budi", "lars", "sinta", "putri", "rina", "andre", "agus"]
        {
            let viewer = world.directory.find(handle).unwrap();
            let teams = world.directory.expanded_team_ids(&viewer);
            let flag_off = !flags && viewer.levels[VIEW] == "team";
            let me = person(handle);
            let visible = |contact: &&Value| flag_off || rule(&world, handle, VIEW, contact);
            let matching = |is_match: &dyn Fn(&Value) -> bool| {
                ids(all.iter().filter(visible).filter(|contact| is_match(contact)))
            };
            let owned = matching(&|contact| contact["owner_id"] == me.as_str());
            assert_eq!(list(&world, handle, "view=owned-by-me").await, owned, "{handle}");
            let assigned = matching(&|contact| contact["assignee_id"] == me.as_str());
            assert_eq!(list(&world, handle, "view=assigned-to-me").await, assigned, "{handle}");
            let shared = matching(&|contact| {
                let owners = contact["team_owner_ids"].as_array().unwrap();
                owners.iter().any(|owner| teams.iter().any(|team| owner == team.as_str()))
            });
            assert_eq!(list(&world, handle, "view=teams").await, shared, "{handle} {flags}");
        }
    }
}

#[tokio::test]
async fn the_teams_view_narrows_to_own_contacts_and_reports_the_fallback_when_launchpad_fails() {
    for flags in [true, false] {
        let world = World::start().await;
        world.flags(flags, false).await;
        world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
        for handle in ["maya", "sinta", "andre"] {
            let log = Log::capture();
            let response = world.get(handle, "/cdp/customers?limit=100&view=teams").await;
            assert_eq!(response.status, 200);
            assert_eq!(response.body["meta"]["team_scope"], "owned_only_fallback", "{handle}");
            assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
            let contacts = response.data().as_array().unwrap();
            assert!(!contacts.is_empty() && contacts.iter().all(|it| is_own(handle, it)));
            assert_eq!(log.events("cdp_team_permission_fallback").len(), 1, "{handle}");
        }
        // A list without the view `teams` is not narrowed for a viewer who is not at level `team`.
        let all = world.get("maya", "/cdp/customers?limit=100").await;
        assert!(all.body["meta"]["team_scope"].is_null());
        assert!(!all.headers.contains_key("x-team-permission-fallback"));
    }
}

#[tokio::test]
async fn team_s02_the_log_of_a_list_contains_level_teams_and_plan() {
    let world = World::with_flags().await;
    let log = Log::capture();
    for path in ["/cdp/customers?limit=5", "/cdp/customers?limit=5&view=teams"] {
        for handle in ["lars", "maya", "andre"] {
            assert_eq!(world.get(handle, path).await.status, 200);
        }
    }
    let logged: Vec<(Value, Value, Value)> = log
        .responses()
        .into_iter()
        .map(|mut line| {
            let mut take = |name: &str| line[name].take();
            (take("permission_level"), take("viewer_team_count"), take("read_plan"))
        })
        .collect();
    let line = |level: &str, teams: usize, plan: &str| (json!(level), json!(teams), json!(plan));
    assert_eq!(
        logged,
        [
            line("team", 3, "merge"),
            line("everything", 0, "walk"),
            line("own", 0, "merge"),
            line("team", 3, "merge"),
            line("everything", 7, "merge"),
            line("own", 1, "merge"),
        ]
    );
}

#[tokio::test]
async fn a_date_filter_limits_the_items_read_and_pages_are_full() {
    let world = World::with_flags().await;
    let all: Vec<Contact> = (0..40).map(|n| contact(&world, n, &format!("At {n:02}"))).collect();
    put(&world, &all).await;
    let (from, to) = (all[10].created_at, all[30].created_at);
    let expected: Vec<String> = all[10..30].iter().rev().map(|it| it.id.to_string()).collect();
    let query = format!("created_from={from}&created_to={to}");
    assert_eq!(list(&world, "maya", &query).await, expected);
    assert_eq!(list(&world, "sinta", &query).await, expected, "all contacts are unassigned");
    let sizes: Vec<usize> = pages(&world, "sinta", &format!("/cdp/customers?limit=6&{query}"))
        .await
        .iter()
        .map(Vec::len)
        .collect();
    assert_eq!(sizes, [6, 6, 6, 2]);
    let mut ascending = list(&world, "maya", &format!("{query}&direction=asc")).await;
    ascending.reverse();
    assert_eq!(ascending, expected);
    let by_name = list(&world, "maya", &format!("{query}&order_by=name&direction=desc")).await;
    assert_eq!(by_name, expected, "the names are in the order of creation");
    assert_eq!(
        list(&world, "maya", &format!("created_from={to}&created_to={from}")).await.len(),
        0
    );
    // The text matches At 10 to At 19, and the dates limit these matches.
    let found = pages(&world, "maya", &format!("/cdp/customers?limit=3&{query}&q=at%201")).await;
    let mut found = ids(&found.concat());
    found.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(found, expected[10..]);
}

#[tokio::test]
async fn a_text_filter_selects_the_items_read_and_other_filters_narrow_the_result() {
    let world = World::with_flags().await;
    fields(&world).await;
    for (query, expected) in [
        ("q=silver", vec!["Silver", "Silver Bogor"]),
        ("q=silver&custom.areas=Bogor", vec!["Silver Bogor"]),
        ("q=silver&tags=vip", vec!["Silver"]),
        ("q=citra&view=owned-by-me", vec![]),
        ("q=nur%20aini&view=owned-by-me", vec!["Nur Aini"]),
    ] {
        let response = world.get("maya", &format!("/cdp/customers?{query}")).await;
        let mut found = names(&response);
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    for name in ["order_by=name", "order_by=created_at", "direction=asc"] {
        let response = world.get("maya", &format!("/cdp/customers?q=silver&{name}")).await;
        let field = name.split('=').next().unwrap();
        assert_eq!(
            (response.status, response.body["details"]["field"].as_str()),
            (400, Some(field))
        );
    }
}

#[tokio::test]
async fn an_invalid_list_filter_is_refused_with_its_field() {
    let world = World::with_flags().await;
    let many = |name: &str, value: &str| vec![format!("{name}={value}"); 101].join("&");
    let id = team_id("Sales");
    let long = "x".repeat(257);
    for (query, field) in [
        ("limit=1&limit=2".to_owned(), "limit"),
        ("cursor=&cursor=".to_owned(), "cursor"),
        ("view=teams&view=teams".to_owned(), "view"),
        ("view=mine".to_owned(), "view"),
        ("q=si".to_owned(), "q"),
        ("q=silver&q=gold".to_owned(), "q"),
        ("order_by=name&order_by=name".to_owned(), "order_by"),
        (
            "created_from=2026-01-01T00:00:00Z&created_from=2026-01-01T00:00:00Z".to_owned(),
            "created_from",
        ),
        ("created_to=2026".to_owned(), "created_to"),
        ("updated_from=yesterday".to_owned(), "updated_from"),
        ("updated_to=2026-02-30T00:00:00Z".to_owned(), "updated_to"),
        (
            "updated_to=2026-01-01T00:00:00Z&updated_to=2026-01-01T00:00:00Z".to_owned(),
            "updated_to",
        ),
        ("limit=%2B5".to_owned(), "limit"),
        ("created_to=2026-13-01T00:00:00Z".to_owned(), "created_to"),
        ("owner_id=%00".to_owned(), "owner_id"),
        ("team_owner_ids=Sales".to_owned(), "team_owner_ids"),
        ("custom.=x".to_owned(), "custom."),
        ("custom=x".to_owned(), "custom"),
        (format!("custom.{long}=1"), "custom"),
        (format!("tags={long}"), "tags"),
        (many("tags", "x"), "tags"),
        (many("source", "x"), "source"),
        (many("custom.tier", "1"), "custom"),
        (many("owner_id", &id), "owner_id"),
        (many("assignee_id", &id), "assignee_id"),
        (many("team_owner_ids", &id), "team_owner_ids"),
    ] {
        let response = world.get("maya", &format!("/cdp/customers?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{field}");
        assert_eq!(response.body["details"]["field"], field);
    }
}

#[tokio::test]
async fn a_filter_by_a_hundred_owners_works_like_a_filter_by_one() {
    let world = World::with_flags().await;
    let owned = |n: i64, owner: &str| Contact {
        owner_id: person(owner).parse().ok(),
        team_owner_ids: vec![team("Surabaya")],
        ..contact(&world, n, &format!("Owned {n}"))
    };
    let all: Vec<Contact> = (0..30).map(|n| owned(n, &format!("p{}", n % 10))).collect();
    put(&world, &all).await;
    let owners: Vec<String> =
        (0..100).map(|n| format!("owner_id={}", person(&format!("p{n}")))).collect();
    let query = owners.join("&");
    let expected: Vec<String> = all.iter().rev().map(|it| it.id.to_string()).collect();
    assert_eq!(list(&world, "maya", &query).await, expected);
    assert_eq!(list(&world, "agus", &query).await.len(), 0, "level own, and owner of none of them");
    let small = pages(&world, "hendra", &format!("/cdp/customers?limit=4&{query}")).await;
    assert_eq!(ids(&small.concat()), expected);
}

#[tokio::test]
async fn update_times_select_contacts_by_their_last_change_in_any_order_and_scope() {
    let world = World::with_flags().await;
    let all: Vec<Contact> = (0..12)
        .map(|n| {
            let created = contact(&world, n, &format!("At {n:02}"));
            // The oldest contact was changed last.
            let updated_at = world.clock.now() - jiff::SignedDuration::from_secs(n);
            Contact { updated_at, version: 2, ..created }
        })
        .collect();
    put(&world, &all).await;
    let (from, to) = (all[8].updated_at, all[3].updated_at);
    let expected: Vec<String> = all[4..=8].iter().rev().map(|it| it.id.to_string()).collect();
    let query = format!("updated_from={from}&updated_to={to}&source=test");
    for handle in ["maya", "sinta"] {
        assert_eq!(list(&world, handle, &query).await, expected, "{handle}");
        let by_name = list(&world, handle, &format!("{query}&order_by=name&direction=desc")).await;
        assert_eq!(by_name, expected, "{handle}");
    }
    let from_only = list(&world, "maya", &format!("updated_from={from}&source=test")).await;
    assert_eq!(from_only.len(), 9);
    let found = list(&world, "maya", &format!("{query}&q=at%2004")).await;
    assert_eq!(found, [all[4].id.to_string()]);
    // A change moves the contact into the range.
    let path = format!("/cdp/customers/{}", all[11].id);
    let change = serde_json::json!({ "tags": ["changed"] });
    world.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(world.call("maya", http::Method::PATCH, &path, Some(&change)).await.status, 200);
    let now = world.clock.now();
    assert_eq!(
        list(&world, "maya", &format!("updated_from={now}")).await,
        [all[11].id.to_string()]
    );
}
