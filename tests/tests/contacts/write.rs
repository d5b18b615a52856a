use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Log, Response, World, person, team};

const CUSTOMERS: &str = "/cdp/customers";

async fn create(world: &World, user: &str, body: Value) -> Response {
    world.post(user, CUSTOMERS, &body).await
}

async fn patch(world: &World, user: &str, id: &str, body: Value) -> Response {
    world.call(user, Method::PATCH, &format!("{CUSTOMERS}/{id}"), Some(&body)).await
}

/// Creates a contact and returns its id.
async fn contact(world: &World, user: &str, body: Value) -> String {
    let response = create(world, user, body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.data()["id"].as_str().unwrap().to_owned()
}

async fn read(world: &World, id: &str) -> Value {
    let response = world.get("maya", &format!("{CUSTOMERS}/{id}")).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.data().clone()
}

/// How many calls of a DynamoDB action a function has made since the last reset.
fn calls(world: &World, function: &str, action: &str) -> u64 {
    world.usage.snapshot()[function]["actions"][format!("dynamodb.{action}")]["calls"]
        .as_u64()
        .unwrap_or(0)
}

#[tokio::test]
async fn team_s10_ac3_a_contact_is_created_with_the_callers_teams_and_returned_like_a_read() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let body = json!({
        "name": " Ayu Lestari ", "emails": ["Ayu@shop.example"], "phones": ["0812 1"],
        "team_owner_ids": [team("Jakarta SMB"), team("Bandung")], "tags": ["vip"],
        "custom_fields": { "tier": "gold", "empty": null },
    });
    let response = create(&world, "lars", body).await;
    assert_eq!(response.status, 201);
    let data = response.data();
    assert_eq!((&data["name"], &data["version"]), (&json!("Ayu Lestari"), &json!(1)));
    assert_eq!(data["team_owner_ids"], json!([team("Jakarta SMB"), team("Bandung")]));
    assert_eq!(data["custom_fields"], json!({ "tier": "gold" }));
    assert_eq!(data["owner_id"], person("lars").as_str());
    assert_eq!(data["owner_name"], "Lars Lindqvist");
    assert_eq!(data["permission"], json!({ "update": true, "delete": true }));
    let id = data["id"].as_str().unwrap();
    let seen = world.get("lars", &format!("{CUSTOMERS}/{id}")).await;
    assert_eq!(seen.data(), data, "a read returns the same record");
    let events = log.events("cdp_team_owner_set");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["contact_id"], id);
    assert_eq!(
        (&events[0]["source"], &events[0]["team_owner_count"]),
        (&json!("create"), &json!(2))
    );
}

#[tokio::test]
async fn the_owner_is_the_caller_unless_the_request_names_another_owner() {
    let world = World::with_flags().await;
    let unowned = create(&world, "maya", json!({ "name": "A", "owner_id": null })).await;
    assert_eq!((unowned.status, &unowned.data()["owner_id"]), (201, &Value::Null));
    let body = json!({ "name": "B", "owner_id": person("agus"), "assignee_id": person("rina") });
    let given = create(&world, "maya", body).await;
    assert_eq!(given.data()["owner_name"], "Agus Prasetyo");
    assert_eq!(
        given.data()["assignee_name"],
        "rina@kopi.example",
        "the email is used if there is no name"
    );
}

