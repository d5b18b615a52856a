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

/// Adds a user at this level, in these teams, to the growth company.
fn add_person(world: &World, handle: &str, level: &str, teams: &[String]) {
    let levels: serde_json::Map<_, _> = local::demo_company::PERMISSIONS
        .iter()
        .map(|permission| ((*permission).to_owned(), json!(level)))
        .collect();
    let company = local::demo_company::id("company", "kopi");
    let all: Vec<Value> = teams
        .iter()
        .map(|id| json!({ "id": id, "company_sso_id": company, "name": format!("Team {id}") }))
        .collect();
    let upserts = json!({ "teams": all, "people": [{
        "sso_id": tests::person(handle), "handle": handle, "full_name": "Some One",
        "company_sso_id": company, "email": format!("{handle}@kopi.example"), "status": "active",
        "staff_level": "Agent", "team_ids": teams, "levels": levels,
    }] });
    world.directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
}

/// The number of contacts on each page of a list.
async fn page_sizes(world: &World, user: &str, path: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(user, &format!("{path}&cursor={cursor}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        sizes.push(page.ids().len());
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return sizes,
        }
    }
}

#[tokio::test]
async fn lists_searches_and_views_cost_the_same_with_1_000_and_20_000_contacts() {
    let mut costs = Vec::new();
    for contacts in [1_000, 20_000] {
        let world = company_with(contacts).await;
        add_person(&world, "single", "own", &[]);
        let only = json!({ "name": "Contact Only", "owner_id": tests::person("single") });
        world.post("maya", "/cdp/customers", &only).await;
        let assignee = format!("/cdp/customers?assignee_id={}", tests::person("agus"));
        let owner = format!("/cdp/customers?owner_id={}", tests::person("agus"));
        let mut of_world = Vec::new();
        for (user, function, path, sizes) in [
            ("single", "ContactSearch", "/cdp/customers/search-assoc?q=contact", vec![1]),
            ("single", "ContactList", "/cdp/customers?q=contact", vec![1]),
            ("single", "ContactList", "/cdp/customers?limit=25", vec![1]),
            ("single", "ContactList", "/cdp/customers?view=owned-by-me", vec![1]),
            ("single", "ContactList", "/cdp/customers?view=assigned-to-me", vec![0]),
            // The user owns a third of the contacts and is assigned to one.
            ("agus", "ContactList", "/cdp/customers?view=assigned-to-me", vec![1]),
            ("maya", "ContactList", assignee.as_str(), vec![1]),
            ("single", "ContactList", assignee.as_str(), vec![0]),
            ("single", "ContactList", owner.as_str(), vec![0]),
            ("sinta", "ContactList", "/cdp/customers?view=teams", vec![]),
            ("sinta", "ContactSearch", "/cdp/customers/search-assoc?q=contact", vec![]),
            ("maya", "ContactSearch", "/cdp/customers/search-assoc?q=contact", vec![]),
            ("maya", "ContactSearch", "/cdp/customers/search-assoc?q=contact%20only", vec![1]),
            ("single", "ContactList", "/cdp/customers?q=contact%20only", vec![1]),
        ] {
            if !sizes.is_empty() {
                assert_eq!(page_sizes(&world, user, path).await, sizes, "{user} {path}");
            }
            of_world.push((user, path.to_owned(), warm_cost(&world, user, path, function).await));
        }
        println!("{contacts} contacts: {of_world:?}");
        costs.push(of_world);
    }
    assert_eq!(costs[0], costs[1]);
}

/// The write units of a function since the last reset, without the names and team sets of people
/// that it caches in the table.
fn write_units(world: &World, function: &str) -> f64 {
    let usage = world.usage.snapshot();
    let actions = usage[function]["actions"].as_object().cloned().unwrap_or_default();
    let writes = actions.into_iter().filter(|(action, _)| action != "dynamodb.PutItem");
    writes.filter_map(|(_, action)| action["write_units"].as_f64()).sum()
}

/// The write units of a request, and of the clean-up after it.
async fn write_cost(world: &World, method: Method, path: &str, body: &Value) -> (f64, Value) {
    world.usage.reset();
    let response = world.call("many", method, path, Some(body)).await;
    assert!(response.status < 300, "{path}: {}", response.body);
    let request = write_units(world, "ContactWrite");
    world.usage.reset();
    super::table_state::clean_up(world).await;
    (request + write_units(world, "CleanUp"), response.data().clone())
}

