use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, person, team};

const SYNC: &str = "/cdp/customers/sync";

async fn sync(world: &World, user: &str, rows: Value) -> Response {
    world.post(user, SYNC, &json!({ "contacts": rows })).await
}

fn statuses(response: &Response) -> Vec<&str> {
    let rows = response.data().as_array().unwrap().iter();
    rows.map(|row| row["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sync_creates_contacts_and_updates_them_by_external_id_or_first_email() {
    let world = World::with_flags().await;
    let rows = json!([
        { "external_id": "X-1", "name": "Ann", "emails": ["Ann@Shop.example"], "phones": ["0012"] },
        { "emails": ["ben@shop.example"], "name": "Ben" },
    ]);
    let first = sync(&world, "maya", rows).await;
    assert_eq!(statuses(&first), ["created", "created"]);
    let again = json!([
        { "external_id": "X-1", "phones": ["+62 812", "0012"] },
        { "emails": ["BEN@shop.example"], "company_name": "Ben & Co" },
        { "emails": ["ann@shop.example"], "source": "fair" },
    ]);
    let second = sync(&world, "maya", again).await;
    assert_eq!(statuses(&second), ["updated", "updated", "updated"]);
    assert_eq!(second.ids()[..2], first.ids()[..]);
    assert_eq!(second.ids()[2], first.ids()[0]);
    let ann = world.get("maya", &format!("/cdp/customers/{}", first.ids()[0])).await;
    assert_eq!(ann.data()["phones"], json!(["+62 812", "0012"]));
    assert_eq!(ann.data()["name"], "Ann", "fields that a row does not name stay unchanged");
    assert_eq!(ann.data()["source"], "fair");
    assert_eq!(ann.data()["owner_id"], person("maya").as_str());
    assert_eq!(ann.data()["version"], 3);
}

#[tokio::test]
async fn each_sync_row_has_its_own_result() {
    let world = World::with_flags().await;
    let rows = json!([
        { "external_id": "1", "name": 7 },
        { "name": "No key" },
        { "external_id": "2", "colour": "red" },
        { "external_id": "3", "emails": ["no address"] },
        { "external_id": "4", "owner_id": person("claire") },
        { "external_id": "5", "team_owner_ids": [team("Sales"), team("Support")] },
        { "external_id": "6", "team_owner_ids": [team("Sales")] },
        "not even an object",
        { "external_id": "7", "owner_id": person("agus") },
        ["8"],
    ]);
    let response = sync(&world, "maya", rows).await;
    assert_eq!(response.status, 200);
    let rejected = "rejected";
    let expected = [
        rejected, rejected, rejected, rejected, rejected, rejected, "created", rejected, "created",
        rejected,
    ];
    assert_eq!(statuses(&response), expected);
    let error = |index: usize| response.data()[index]["error"].clone();
    assert_eq!(error(0)["details"]["field"], "name");
    assert_eq!(error(2)["details"]["field"], "colour");
    assert_eq!(error(3)["details"]["field"], "emails[0]");
    assert_eq!(error(4)["details"]["field"], "owner_id");
    assert_eq!(error(5)["error"], "TEAM_OWNER_INVALID");
    assert_eq!(error(5)["message"], "team is not one of your teams");
    assert_eq!(error(5)["details"]["rejected_team_ids"], json!([team("Support")]));
    let id = response.data()[8]["id"].as_str().unwrap();
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(contact.data()["owner_name"], "Agus Prasetyo");
}

#[tokio::test]
async fn sync_rows_with_the_same_key_create_one_contact_and_the_last_row_wins() {
    let world = World::with_flags().await;
    let rows = json!([
        { "external_id": "K", "name": "First" },
        { "emails": ["k@shop.example"], "name": "Second" },
        { "external_id": "K", "emails": ["k@shop.example"], "name": "Third" },
        { "external_id": "K", "name": "Last" },
    ]);
    let response = sync(&world, "maya", rows).await;
    // The second row created another contact with this email before the third row was processed.
    // The third row would give the first contact the email of the second one.
    assert_eq!(statuses(&response), ["created", "created", "rejected", "updated"]);
    assert_eq!(response.data()[2]["error"]["error"], "KEY_TAKEN");
    let last = world
        .get("maya", &format!("/cdp/customers/{}", response.data()[3]["id"].as_str().unwrap()))
        .await;
    assert_eq!((&last.data()["name"], &last.data()["external_id"]), (&json!("Last"), &json!("K")));
}

#[tokio::test]
async fn sixteen_concurrent_syncs_with_the_same_keys_create_one_contact_per_key() {
    let world = World::with_flags().await;
    let rows = |caller: usize| -> Value {
        let row =
            |n: usize| json!({ "external_id": format!("C-{n}"), "name": format!("by {caller}") });
        (0..10).map(row).collect()
    };
    let calls = (0..16).map(|caller| sync(&world, "maya", rows(caller)));
    let responses = futures::future::join_all(calls).await;
    let mut ids = BTreeSet::new();
    let mut created = 0;
    for response in &responses {
        assert!(!statuses(response).contains(&"rejected"), "{response:?}");
        created += statuses(response).iter().filter(|status| **status == "created").count();
        ids.extend(response.ids());
    }
    assert_eq!((ids.len(), created), (10, 10));
}

#[tokio::test]
async fn team_s04_ac2_a_sync_match_out_of_scope_is_refused_and_unchanged() {
    let world = World::with_flags().await;
    let row = json!([{ "external_id": "S", "name": "Sales'", "team_owner_ids": [team("Sales")] }]);
    let id = sync(&world, "maya", row).await.ids()[0].clone();
    let response = sync(&world, "sinta", json!([{ "external_id": "S", "name": "Sinta's" }])).await;
    assert_eq!(response.data()[0]["error"]["error"], "FORBIDDEN");
    assert!(response.data()[0]["id"].is_null());
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(contact.data()["name"], "Sales'");
}

#[tokio::test]
async fn unique_keys_are_separate_per_company() {
    let world = World::with_flags().await;
    let row = json!([{ "external_id": "T", "emails": ["t@shop.example"] }]);
    let ours = sync(&world, "maya", row.clone()).await;
    let theirs = sync(&world, "claire", row).await;
    assert_eq!((statuses(&ours), statuses(&theirs)), (vec!["created"], vec!["created"]));
    assert_ne!(ours.ids(), theirs.ids());
}

#[tokio::test]
async fn only_sync_rows_with_team_owners_are_rejected_when_launchpad_fails() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let rows = json!([
        { "external_id": "1", "team_owner_ids": [team("Sales")] },
        { "external_id": "2", "team_owner_ids": [] },
        { "external_id": "3" },
    ]);
    let response = sync(&world, "maya", rows).await;
    assert_eq!(statuses(&response), ["rejected", "created", "created"]);
    assert_eq!(response.data()[0]["error"]["error"], "DIRECTORY_UNAVAILABLE");
}

#[tokio::test]
async fn a_sync_value_over_a_limit_is_refused_with_its_field() {
    let world = World::with_flags().await;
    let long = "x".repeat(33 * 1024);
    let rows = json!([
        { "external_id": "x".repeat(257) },
        { "external_id": "a", "custom_fields": { "text": long } },
    ]);
    let response = sync(&world, "maya", rows).await;
    assert_eq!(response.data()[0]["error"]["details"]["field"], "external_id");
    assert_eq!(response.data()[1]["error"]["details"]["field"], "contact");
    for contacts in [json!([]), Value::Array(vec![json!({ "external_id": "1" }); 101])] {
        let response = sync(&world, "maya", contacts).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"));
    }
}

#[tokio::test]
async fn every_malformed_sync_body_is_400() {
    let world = World::with_flags().await;
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"contacts\":{}}",
        b"\xff\xfe",
        b"{\"contacts\":[],\"x\":1}",
        b"{\"contacts\":[],\"contacts\":[]}",
    ];
    for body in bodies {
        let headers = [("content-type", "application/json")];
        let body = Bytes::from_static(body);
        let response = world.send("maya", Method::POST, SYNC, &headers, body.clone()).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{body:?}");
    }
}