#[tokio::test]
async fn a_person_without_name_and_email_is_stored_without_a_name_and_never_by_their_id() {
    let world = World::with_flags().await;
    let mut nameless = world.directory.find("maya").unwrap();
    (nameless.full_name, nameless.email) = (None, String::new());
    let upserts = serde_json::from_value(json!({ "people": [nameless] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    let body = json!({ "name": "A", "assignee_id": person("maya") });
    let created = create(&world, "maya", body).await;
    let data = created.data();
    assert_eq!((created.status, &data["owner_id"]), (201, &json!(person("maya"))));
    assert_eq!((&data["owner_name"], &data["assignee_name"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn owner_and_assignee_must_be_active_people_of_the_company() {
    let world = World::with_flags().await;
    let id = contact(&world, "maya", json!({ "name": "A" })).await;
    for field in ["owner_id", "assignee_id"] {
        for invalid in [person("claire"), person("unknown"), person("tomas")] {
            let body = json!({ "name": "B", field: invalid });
            for response in
                [create(&world, "maya", body.clone()).await, patch(&world, "maya", &id, body).await]
            {
                assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"));
                assert_eq!(response.body["details"]["field"], field);
            }
        }
    }
    assert_eq!(read(&world, &id).await["version"], 1, "nothing was written");
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let response = patch(&world, "maya", &id, json!({ "owner_id": person("budi") })).await;
    assert_eq!((response.status, response.error()), (503, "DIRECTORY_UNAVAILABLE"));
    // The current owner is kept, so the function does not ask Launchpad about the person.
    let same = json!({ "owner_id": person("maya"), "name": "C" });
    assert_eq!(patch(&world, "maya", &id, same).await.status, 200);
}

#[tokio::test]
async fn team_s10_neg6_team_owners_outside_the_callers_own_teams_are_422_and_nothing_is_written() {
    for flag in [true, false] {
        let world = World::start().await;
        world.flags(flag, false).await;
        let log = Log::capture();
        let id = contact(&world, "budi", json!({ "name": "A", "team_owner_ids": [] })).await;
        let before = read(&world, &id).await;
        // The viewer sees the contacts of a child team, but is not a member of that team.
        let child = team("Jakarta SMB");
        let foreign = local::demo_company::team_id("meridian", "Accounts");
        let requested = json!([team("Jakarta").to_uppercase(), child, foreign, "Sales", ""]);
        let rejected = json!([child, foreign, "Sales", ""]);
        let body = json!({ "name": "Changed", "team_owner_ids": requested });
        for response in
            [create(&world, "budi", body.clone()).await, patch(&world, "budi", &id, body).await]
        {
            assert_eq!((response.status, response.error()), (422, "TEAM_OWNER_INVALID"));
            assert_eq!(response.body["message"], "team is not one of your teams");
            assert_eq!(response.body["details"], json!({ "rejected_team_ids": rejected }));
        }
        assert_eq!(read(&world, &id).await, before, "nothing was written");
        let events = log.events("cdp_team_owner_validation_rejected");
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["user_sso_id"], person("budi").as_str());
        assert_eq!(events[0]["rejected_team_ids"], format!("{child},{foreign}"));
        assert_eq!(events[0]["rejected_count"], 4);
        let sync = json!({ "contacts": [{ "external_id": "X", "team_owner_ids": ["Sales"] }] });
        let row = world.post("budi", "/cdp/customers/sync", &sync).await.data()[0].clone();
        assert_eq!(row["error"]["error"], "TEAM_OWNER_INVALID");
        assert_eq!(row["error"]["details"]["rejected_team_ids"], json!(["Sales"]));
    }
}

#[tokio::test]
async fn team_owners_of_a_wrong_type_are_refused_with_their_field() {
    let world = World::with_flags().await;
    for wrong in [json!("x"), json!([1]), json!([null]), json!({}), json!([[]]), json!(true)] {
        let response = create(&world, "maya", json!({ "team_owner_ids": wrong })).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{wrong}");
        let field = response.body["details"]["field"].as_str().unwrap();
        assert!(field.starts_with("team_owner_ids"), "{field}");
    }
    let many: Vec<String> = (0..101).map(|n| person(&n.to_string())).collect();
    let response = create(&world, "maya", json!({ "team_owner_ids": many })).await;
    assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn team_s10_clearing_team_owners_makes_the_contact_unassigned_and_visible_to_every_team() {
    let world = World::with_flags().await;
    for cleared in [json!([]), Value::Null] {
        let body = json!({ "name": "A", "team_owner_ids": [team("Sales")] });
        let id = contact(&world, "maya", body).await;
        let path = format!("{CUSTOMERS}/{id}");
        assert_eq!(world.get("sinta", &path).await.status, 403);
        let response = patch(&world, "maya", &id, json!({ "team_owner_ids": cleared })).await;
        assert_eq!((response.status, &response.data()["team_owner_ids"]), (200, &json!([])));
        assert_eq!(world.get("sinta", &path).await.status, 200);
        assert!(world.get("sinta", "/cdp/customers?limit=100").await.ids().contains(&id));
    }
}

#[tokio::test]
async fn team_s10_team_owners_stay_unchanged_if_the_request_omits_them() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "team_owner_ids": [team("Sales")] });
    let id = contact(&world, "maya", body).await;
    let log = Log::capture();
    let response = patch(&world, "maya", &id, json!({ "name": "B" })).await;
    assert_eq!(response.data()["team_owner_ids"], json!([team("Sales")]));
    assert!(log.events("cdp_team_owner_set").is_empty());
    // The stored team owners count as absent.
    let body = json!({ "team_owner_ids": [team("Sales")], "name": "C" });
    assert_eq!(patch(&world, "maya", &id, body).await.status, 200);
    assert!(log.events("cdp_team_owner_set").is_empty());
    let body = json!({ "team_owner_ids": [], "name": "C" });
    assert_eq!(patch(&world, "maya", &id, body).await.status, 200);
    assert_eq!(log.events("cdp_team_owner_set")[0]["source"], "patch");
}

#[tokio::test]
async fn team_s10_err2_a_write_with_team_owners_is_503_when_launchpad_fails_and_other_writes_succeed()
 {
    for handle in ["maya", "lars"] {
        let world = World::with_flags().await;
        let id = contact(&world, handle, json!({ "name": "A" })).await;
        world.advance(jiff::SignedDuration::from_secs(61));
        world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
        let named = json!({ "name": "B", "team_owner_ids": [team("Bandung")] });
        for response in
            [create(&world, handle, named.clone()).await, patch(&world, handle, &id, named).await]
        {
            assert_eq!(
                (response.status, response.error()),
                (503, "DIRECTORY_UNAVAILABLE"),
                "{handle}"
            );
            assert!(response.headers.contains_key("retry-after"));
        }
        assert_eq!(read(&world, &id).await["name"], "A", "nothing was written");
        for works in [json!({ "name": "C" }), json!({ "name": "D", "team_owner_ids": [] })] {
            let changed = patch(&world, handle, &id, works.clone()).await;
            let created = create(&world, handle, works).await;
            assert_eq!((changed.status, created.status), (200, 201));
            for response in [changed, created] {
                let fallback = response.headers.get("x-team-permission-fallback");
                let meta = &response.body["meta"]["team_scope"];
                // The scope is narrowed only for a viewer at level `team`.
                let narrowed = handle == "lars";
                assert_eq!(fallback.is_some(), narrowed, "{handle}");
                assert_eq!(*meta == "owned_only_fallback", narrowed, "{handle}");
            }
        }
    }
}

#[tokio::test]
async fn team_s04_ac1_a_contact_in_scope_can_be_changed() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "team_owner_ids": [team("Sales")], "owner_id": null });
    let id = contact(&world, "hendra", body).await;
    // A member of the team and a viewer at level `everything` change the contact.
    for (handle, name) in [("hendra", "B"), ("maya", "C")] {
        let response = patch(&world, handle, &id, json!({ "name": name })).await;
        assert_eq!((response.status, &response.data()["name"]), (200, &json!(name)));
    }
    // The assignee changes the contact, although another team owns it.
    let body = json!({ "assignee_id": person("putri") });
    assert_eq!(patch(&world, "maya", &id, body).await.status, 200);
    assert_eq!(patch(&world, "putri", &id, json!({ "name": "D" })).await.status, 200);
    assert_eq!(read(&world, &id).await["version"], 5);
}

#[tokio::test]
async fn team_s04_ac2_s05_a_change_of_a_contact_out_of_scope_is_403_on_every_platform() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let body = json!({ "name": "A", "team_owner_ids": [team("Sales")] });
    let id = contact(&world, "maya", body).await;
    let before = read(&world, &id).await;
    // The rule of TEAM-S05 also applies on mobile.
    for platform in ["web", "mobile"] {
        let headers = [("content-type", "application/json"), ("x-platform", platform)];
        let path = format!("{CUSTOMERS}/{id}");
        let body = Bytes::from(json!({ "name": "B" }).to_string());
        let response = world.send("sinta", Method::PATCH, &path, &headers, body).await;
        assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
        assert_eq!(response.body["message"], "out of your team scope");
    }
    assert_eq!(read(&world, &id).await, before);
    let events = log.events("cdp_team_permission_denied");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["contact_id"], id);
    assert_eq!(events[0]["permission_name"], "customers_customers_manage");
    assert_eq!(events[0]["viewer_team_count"], 1);
    // Level `own` is refused too, but the service does not log this refusal as a denial by team
    // scope.
    let response = patch(&world, "agus", &id, json!({ "name": "B" })).await;
    assert_eq!((response.status, log.events("cdp_team_permission_denied").len()), (403, 2));
}

