use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Response, World, person, team};

use super::table_state;

const WRITERS: usize = 16;
const CHANGES: usize = 12;
const CONTACTS: usize = 200;
/// Contacts with a lower number move only within the teams of Jakarta. Contacts from this number to
/// `ANYWHERE` move between all teams. The other contacts do not change.
const WITHIN_JAKARTA: usize = 80;
const ANYWHERE: usize = 160;

/// The handles of readers, with at least one reader at every level.
const READERS: [&str; 6] = ["maya", "hendra", "budi", "sinta", "lars", "andre"];

/// Whether a contact stays in a reader's scope during the whole test.
fn is_stable(handle: &str, number: usize) -> bool {
    let within_jakarta = number < WITHIN_JAKARTA && ["hendra", "budi"].contains(&handle);
    handle == "maya" || within_jakarta || number >= ANYWHERE
}

fn writer(number: usize) -> String {
    person(&format!("writer {number}"))
}

/// Adds sixteen people who have all permissions and are in all teams between which contacts move.
fn add_writers(world: &World) {
    let company = local::demo_company::id("company", "kopi");
    let teams = ["Jakarta", "Jakarta SMB", "Jakarta Enterprise", "Bandung", "Support"].map(team);
    let levels: serde_json::Map<String, Value> = local::demo_company::PERMISSIONS
        .iter()
        .map(|permission| ((*permission).to_owned(), json!("everything")))
        .collect();
    let people: Vec<Value> = (0..WRITERS)
        .map(|n| {
            json!({ "sso_id": writer(n), "company_sso_id": company, "full_name": format!("W {n}"),
                "email": format!("w{n}@kopi.example"), "team_ids": teams, "levels": levels })
        })
        .collect();
    let upserts = serde_json::from_value(json!({ "people": people })).unwrap();
    world.directory.upsert(upserts).unwrap();
}

fn external_id(number: usize) -> String {
    format!("M{number}")
}

async fn create_contacts(world: &World) -> Vec<String> {
    let mut ids = Vec::new();
    let numbers: Vec<usize> = (0..CONTACTS).collect();
    for chunk in numbers.chunks(100) {
        let row = |n: &usize| {
            let owner = if *n < ANYWHERE { "sinta" } else { "andre" };
            json!({ "external_id": external_id(*n), "name": format!("Moving {n:03}"),
                "owner_id": person(owner), "team_owner_ids": [team("Jakarta SMB")] })
        };
        let rows = json!({ "contacts": chunk.iter().map(row).collect::<Vec<_>>() });
        let response = world.post(&writer(0), "/cdp/customers/sync", &rows).await;
        ids.extend(response.ids());
    }
    assert_eq!(ids.len(), CONTACTS);
    ids
}

/// A random change of a contact's owner and team owners.
fn change(random: &mut fastrand::Rng, number: usize) -> Value {
    let jakarta = ["Jakarta", "Jakarta SMB", "Jakarta Enterprise"];
    let mut teams: BTreeSet<String> = BTreeSet::new();
    if number < WITHIN_JAKARTA {
        teams.extend((0..random.usize(1..3)).map(|_| team(jakarta[random.usize(..3)])));
    } else if random.bool() {
        let all = ["Jakarta", "Bandung", "Support", "Jakarta SMB"];
        teams.extend((0..random.usize(1..3)).map(|_| team(all[random.usize(..4)])));
    }
    let owner = [Some("sinta"), Some("lars"), Some("andre"), None][random.usize(..4)].map(person);
    json!({ "owner_id": owner, "team_owner_ids": teams })
}

async fn write(world: &World, number: usize, ids: &[String]) {
    let mut random = fastrand::Rng::with_seed(u64::try_from(number).unwrap());
    for _ in 0..CHANGES {
        let contact = random.usize(..ANYWHERE);
        let mut body = change(&mut random, contact);
        let response = if random.usize(..3) == 0 {
            body["external_id"] = json!(external_id(contact));
            let rows = json!({ "contacts": [body] });
            world.post(&writer(number), "/cdp/customers/sync", &rows).await
        } else {
            let path = format!("/cdp/customers/{}", ids[contact]);
            world.call(&writer(number), Method::PATCH, &path, Some(&body)).await
        };
        let rejected = response.data()[0]["status"] == "rejected";
        assert!(response.status == 200 && !rejected, "{response:?}");
    }
}