#[tokio::test]
async fn lost_responses_and_conflicts_create_no_second_contact() {
    let world = World::with_flags().await;
    for kind in ["commit_then_timeout", "conflict", "throttle"] {
        world.faults.clear();
        world.fault(&json!({
            "target": "dynamodb", "kind": kind, "action": "TransactWriteItems", "times": 2
        }));
        let rows = json!([{ "external_id": kind, "name": "Once" }]);
        let first = sync(&world, "maya", rows.clone()).await;
        assert_ne!(statuses(&first), ["rejected"], "{kind}: {first:?}");
        world.faults.clear();
        let second = sync(&world, "maya", rows).await;
        assert_eq!(first.ids(), second.ids(), "{kind}");
    }
}

#[tokio::test]
async fn a_contact_with_more_pointers_than_fit_in_one_transaction_is_written_in_stages() {
    let world = World::with_flags().await;
    let company = local::demo_company::id("company", "kopi");
    let teams: Vec<String> =
        (0..100).map(|n| local::demo_company::team_id("kopi", &format!("T{n}"))).collect();
    let upserts = json!({
        "teams": teams.iter().map(|id| json!({
            "id": id, "company_sso_id": company, "name": id, "parent_id": null
        })).collect::<Vec<_>>(),
        "people": [{
            "sso_id": person("many"), "company_sso_id": company, "full_name": "Many Teams",
            "email": "many@kopi.example", "status": "active", "staff_level": "Agent",
            "team_ids": teams,
            "levels": { "customers_customers_view": "team", "customers_customers_manage": "team" }
        }]
    });
    world.directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
    let many = person("many");
    let row =
        |teams: &[String]| json!([{ "external_id": "M", "name": "Wide", "team_owner_ids": teams }]);
    let id = sync(&world, &many, row(&teams)).await.ids()[0].clone();
    assert_eq!(
        world
            .get(&many, "/cdp/customers?limit=100")
            .await
            .ids()
            .iter()
            .filter(|i| **i == id)
            .count(),
        1
    );
    // The update removes all teams except one: the stale pointers stay, but no list shows the
    // contact through them.
    assert_eq!(statuses(&sync(&world, &many, row(&teams[..1])).await), ["updated"]);
    let team_list = |team: &str| format!("/cdp/customers?team_owner_ids={team}");
    assert_eq!(world.get("maya", &team_list(&teams[0])).await.ids(), [id]);
    assert_eq!(world.get("maya", &team_list(&teams[99])).await.ids().len(), 0);
    super::table_state::clean_up(&world).await;
    super::table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn sync_by_two_keys_updates_one_contact_and_the_last_row_wins() {
    let world = World::with_flags().await;
    let row = json!([{ "external_id": "E", "emails": ["e@shop.example"], "name": "Old" }]);
    let id = sync(&world, "maya", row).await.ids()[0].clone();
    // The first row needs a call to Launchpad for its assignee, and the second row does not.
    world.fault(&json!({ "target": "launchpad.users", "latency_ms": 200 }));
    let rows = json!([
        { "external_id": "E", "name": "First", "assignee_id": person("agus") },
        { "emails": ["E@shop.example"], "name": "Second" },
    ]);
    let response = sync(&world, "maya", rows).await;
    assert_eq!(statuses(&response), ["updated", "updated"]);
    assert_eq!(response.ids(), [id.as_str(), id.as_str()]);
    let contact = world.get("maya", &format!("/cdp/customers/{id}")).await;
    let stored = (&contact.data()["name"], &contact.data()["assignee_name"]);
    assert_eq!(stored, (&json!("Second"), &json!("Agus Prasetyo")));
}