#[tokio::test]
async fn team_s04_ac3_a_disabled_user_cannot_create_or_change_contacts() {
    let world = World::with_flags().await;
    let id = contact(&world, "maya", json!({ "name": "A" })).await;
    for response in [
        create(&world, "yuki", json!({ "name": "B" })).await,
        patch(&world, "yuki", &id, json!({ "name": "B" })).await,
        patch(&world, "yuki", &person("no contact"), json!({ "name": "B" })).await,
    ] {
        assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
        assert_eq!(response.body["message"], "permission disabled");
    }
}

#[tokio::test]
async fn a_change_of_a_missing_contact_or_of_another_companys_contact_is_404() {
    let world = World::with_flags().await;
    let id = contact(&world, "maya", json!({ "name": "A" })).await;
    for (user, id) in [
        ("claire", id.as_str()),
        ("maya", "0190d1a2-7c3b-7abc-8def-0123456789ab"),
        ("maya", "nonsense"),
        ("maya", "%00"),
    ] {
        let response = patch(&world, user, id, json!({ "name": "B" })).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{user} {id}");
    }
    assert_eq!(read(&world, &id).await["name"], "A");
}

#[tokio::test]
async fn an_update_without_changes_writes_nothing() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "team_owner_ids": [team("Sales")], "tags": ["x"] });
    let id = contact(&world, "maya", body).await;
    let before = read(&world, &id).await;
    world.advance(jiff::SignedDuration::from_secs(5));
    world.usage.reset();
    // The API accepts the record that it returned, including the computed fields.
    for body in [json!({}), before.clone()] {
        let response = patch(&world, "maya", &id, body).await;
        assert_eq!((response.status, response.data()), (200, &before));
    }
    for action in ["PutItem", "UpdateItem", "TransactWriteItems"] {
        assert_eq!(calls(&world, "ContactWrite", action), 0, "{action}");
    }
}

