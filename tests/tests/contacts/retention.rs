//! Deleted contacts that can still be restored (SPEC §2, "Retention").

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, Response, World, person, team};

use super::table_state;

pub(super) async fn create(world: &World, user: &str, body: &Value) -> String {
    let response = world.post(user, "/cdp/customers", body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

pub(super) async fn delete(world: &World, user: &str, id: &str) {
    let response = world.call(user, Method::DELETE, &format!("/cdp/customers/{id}"), None).await;
    assert_eq!(response.status, 200, "{response:?}");
}

pub(super) async fn restore(world: &World, user: &str, id: &str) -> Response {
    world.call(user, Method::POST, &format!("/cdp/customers/{id}/restore"), None).await
}

async fn deleted_list(world: &World, user: &str, query: &str) -> Response {
    world.get(user, &format!("/cdp/customers?view=deleted{query}")).await
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

#[tokio::test]
async fn a_restored_contact_is_found_everywhere_and_has_its_notes_as_before() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let body = json!({
        "name": "Ayu Lestari", "external_id": "E", "emails": ["ayu@shop.example"],
        "phones": ["0812 3456 789"], "team_owner_ids": [team("Jakarta SMB")],
        "assignee_id": person("andre"), "custom_fields": { "tier": "gold" }, "tags": ["vip"],
    });
    let id = create(&world, "sinta", &body).await;
    let path = format!("/cdp/customers/{id}");
    let notes = format!("/v1/contacts/{id}/notes");
    assert_eq!(world.post("sinta", &notes, &json!({ "note": "Called." })).await.status, 201);
    let before = world.get("sinta", &path).await;
    let notes_before = world.get("sinta", &notes).await;
    delete(&world, "sinta", &id).await;
    assert_eq!(world.get("sinta", &notes).await.status, 404);
    table_state::assert_consistent(&world).await;
    world.advance(days(30) - SignedDuration::from_secs(1));
    world.clean_up(world.clock.now()).await;
    let restored = restore(&world, "sinta", &id).await;
    assert_eq!((restored.status, &restored.body["warnings"]), (200, &Value::Null), "{restored:?}");
    let same = |contact: &Value| {
        let mut contact = contact.clone();
        contact["version"].take();
        contact["updated_at"].take();
        contact
    };
    let after = world.get("sinta", &path).await;
    assert_eq!((same(after.data()), after.data()), (same(before.data()), restored.data()));
    assert_eq!(world.get("sinta", &notes).await.data(), notes_before.data());
    for query in [
        "/cdp/customers?limit=100",
        "/cdp/customers?limit=100&order_by=name",
        "/cdp/customers?view=assigned-to-me",
        "/cdp/customers?view=teams&limit=100",
        "/cdp/customers/search-assoc?q=lestari",
    ] {
        let user = if query.contains("assigned") { "andre" } else { "sinta" };
        assert!(world.get(user, query).await.ids().contains(&id), "{query}");
    }
    for address in ["by-email/ayu@shop.example", "by-phone/08123456789"] {
        let found = world.get("sinta", &format!("/cdp/customers/{address}")).await;
        assert_eq!(found.data()["id"], id, "{address}");
    }
    let rows = json!({ "contacts": [{ "external_id": "E", "name": "Ayu L." }] });
    let synced = world.post("sinta", "/cdp/customers/sync", &rows).await;
    assert_eq!(
        (&synced.data()[0]["status"], &synced.data()[0]["id"]),
        (&"updated".into(), &json!(id))
    );
    // The due item of the deletion is gone: nothing is erased after the old end of the retention.
    world.advance(days(60));
    table_state::clean_up(&world).await;
    assert_eq!(world.get("sinta", &path).await.status, 200);
    table_state::assert_consistent(&world).await;
    for (event, user) in [("cdp_contact_deleted", "sinta"), ("cdp_contact_restored", "sinta")] {
        let events = log.events(event);
        assert_eq!(events.len(), 1, "{event}");
        assert_eq!(events[0]["contact_id"], id);
        assert_eq!(events[0]["user_sso_id"], person(user));
    }
    assert!(log.events("cdp_contact_erased").is_empty());
}

#[tokio::test]
async fn restoring_a_contact_that_is_not_deleted_changes_nothing() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let id = create(&world, "maya", &json!({ "name": "A" })).await;
    let before = world.get("maya", &format!("/cdp/customers/{id}")).await;
    let restored = restore(&world, "maya", &id).await;
    assert_eq!((restored.status, restored.data()), (200, before.data()));
    delete(&world, "maya", &id).await;
    let (one, other) = tokio::join!(restore(&world, "maya", &id), restore(&world, "hendra", &id));
    assert_eq!((one.status, other.status), (200, 200), "the second one finds a live contact");
    assert_eq!(one.data()["version"], 3);
    assert_eq!(log.events("cdp_contact_restored").len(), 1);
}

#[tokio::test]
async fn a_restoration_out_of_scope_is_403_and_of_an_unknown_contact_404() {
    let world = World::with_flags().await;
    let id =
        create(&world, "maya", &json!({ "name": "A", "team_owner_ids": [team("Sales")] })).await;
    delete(&world, "maya", &id).await;
    let log = Log::capture();
    let refused = restore(&world, "sinta", &id).await;
    assert_eq!((refused.status, refused.error()), (403, "FORBIDDEN"));
    assert_eq!(log.events("cdp_team_permission_denied").len(), 1);
    assert_eq!(restore(&world, "yuki", &id).await.status, 403, "level disabled");
    for (user, id) in [("claire", id.as_str()), ("maya", &person("maya")), ("maya", "nonsense")] {
        assert_eq!(restore(&world, user, id).await.status, 404, "{user} {id}");
    }
    assert_eq!(restore(&world, "maya", &id).await.status, 200);
}

#[tokio::test]
async fn a_key_that_another_contact_took_stays_there() {
    let world = World::with_flags().await;
    let body =
        json!({ "name": "A", "external_id": "E", "emails": ["e@shop.example", "f@shop.example"] });
    let id = create(&world, "maya", &body).await;
    delete(&world, "maya", &id).await;
    let rows = json!({ "contacts": [{ "emails": ["E@shop.example"], "name": "B" }] });
    let other = world.post("maya", "/cdp/customers/sync", &rows).await;
    let other = other.data()[0]["id"].as_str().unwrap().to_owned();
    assert_ne!(other, id);
    let restored = restore(&world, "maya", &id).await;
    assert_eq!(restored.status, 200);
    assert_eq!(restored.body["warnings"][0]["code"], "KEY_NOT_RESTORED");
    assert_eq!(restored.body["warnings"][0]["fields"], json!(["emails"]));
    assert_eq!(restored.data()["emails"], body["emails"], "the value is kept");
    let by = async |row: Value| {
        let rows = json!({ "contacts": [row] });
        let synced = world.post("maya", "/cdp/customers/sync", &rows).await;
        synced.data()[0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(by(json!({ "emails": ["e@shop.example"] })).await, other);
    assert_eq!(by(json!({ "external_id": "E" })).await, id);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn deleted_contacts_are_listed_in_pages_from_the_newest_deletion() {
    let world = World::with_flags().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(create(&world, "maya", &json!({ "name": format!("N{n}") })).await);
    }
    // The order is that of the deletions.
    for at in [3, 0, 6, 1, 5, 2, 4] {
        world.advance(SignedDuration::from_secs(1));
        delete(&world, "maya", &ids[at]).await;
    }
    let expected: Vec<String> = [4, 2, 5, 1, 6, 0, 3].map(|at| ids[at].clone()).into();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = deleted_list(&world, "maya", &format!("&limit=3&cursor={cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page_ids = page.ids();
        seen.extend(page_ids.clone());
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(page_ids.len(), 3, "pages are full until the list ends");
                cursor = next.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let first = &deleted_list(&world, "maya", "&limit=1").await;
    let first = &first.data()[0];
    assert_eq!(first["deleted_at"], json!(world.clock.now()));
    assert_eq!(first["erased_after"], json!(world.clock.now() + days(30)));
    // A restored contact leaves the list, and a second deletion moves it to the front.
    assert_eq!(restore(&world, "maya", &ids[0]).await.status, 200);
    assert!(!deleted_list(&world, "maya", "").await.ids().contains(&ids[0]));
    world.advance(SignedDuration::from_secs(1));
    delete(&world, "maya", &ids[0]).await;
    assert_eq!(deleted_list(&world, "maya", "").await.ids()[0], ids[0]);
    // A contact whose retention has ended is not listed, even before it is erased.
    world.advance(days(30) - SignedDuration::from_millis(500));
    assert_eq!(deleted_list(&world, "maya", "").await.ids(), [ids[0].clone()]);
    assert_eq!(restore(&world, "maya", &ids[4]).await.status, 404);
}

#[tokio::test]
async fn the_list_of_deleted_contacts_has_the_scope_of_the_permission_to_delete() {
    let world = World::with_flags().await;
    let sales =
        create(&world, "maya", &json!({ "name": "A", "team_owner_ids": [team("Sales")] })).await;
    let own = create(&world, "sinta", &json!({ "name": "B" })).await;
    let open = create(&world, "maya", &json!({ "name": "C" })).await;
    for id in [&sales, &own, &open] {
        delete(&world, "maya", id).await;
    }
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(
        sorted(deleted_list(&world, "maya", "").await.ids()),
        sorted(vec![sales, own.clone(), open.clone()])
    );
    assert_eq!(
        sorted(deleted_list(&world, "sinta", "").await.ids()),
        sorted(vec![own.clone(), open])
    );
    let refused = deleted_list(&world, "yuki", "").await;
    assert_eq!((refused.status, refused.error()), (403, "FORBIDDEN"));
    assert_eq!(
        deleted_list(&world, "claire", "").await.ids(),
        Vec::<String>::new(),
        "another company"
    );
    world.advance(SignedDuration::from_secs(61));
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let narrowed = deleted_list(&world, "sinta", "").await;
    assert_eq!(narrowed.ids(), [own]);
    assert_eq!(narrowed.headers["x-team-permission-fallback"], "owned-only");
}

#[tokio::test]
async fn the_view_of_deleted_contacts_takes_a_limit_and_a_cursor_only() {
    let world = World::with_flags().await;
    for (query, field) in [
        ("&q=ann", "q"),
        ("&order_by=name", "order_by"),
        ("&tags=vip", "tags"),
        ("&view=deleted", "view"),
        ("&view=teams", "view"),
        ("&limit=0", "limit"),
        ("&limit=101", "limit"),
        ("&cursor=AZuL4fUAeoq0nxr4Uni7UA", "cursor"),
        ("&cursor=!", "cursor"),
        ("&nonsense=1", "nonsense"),
    ] {
        let refused = deleted_list(&world, "maya", query).await;
        assert_eq!((refused.status, refused.error()), (400, "INVALID_REQUEST"), "{query}");
        assert_eq!(refused.body["details"]["field"], field, "{query}");
    }
    let id = create(&world, "maya", &json!({ "name": "A" })).await;
    for query in ["erase=yes", "erase=", "erase=true&erase=true", "eras=true"] {
        let path = format!("/cdp/customers/{id}?{query}");
        let refused = world.call("maya", Method::DELETE, &path, None).await;
        assert_eq!((refused.status, refused.error()), (400, "INVALID_REQUEST"), "{query}");
    }
    assert_eq!(world.get("maya", &format!("/cdp/customers/{id}")).await.status, 200);
    let path = format!("/cdp/customers/{id}?erase=false");
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    let listed = deleted_list(&world, "maya", "").await;
    assert_eq!(listed.ids(), std::slice::from_ref(&id), "erase=false is a deletion");
    // Clients send back what they read.
    assert_eq!(restore(&world, "maya", &id).await.status, 200);
    let path = format!("/cdp/customers/{id}");
    let echoed = world.call("maya", Method::PATCH, &path, Some(&listed.data()[0])).await;
    assert_eq!(echoed.status, 200, "{echoed:?}");
}

#[tokio::test]
async fn a_contact_with_a_hundred_teams_is_deleted_and_restored_in_stages() {
    let world = World::with_flags().await;
    let (many, teams) = super::delete::with_many_teams(&world);
    let body = json!({ "name": "Wide Load", "emails": ["w@w.example"], "team_owner_ids": teams });
    let id = create(&world, &many, &body).await;
    delete(&world, &many, &id).await;
    table_state::assert_consistent(&world).await;
    assert_eq!(restore(&world, &many, &id).await.status, 200);
    table_state::assert_consistent(&world).await;
    let list = format!("/cdp/customers?team_owner_ids={}", teams[99]);
    assert_eq!(world.get("maya", &list).await.ids(), std::slice::from_ref(&id));
    delete(&world, &many, &id).await;
    let path = format!("/cdp/customers/{id}?erase=true");
    assert_eq!(world.call(&many, Method::DELETE, &path, None).await.status, 200);
    table_state::clean_up(&world).await;
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn deletions_restorations_and_changes_at_the_same_time_leave_a_consistent_table() {
    let world = World::with_flags().await;
    for round in 0..4 {
        let body =
            json!({ "name": "A", "external_id": format!("R{round}"), "emails": ["r@r.example"] });
        let id = create(&world, "maya", &body).await;
        let path = format!("/cdp/customers/{id}");
        let calls = (0..9).map(|n| {
            let (world, path, id) = (&world, &path, &id);
            async move {
                match n % 3 {
                    0 => world.call("maya", Method::DELETE, path, None).await,
                    1 => restore(world, "maya", id).await,
                    _ => {
                        let change = json!({ "name": format!("N{n}"), "emails": [format!("r{n}@r.example")] });
                        world.call("maya", Method::PATCH, path, Some(&change)).await
                    }
                }
            }
        });
        for response in futures::future::join_all(calls).await {
            assert!([200, 404].contains(&response.status), "{response:?}");
        }
        table_state::assert_no_stale_due_items(&world).await;
    }
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn no_notification_is_sent_about_a_deleted_contact_and_pending_mentions_are_still_verified() {
    let world = World::with_flags().await;
    let mention = |name: &str| {
        let anchor = format!(r#"<a data-user-id="{}" data-mention="true">@</a>"#, person(name));
        json!({ "note": format!("<p>Ask {anchor}</p>") })
    };
    let id = create(&world, "maya", &json!({ "name": "A" })).await;
    let notes = format!("/v1/contacts/{id}/notes");
    assert_eq!(world.post("maya", &notes, &mention("budi")).await.status, 201);
    // Notes of one millisecond have no fixed order.
    world.advance(SignedDuration::from_millis(1));
    world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
    assert_eq!(world.post("maya", &notes, &mention("sinta")).await.status, 201);
    world.faults.clear();
    delete(&world, "maya", &id).await;
    world.advance(SignedDuration::from_mins(5));
    table_state::clean_up(&world).await;
    world.process_queues().await;
    assert!(world.notifications.list().is_empty(), "{:?}", world.notifications.list().len());
    assert_eq!(restore(&world, "maya", &id).await.status, 200);
    let after = world.get("maya", &notes).await;
    let mentioned: Vec<&Value> =
        after.data().as_array().unwrap().iter().map(|note| &note["mentioned_user_ids"]).collect();
    assert_eq!(mentioned, [&json!([person("sinta")]), &json!([person("budi")])], "{after:?}");
}

#[tokio::test]
async fn a_narrowed_view_is_reported_with_restored_and_deleted_contacts_and_shows_nothing_of_them()
{
    let world = World::with_flags().await;
    let id = create(&world, "maya", &json!({ "name": "Elsewhere" })).await;
    super::answers::set_levels(&world, "sinta", &[("customers_customers_delete", "everything")]);
    delete(&world, "maya", &id).await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    world.advance(SignedDuration::from_secs(61));
    let list = deleted_list(&world, "sinta", "").await;
    let restored = restore(&world, "sinta", &id).await;
    for response in [&list, &restored] {
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
        assert_eq!(response.body["meta"]["team_scope"], "owned_only_fallback");
    }
    assert_eq!(list.data()[0].get("name"), None, "{}", list.body);
}