#[tokio::test]
async fn a_contact_of_a_hundred_teams_is_written_within_the_targets() {
    let world = World::with_flags().await;
    let teams: Vec<String> =
        (0..100).map(|n| local::demo_company::team_id("kopi", &format!("Many {n}"))).collect();
    add_person(&world, "many", "everything", &teams);
    let words = |text: &str| (0..24).map(|n| format!("{text}{n:02}")).collect::<Vec<_>>().join(" ");
    let contact = json!({
        "external_id": "largest", "name": words("name"), "team_owner_ids": teams,
        "emails": (0..5).map(|n| format!("person{n}@customers.example")).collect::<Vec<_>>(),
        "phones": (0..5).map(|n| format!("+62 812 0000 010{n}")).collect::<Vec<_>>(),
        "assignee_id": tests::person("budi"),
        "custom_fields": { "text": "x".repeat(25_000) },
    });
    // The first creation extends the catalog of custom fields.
    write_cost(
        &world,
        Method::POST,
        "/cdp/customers",
        &json!({ "custom_fields": { "text": "x" } }),
    )
    .await;
    let (create, created) = write_cost(&world, Method::POST, "/cdp/customers", &contact).await;
    let path = format!("/cdp/customers/{}", created["id"].as_str().unwrap());
    let cost = async |body: Value| write_cost(&world, Method::PATCH, &path, &body).await.0;
    // The record has 31 KB, and a unit in a transaction writes half a kilobyte.
    let record = 62.0;
    let owner = cost(json!({ "owner_id": tests::person("maya") })).await;
    let assignee = cost(json!({ "assignee_id": tests::person("maya") })).await;
    let name = cost(json!({ "name": words("else") })).await;
    let ten = cost(json!({ "team_owner_ids": teams[10..] })).await - record;
    let back = cost(json!({ "team_owner_ids": teams })).await - record;
    let all = cost(json!({ "team_owner_ids": [] })).await - record;
    println!(
        "create {create}, record {record}, owner {owner}, assignee {assignee}, name {name}, \
         10 teams less {ten}, 10 teams more {back}, 100 teams less {all}"
    );
    assert!(create <= 600.0, "create: {create}");
    assert!(owner <= 300.0 && assignee <= 300.0, "owner: {owner}, assignee: {assignee}");
    assert!(name <= 700.0, "name: {name}");
    assert!(ten <= 120.0 && back <= 120.0 && all <= 1_200.0, "teams: {ten}, {back}, {all}");
}

#[tokio::test]
async fn an_ordinary_contact_costs_no_more_write_units_than_its_entries() {
    let world = World::with_flags().await;
    let team = local::demo_company::team_id("kopi", "Many 0");
    add_person(&world, "many", "everything", std::slice::from_ref(&team));
    let mut number = 0;
    for (more, most) in [
        (json!({}), 25.0),
        (json!({ "external_id": "ordinary-1" }), 27.0),
        (json!({ "assignee_id": tests::person("budi"), "team_owner_ids": [team] }), 28.0),
        (
            json!({ "external_id": "ordinary-2", "assignee_id": tests::person("budi"), "team_owner_ids": [team] }),
            30.0,
        ),
        // The owner is the assignee.
        (json!({ "assignee_id": tests::person("many") }), 28.0),
    ] {
        number += 1;
        let mut contact = json!({
            "name": "Citra Anggraini", "emails": [format!("citra{number}@customers.example")],
            "phones": [format!("+62 812 0000 010{number}")],
        });
        contact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (cost, _) = write_cost(&world, Method::POST, "/cdp/customers", &contact).await;
        assert!(cost <= most, "{more}: {cost} of {most}");
    }
}

#[tokio::test]
async fn a_cached_team_set_is_not_read_from_the_table_again() {
    let world = World::with_flags().await;
    let teams: Vec<String> =
        (0..400).map(|n| local::demo_company::team_id("kopi", &format!("Cached {n}"))).collect();
    add_person(&world, "cached", "team", &teams);
    add_person(&world, "few", "team", &teams[..1]);
    let path = "/cdp/customers/search-assoc?q=zzzz";
    let units = async |user| warm_cost(&world, user, path, "ContactSearch").await.1;
    let (many, few) = (units("cached").await, units("few").await);
    assert!(many <= few, "{many} read units with 400 teams, {few} with one");
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