#[tokio::test]
async fn an_update_that_moves_no_pointer_takes_one_read_and_one_plain_write() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "emails": ["a@b.example"], "external_id": "7" });
    let id = contact(&world, "maya", body).await;
    world.usage.reset();
    assert_eq!(patch(&world, "maya", &id, json!({ "tags": ["vip"] })).await.status, 200);
    assert_eq!(calls(&world, "ContactWrite", "BatchGetItem"), 1);
    assert_eq!(calls(&world, "ContactWrite", "PutItem"), 1);
    assert_eq!(calls(&world, "ContactWrite", "TransactWriteItems"), 0);
    let row = json!({ "contacts": [{ "external_id": "7", "tags": ["none"] }] });
    assert_eq!(world.post("maya", "/cdp/customers/sync", &row).await.status, 200);
    assert_eq!(calls(&world, "ContactSync", "PutItem"), 1);
    assert_eq!(calls(&world, "ContactSync", "TransactWriteItems"), 0);
}

#[tokio::test]
async fn concurrent_updates_of_different_fields_are_all_kept() {
    let world = World::with_flags().await;
    let id = contact(&world, "maya", json!({ "name": "A" })).await;
    let change = |n: usize| match n {
        0 => json!({ "name": "Changed" }),
        1 => json!({ "team_owner_ids": [team("Sales")] }),
        2 => json!({ "assignee_id": person("budi") }),
        3 => json!({ "emails": ["a@b.example"] }),
        4 => json!({ "tags": ["t"] }),
        _ => json!({ "custom_fields": { format!("field {n}"): n } }),
    };
    let changes = (0..12).map(|n| patch(&world, "maya", &id, change(n)));
    for response in futures::future::join_all(changes).await {
        assert_eq!(response.status, 200, "{response:?}");
    }
    let after = read(&world, &id).await;
    assert_eq!((&after["version"], &after["name"]), (&json!(13), &json!("Changed")));
    assert_eq!(after["team_owner_ids"], json!([team("Sales")]));
    assert_eq!((&after["assignee_name"], &after["tags"]), (&json!("Budi Hartono"), &json!(["t"])));
    assert_eq!(after["emails"], json!(["a@b.example"]));
    assert_eq!(after["custom_fields"].as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn a_lost_response_of_a_plain_write_is_not_mistaken_for_another_writers_change() {
    let world = World::with_flags().await;
    let id = contact(&world, "maya", json!({ "name": "A" })).await;
    world.fault(&json!({
        "target": "dynamodb", "kind": "commit_then_timeout", "action": "PutItem", "times": 1
    }));
    let response = patch(&world, "maya", &id, json!({ "tags": ["vip"] })).await;
    assert_eq!((response.status, &response.data()["version"]), (200, &json!(2)), "{response:?}");
}

#[tokio::test]
async fn a_unique_key_held_by_another_contact_stays_with_its_holder_and_blocks_no_write() {
    let world = World::with_flags().await;
    let body = json!({ "external_id": "E", "emails": ["e@shop.example"], "name": "First" });
    let first = contact(&world, "maya", body.clone()).await;
    world.advance(jiff::SignedDuration::from_secs(1));
    let second = contact(&world, "maya", body.clone()).await;
    world.advance(jiff::SignedDuration::from_secs(1));
    let third = contact(&world, "maya", json!({ "name": "Third" })).await;
    assert_eq!(patch(&world, "maya", &third, body).await.status, 200);
    let sync = |row: Value| {
        let world = &world;
        async move {
            let rows = json!({ "contacts": [row] });
            let response = world.post("maya", "/cdp/customers/sync", &rows).await;
            response.data()[0].clone()
        }
    };
    for row in [json!({ "external_id": "E" }), json!({ "emails": ["E@shop.example"] })] {
        assert_eq!(sync(row).await["id"], first.as_str());
    }
    // After its holder no longer has the value, the oldest contact with the same value gets the key.
    let other = json!({ "external_id": "F", "emails": [] });
    assert_eq!(patch(&world, "maya", &first, other).await.status, 200);
    let synced = sync(json!({ "external_id": "E" })).await;
    assert_eq!((&synced["status"], &synced["id"]), (&json!("updated"), &json!(second)));
    assert_eq!(sync(json!({ "external_id": "F" })).await["id"], first.as_str());
}

#[tokio::test]
async fn an_owner_who_becomes_inactive_stays_the_owner() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": person("agus") });
    let id = contact(&world, "maya", body).await;
    let mut agus = world.directory.find("agus").unwrap();
    agus.status = local::upstreams::Status::Inactive;
    let upserts = json!({ "people": [agus] });
    world.directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
    world.advance(jiff::SignedDuration::from_secs(61));
    let response =
        patch(&world, "maya", &id, json!({ "name": "B", "owner_id": person("agus") })).await;
    assert_eq!((response.status, &response.data()["owner_name"]), (200, &json!("Agus Prasetyo")));
}

#[tokio::test]
async fn team_s11_the_team_owner_rules_are_the_same_on_mobile() {
    let world = World::with_flags().await;
    let headers = [("content-type", "application/json"), ("x-platform", "mobile")];
    let post = |body: Value| {
        let (world, headers) = (&world, &headers);
        async move {
            let body = Bytes::from(body.to_string());
            world.send("lars", Method::POST, CUSTOMERS, headers, body).await
        }
    };
    // A client can set all teams of its user as team owners.
    let all = json!([team("Jakarta SMB"), team("Bandung")]);
    let created = post(json!({ "name": "A", "team_owner_ids": all })).await;
    assert_eq!((created.status, &created.data()["team_owner_ids"]), (201, &all));
    let refused = post(json!({ "name": "B", "team_owner_ids": [team("Sales")] })).await;
    assert_eq!((refused.status, refused.error()), (422, "TEAM_OWNER_INVALID"));
    // A user without teams creates an unassigned contact.
    let body = Bytes::from(json!({ "name": "C", "team_owner_ids": [] }).to_string());
    let teamless = world.send("putri", Method::POST, CUSTOMERS, &headers, body).await;
    assert_eq!((teamless.status, &teamless.data()["team_owner_ids"]), (201, &json!([])));
}

#[tokio::test]
async fn neg4_a_changed_team_membership_applies_to_writes_within_a_minute() {
    let world = World::with_flags().await;
    let body = || json!({ "name": "A", "team_owner_ids": [team("Surabaya")] });
    assert_eq!(create(&world, "lars", body()).await.status, 422);
    let mut lars = world.directory.find("lars").unwrap();
    lars.team_ids.push(team("Surabaya"));
    let upserts = serde_json::from_value(json!({ "people": [lars] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    world.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(create(&world, "lars", body()).await.status, 201);
}

#[tokio::test]
async fn team_owners_stay_on_a_contact_after_the_membership_ends() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "team_owner_ids": [team("Bandung")] });
    let id = contact(&world, "lars", body).await;
    let mut lars = world.directory.find("lars").unwrap();
    lars.team_ids = vec![team("Jakarta SMB")];
    let upserts = serde_json::from_value(json!({ "people": [lars] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    world.advance(jiff::SignedDuration::from_secs(61));
    let response = patch(&world, "lars", &id, json!({ "name": "B" })).await;
    assert_eq!(
        (response.status, &response.data()["team_owner_ids"]),
        (200, &json!([team("Bandung")]))
    );
}