/// Whether the rule allows a viewer to see a returned record. The rule uses the fields of that
/// record.
fn is_in_scope(world: &World, handle: &str, contact: &Value) -> bool {
    let viewer = world.directory.find(handle).unwrap();
    let teams = world.directory.expanded_team_ids(&viewer);
    let own = [&contact["owner_id"], &contact["assignee_id"]]
        .iter()
        .any(|id| id.as_str() == Some(&viewer.sso_id));
    let owners: Vec<&str> =
        contact["team_owner_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    match viewer.levels["customers_customers_view"].as_str() {
        "everything" => true,
        "team" => owners.is_empty() || owners.iter().any(|id| teams.iter().any(|t| t == id)) || own,
        _ => own,
    }
}

/// Reads all pages of a list and returns how often the list contained each contact.
async fn list(world: &World, handle: &str, order: &str) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/cdp/customers?limit=30&order_by={order}&cursor={cursor}");
        let page: Response = world.get(handle, &path).await;
        assert_eq!(page.status, 200, "{page:?}");
        for contact in page.data().as_array().unwrap() {
            assert!(is_in_scope(world, handle, contact), "{handle} got {contact}");
            let id = contact["id"].as_str().unwrap().to_owned();
            *seen.entry(id).or_default() += 1;
        }
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return seen,
        }
    }
}

async fn read(world: &World, reader: usize, ids: &[String], writing: &Cell<usize>) {
    let handle = READERS[reader];
    let mut round = reader;
    loop {
        let last = writing.get() == 0;
        let order = ["created_at", "name"][round % 2];
        let seen = list(world, handle, order).await;
        let duplicates: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
        assert!(duplicates.is_empty(), "{handle} by {order}: {duplicates:?}");
        let missing: Vec<usize> = (0..CONTACTS)
            .filter(|n| is_stable(handle, *n) && !seen.contains_key(&ids[*n]))
            .collect();
        assert!(missing.is_empty(), "{handle} by {order} does not get {missing:?}");
        if last {
            return;
        }
        round += 1;
    }
}

#[tokio::test]
async fn no_reader_sees_too_much_or_misses_a_stable_contact_while_sixteen_writers_change_contacts()
{
    let world = World::with_flags().await;
    add_writers(&world);
    let ids = create_contacts(&world).await;
    // A list reads its partitions at different times, and the writers move contacts between these
    // reads.
    world.fault(&json!({
        "target": "dynamodb", "function": "ContactList", "action": "Query",
        "latency_ms": 60, "rate": 0.5
    }));
    let writing = Cell::new(WRITERS);
    let writers = (0..WRITERS).map(|number| {
        let (world, ids, writing) = (&world, &ids, &writing);
        async move {
            write(world, number, ids).await;
            writing.set(writing.get() - 1);
        }
    });
    let readers = (0..READERS.len()).map(|reader| read(&world, reader, &ids, &writing));
    tokio::join!(futures::future::join_all(writers), futures::future::join_all(readers));
    world.faults.clear();
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
    // The lists stay correct after the clean-up.
    for reader in 0..READERS.len() {
        read(&world, reader, &ids, &writing).await;
    }
}

/// The ids of the contacts in a person's list, in order.
async fn listed(world: &World, handle: &str) -> Vec<String> {
    world.get(handle, "/cdp/customers?limit=100").await.ids()
}

