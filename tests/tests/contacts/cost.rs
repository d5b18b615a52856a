//! Tests that the cost of a request does not depend on the company's number of contacts
//! (ARCHITECTURE, "Targets").

use http::Method;
use jiff::SignedDuration;
use local::demo_contacts;
use serde_json::{Value, json};
use tests::{World, team};

const FEW: usize = 200;
const MANY: usize = 2_000;
/// The maximum difference between two costs, in percent.
const TOLERANCE: f64 = 10.0;

/// A world whose growth company has this many additional contacts.
async fn company_with(contacts: usize) -> World {
    let world = World::with_flags().await;
    let table = world.table().await;
    demo_contacts::load(&world.aws.database(), &table, &world.clock, contacts).unwrap();
    let five = ["Jakarta SMB", "Jakarta Enterprise", "Bandung SMB", "Surabaya", "Onboarding"];
    let mut viewer = world.directory.find("sinta").unwrap();
    viewer.team_ids = five.map(team).to_vec();
    let upserts = local::upstreams::Upserts { people: vec![viewer], ..Default::default() };
    world.directory.upsert(upserts).unwrap();
    world
}

/// The calls and read units of a function since the last reset.
fn cost(world: &World, function: &str) -> (u64, f64) {
    let usage = world.usage.snapshot();
    let actions = usage[function]["actions"].as_object().cloned().unwrap_or_default();
    let calls = actions.values().filter_map(|action| action["calls"].as_u64()).sum();
    let units = actions.values().filter_map(|action| action["read_units"].as_f64()).sum();
    (calls, units)
}

/// The calls and read units of a request after all data about its viewer was cached.
async fn warm_cost(world: &World, user: &str, path: &str, function: &str) -> (u64, f64) {
    world.get(user, path).await;
    world.usage.reset();
    let response = world.get(user, path).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    cost(world, function)
}

fn assert_close(few: (u64, f64), many: (u64, f64), what: &str) {
    let near = |few: f64, many: f64| (many - few).abs() <= few * TOLERANCE / 100.0;
    #[allow(clippy::cast_precision_loss, reason = "there are only a few calls")]
    let calls = near(few.0 as f64, many.0 as f64);
    assert!(calls && near(few.1, many.1), "{what}: {few:?} with {FEW}, {many:?} with {MANY}");
    assert!(few.0 > 0, "{what} makes calls");
}

#[tokio::test]
async fn a_page_of_25_costs_the_same_in_a_company_ten_times_as_large() {
    let (few, many) = (company_with(FEW).await, company_with(MANY).await);
    for user in ["sinta", "maya", "agus"] {
        for order in ["created_at", "name"] {
            let path = format!("/cdp/customers?order_by={order}&direction=desc");
            let costs = (
                warm_cost(&few, user, &path, "ContactList").await,
                warm_cost(&many, user, &path, "ContactList").await,
            );
            assert_close(costs.0, costs.1, &format!("list of {user} by {order}"));
        }
    }
}

#[tokio::test]
async fn a_contact_and_the_first_page_of_its_notes_cost_the_same_in_a_company_of_any_size() {
    let (few, many) = (company_with(FEW).await, company_with(MANY).await);
    let mut costs = Vec::new();
    for world in [&few, &many] {
        let contact = world.get("sinta", "/cdp/customers?limit=1").await.ids().remove(0);
        let notes = format!("/v1/contacts/{contact}/notes");
        let detail = format!("/cdp/customers/{contact}");
        world.post("sinta", &notes, &json!({ "note": "<p>Called.</p>" })).await;
        costs.push((
            warm_cost(world, "sinta", &detail, "ContactRead").await,
            warm_cost(world, "sinta", &notes, "NoteRead").await,
        ));
    }
    assert_close(costs[0].0, costs[1].0, "a contact");
    assert_close(costs[0].1, costs[1].1, "a page of notes");
}

#[tokio::test]
async fn a_note_with_ten_mentions_takes_one_read_one_transaction_and_one_batch_of_messages() {
    let world = World::with_flags().await;
    let people = local::upstreams::Upserts {
        people: (0..10)
            .map(|number| {
                let mut person = world.directory.find("maya").unwrap();
                person.sso_id = colleague_id(number);
                person.handle = None;
                person.mobile_id = None;
                person.email = format!("colleague{number}@kopi.example");
                person
            })
            .collect(),
        ..Default::default()
    };
    world.directory.upsert(people).unwrap();
    let contact = world.get("sinta", "/cdp/customers?limit=1").await.ids().remove(0);
    let path = format!("/v1/contacts/{contact}/notes");
    let anchors: String = (0..10)
        .map(|number| format!("<a data-user-id=\"{}\">@x</a> ", colleague_id(number)))
        .collect();
    let body = json!({ "note": format!("<p>{anchors}</p>") });
    // The first of two equal requests caches the people.
    world.call("sinta", Method::POST, &path, Some(&body)).await;
    world.usage.reset();
    let response = world.call("sinta", Method::POST, &path, Some(&body)).await;
    assert_eq!(response.data()["mentioned_user_ids"].as_array().map(Vec::len), Some(10));
    let usage = world.usage.snapshot();
    let actions = usage["NoteWrite"]["actions"].as_object().unwrap();
    let calls: Vec<(&str, &Value)> =
        actions.iter().map(|(action, cost)| (action.as_str(), &cost["calls"])).collect();
    let once = json!(1);
    assert_eq!(
        calls,
        [
            ("dynamodb.BatchGetItem", &once),
            ("dynamodb.TransactWriteItems", &once),
            ("sqs.SendMessageBatch", &once),
        ]
    );
}

/// The number of calls to Launchpad for a user's teams that one request makes.
async fn team_requests(world: &World, user: &str, path: &str) -> u32 {
    const MORE_THAN_ENOUGH: u32 = 100;
    world
        .fault(&json!({ "target": "launchpad.teams", "latency_ms": 1, "times": MORE_THAN_ENOUGH }));
    assert_eq!(world.get(user, path).await.status, 200);
    MORE_THAN_ENOUGH - world.faults.list().iter().find_map(|rule| rule.times).unwrap()
}

/// The number of calls to Launchpad for the user's teams that the second of two lists makes.
/// Everything that was cached about the viewer has expired before it.
async fn team_requests_of_second_list(user: &str) -> u32 {
    let world = World::with_flags().await;
    assert_eq!(world.get(user, "/cdp/customers").await.status, 200);
    world.advance(SignedDuration::from_mins(2));
    team_requests(&world, user, "/cdp/customers").await
}

#[tokio::test]
async fn teams_are_requested_together_with_levels_unless_the_level_did_not_need_them_last_time() {
    assert_eq!(team_requests_of_second_list("sinta").await, 1, "level team");
    assert_eq!(team_requests_of_second_list("maya").await, 0, "level everything");
}

#[tokio::test]
async fn a_people_request_does_not_request_teams() {
    let card = format!("/cdp/people/{}", tests::person("budi"));
    for path in ["/cdp/people?query=budi", &card] {
        let world = World::with_flags().await;
        // The delay gives the function time to request the teams before the level is known.
        world.fault(&json!({ "target": "launchpad.permissions", "latency_ms": 100 }));
        assert_eq!(team_requests(&world, "sinta", path).await, 0, "{path}");
    }
}

fn colleague_id(number: u8) -> String {
    local::demo_company::id("person", &format!("colleague{number}"))
}