#[tokio::test]
async fn a_stale_pointer_stays_for_a_minute_and_shows_the_contact_to_no_new_viewer() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": null, "team_owner_ids": [team("Sales")] });
    let created = world.post("maya", "/cdp/customers", &body).await;
    let id = created.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/cdp/customers/{id}");
    let move_to = |teams: Value| {
        let (world, path) = (&world, &path);
        async move {
            let body = json!({ "team_owner_ids": teams });
            let changed = world.call("maya", Method::PATCH, path, Some(&body)).await;
            assert_eq!(changed.status, 200, "{changed:?}");
        }
    };
    // The contact leaves the unassigned contacts, which every team viewer sees, and is unassigned
    // again within a minute.
    for teams in [json!([]), json!([team("Sales")]), json!([]), json!([team("Sales")])] {
        move_to(teams.clone()).await;
        let open = teams == json!([]);
        for (handle, sees) in
            [("sinta", open), ("putri", open), ("hendra", true), ("maya", true), ("andre", false)]
        {
            let times = listed(&world, handle).await.iter().filter(|one| **one == id).count();
            assert_eq!(times, usize::from(sees), "{handle} {teams}");
        }
        let filter = format!("/cdp/customers?limit=100&team_owner_ids={}", team("Sales"));
        assert_eq!(world.get("maya", &filter).await.ids().contains(&id), !open);
    }
    let stale_pointers = |items: &[(shared::table::Key, shared::table::Item)]| {
        let of_contact = items.iter().filter(|(key, _)| key.sk == id);
        of_contact.filter(|(key, _)| key.pk.ends_with("#UNASSIGNED")).count()
    };
    assert_eq!(stale_pointers(&table_state::everything(&world).await), 1);
    // The clean-up deletes the pointer after a minute, but not earlier.
    world.clean_up(world.clock.now()).await;
    assert_eq!(stale_pointers(&table_state::everything(&world).await), 1);
    table_state::clean_up(&world).await;
    assert_eq!(stale_pointers(&table_state::everything(&world).await), 0);
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_stale_pointer_stays_a_whole_minute_after_the_contact_moved_away_again() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": null });
    let created = world.post("maya", "/cdp/customers", &body).await;
    let id = created.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/cdp/customers/{id}");
    let mut pointer_exists = Vec::new();
    // The contact leaves at 0 seconds, comes back at 20 seconds and leaves again at 40 seconds. The
    // pointer is kept until 100 seconds.
    for teams in [json!([team("Sales")]), json!([]), json!([team("Sales")])] {
        let body = json!({ "team_owner_ids": teams });
        assert_eq!(world.call("maya", Method::PATCH, &path, Some(&body)).await.status, 200);
        world.advance(SignedDuration::from_secs(20));
    }
    for seconds in [1, 30, 15] {
        world.advance(SignedDuration::from_secs(seconds));
        assert_eq!(world.clean_up(world.clock.now()).await["failed"], 0);
        let items = table_state::everything(&world).await;
        pointer_exists
            .push(items.iter().any(|(key, _)| key.sk == id && key.pk.ends_with("#UNASSIGNED")));
    }
    assert_eq!(pointer_exists, [true, true, false]);
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
}

#[tokio::test]
async fn a_contact_that_moved_twice_is_not_hidden_by_its_stale_pointer() {
    let world = World::with_flags().await;
    let body = json!({ "name": "A", "owner_id": null, "team_owner_ids": [team("Jakarta SMB")] });
    let mut maya = world.directory.find("maya").unwrap();
    maya.team_ids = ["Sales", "Jakarta SMB", "Bandung"].map(team).to_vec();
    let upserts = serde_json::from_value(json!({ "people": [maya] })).unwrap();
    world.directory.upsert(upserts).unwrap();
    let created = world.post("maya", "/cdp/customers", &body).await;
    let id = created.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/cdp/customers/{id}");
    // Lars is in Jakarta SMB and in Bandung and not in Sales. The stale pointer in Jakarta SMB
    // contains Sales as the owner.
    for teams in [json!([team("Sales")]), json!([team("Bandung")])] {
        let body = json!({ "team_owner_ids": teams });
        assert_eq!(world.call("maya", Method::PATCH, &path, Some(&body)).await.status, 200);
    }
    for order in ["created_at", "name"] {
        let list = world.get("lars", &format!("/cdp/customers?limit=100&order_by={order}")).await;
        assert_eq!(list.ids().iter().filter(|one| **one == id).count(), 1, "{order}");
    }
}
