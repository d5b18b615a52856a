//! Tests of which team owners a backfill sets, keeps and reverts (RFC CHG-004, execution plan 11).

use http::Method;
use serde_json::{Value, json};
use tests::{World, team};

/// The names of the people file and of the teams file, which are in the company's folder of the
/// bucket.
pub(crate) const PEOPLE: &str = "people.csv";
pub(crate) const TEAMS: &str = "teams.csv";

/// The legacy teams in the teams file. Launchpad spells some of their names differently and does
/// not have the last team.
pub(crate) const LEGACY_TEAMS: &str = "id,name\n1,SALES\n2, jakarta  smb\n3,Bandung\n9,Disbanded\n";

pub(crate) fn company(handle: &str) -> String {
    local::demo_company::id("company", handle)
}

fn key(file: &str) -> String {
    format!("private/backfill/{}/{file}", company("kopi"))
}

/// Stores a file in the growth company's folder of the bucket.
pub(crate) async fn put(world: &World, file: &str, content: impl Into<Vec<u8>>) {
    let files = world.files().await;
    let put = files.client().put_object().bucket(files.bucket()).key(key(file));
    put.body(content.into().into()).send().await.unwrap();
}

/// The event that starts a run.
pub(crate) fn request(mode: &str) -> Value {
    json!({
        "company_sso_id": company("kopi"), "mode": mode,
        "people_key": key(PEOPLE), "teams_key": key(TEAMS),
    })
}

/// Starts a run and returns the response to the operator.
pub(crate) async fn start(world: &World, mode: &str) -> Value {
    world.invoke("TeamBackfill", request(mode)).await
}

/// Reads the report of a completed run from the bucket.
pub(crate) async fn report(world: &World, response: &Value) -> Value {
    let key = response["report_key"].as_str().unwrap_or_else(|| panic!("{response}"));
    serde_json::from_slice(&world.files().await.read(key).await.unwrap()).unwrap()
}

/// The object keys of all reports in the bucket.
pub(crate) async fn reports(world: &World) -> Vec<String> {
    let files = world.files().await;
    let listed = files.client().list_objects_v2().bucket(files.bucket()).send().await.unwrap();
    let keys = listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
    keys.filter(|key| key.ends_with("/report.json")).collect()
}

/// Executes a run from its start to its end and returns its report.
pub(crate) async fn run(world: &World, mode: &str) -> Value {
    let response = start(world, mode).await;
    world.process_queues().await;
    let report = report(world, &response).await;
    assert_eq!(report["state"], "completed", "{report}");
    report
}

/// Creates the contacts `P-1` to `P-{count}` without team owners and returns their ids.
pub(crate) async fn contacts(world: &World, count: usize) -> Vec<String> {
    let numbers: Vec<usize> = (1..=count).collect();
    let mut ids = Vec::new();
    for chunk in numbers.chunks(100) {
        let row = |n: &usize| json!({ "external_id": format!("P-{n}"), "name": format!("P {n}") });
        let body = json!({ "contacts": chunk.iter().map(row).collect::<Vec<_>>() });
        ids.extend(world.post("maya", "/cdp/customers/sync", &body).await.ids());
    }
    assert_eq!(ids.len(), count);
    ids
}

/// A people file with one row for each person. A row contains the person's id, which is `P-` and a
/// number, and the ids of the person's legacy teams.
pub(crate) fn people(rows: impl IntoIterator<Item = (usize, &'static str)>) -> String {
    let mut file = "crm_person_id,name,crm_team_hierarchy_id\r\n".to_owned();
    for (n, teams) in rows {
        file.push_str(&format!("P-{n},\"Some, body\",\"{teams}\"\r\n"));
    }
    file
}

/// Changes the team owners of a contact through the API, as a user does.
async fn edit(world: &World, external_id: &str, owners: Value) {
    let row = json!({ "external_id": external_id, "team_owner_ids": owners });
    let body = json!({ "contacts": [row] });
    let response = world.post("maya", "/cdp/customers/sync", &body).await;
    assert_eq!(response.data()[0]["status"], "updated", "{}", response.body);
}

pub(crate) async fn contact(world: &World, id: &str) -> Value {
    let response = world.get("maya", &format!("/cdp/customers/{id}")).await;
    assert_eq!(response.status, 200);
    response.data().clone()
}

pub(crate) async fn owners(world: &World, ids: &[String]) -> Vec<Value> {
    let mut owners = Vec::new();
    for id in ids {
        owners.push(contact(world, id).await["team_owner_ids"].clone());
    }
    owners
}

#[tokio::test]
async fn chg004_a_clean_file_covers_95_percent_and_unmatched_contacts_stay_unassigned() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 60).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    let teams = |n| if n > 58 { "9" } else { ["1", "2", "1,3"][n % 3] };
    put(&world, PEOPLE, people((1..=60).map(|n| (n, teams(n))))).await;
    let report = run(&world, "apply").await;
    let totals = &report["totals"];
    assert_eq!((&totals["rows"], &totals["assigned"]), (&json!(60), &json!(58)), "{report}");
    assert_eq!((&totals["unassigned"], &totals["errors"]), (&json!(2), &json!(0)));
    assert_eq!((&totals["written"], &totals["covered"]), (&json!(58), &json!(58)));
    assert_eq!(report["coverage"], json!({ "rows_percent": 96.67, "contacts_percent": 96.67 }));
    let unmatched = json!([{
        "legacy_team_id": "9", "name": "Disbanded", "reason": "NO_SUCH_TEAM", "rows": 2
    }]);
    assert_eq!(report["unmatched_teams"], unmatched);
    let owners = owners(&world, &ids).await;
    for (index, owners) in owners.iter().enumerate() {
        let expected = match index + 1 {
            n if n > 58 => json!([]),
            n => [
                json!([team("Sales")]),
                json!([team("Jakarta SMB")]),
                json!([team("Sales"), team("Bandung")]),
            ][n % 3]
                .clone(),
        };
        assert_eq!(*owners, expected, "P-{}", index + 1);
    }
    // Lists use the new owners: Sinta, who is in Jakarta SMB, sees her team's contacts and
    // unassigned contacts.
    let seen = world.get("sinta", "/cdp/customers?limit=100").await.ids();
    for (index, id) in ids.iter().enumerate() {
        assert_eq!(seen.contains(id), (index + 1) % 3 == 1 || index + 1 > 58, "P-{}", index + 1);
    }
}

#[tokio::test]
async fn chg004_a_repeated_run_changes_nothing() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 3).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1"), (2, "2|9"), (3, "9")])).await;
    let first = run(&world, "apply").await;
    assert_eq!(first["totals"]["partially_matched"], 1);
    let before = [contact(&world, &ids[0]).await, contact(&world, &ids[1]).await];
    world.advance(jiff::SignedDuration::from_mins(1));
    let second = run(&world, "apply").await;
    assert_eq!(
        (&second["totals"]["written"], &second["totals"]["unchanged"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(second["coverage"], first["coverage"]);
    assert_eq!([contact(&world, &ids[0]).await, contact(&world, &ids[1]).await], before);
}

#[tokio::test]
async fn chg004_a_repeated_run_follows_the_file_for_contacts_that_users_did_not_change() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 2).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1"), (2, "2")])).await;
    run(&world, "apply").await;
    put(&world, PEOPLE, people([(1, "3"), (2, "")])).await;
    let report = run(&world, "apply").await;
    assert_eq!(report["totals"]["written"], 2, "{report}");
    assert_eq!(report["totals"]["without_team"], 1);
    assert_eq!(owners(&world, &ids).await, [json!([team("Bandung")]), json!([])]);
}

#[tokio::test]
async fn chg004_team_owners_that_users_set_or_cleared_survive_every_run_and_the_revert() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 5).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people((1..=5).map(|n| (n, "2")))).await;
    // P-1 is set before the backfill; P-2 is set and cleared before it.
    edit(&world, "P-1", json!([team("Sales")])).await;
    edit(&world, "P-2", json!([team("Sales")])).await;
    edit(&world, "P-2", json!([])).await;
    let first = run(&world, "apply").await;
    assert_eq!((&first["totals"]["kept"], &first["totals"]["written"]), (&json!(2), &json!(3)));
    // P-3 is changed after the backfill; P-4 is cleared after it.
    edit(&world, "P-3", json!([team("Sales")])).await;
    edit(&world, "P-4", json!([])).await;
    let sales = json!([team("Sales")]);
    let smb = json!([team("Jakarta SMB")]);
    let expected = [sales.clone(), json!([]), sales.clone(), json!([]), smb];
    assert_eq!(owners(&world, &ids).await, expected);
    let again = run(&world, "apply").await;
    assert_eq!((&again["totals"]["kept"], &again["totals"]["written"]), (&json!(4), &json!(0)));
    assert_eq!(again["coverage"]["contacts_percent"], 60.0);
    assert_eq!(owners(&world, &ids).await, expected);
    let reverted = run(&world, "revert").await;
    assert_eq!(
        (&reverted["totals"]["rows"], &reverted["totals"]["written"]),
        (&json!(1), &json!(1))
    );
    assert!(reverted["coverage"].is_null());
    let expected = [sales.clone(), json!([]), sales, json!([]), json!([])];
    assert_eq!(owners(&world, &ids).await, expected);
}

#[tokio::test]
async fn chg004_a_revert_undoes_exactly_the_writes_of_the_backfill_and_an_apply_sets_them_again() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 120).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people((1..=120).map(|n| (n, "1")))).await;
    let before: Vec<Value> = world
        .get("maya", "/cdp/customers?limit=100")
        .await
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["team_owner_ids"].clone())
        .collect();
    run(&world, "apply").await;
    // A revert does not read the people file.
    put(&world, PEOPLE, people([(1, "1")])).await;
    let reverted = run(&world, "revert").await;
    assert_eq!(reverted["totals"]["written"], 120, "{reverted}");
    assert!(owners(&world, &ids).await.iter().all(|owners| *owners == json!([])));
    let after: Vec<Value> = world
        .get("maya", "/cdp/customers?limit=100")
        .await
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["team_owner_ids"].clone())
        .collect();
    assert_eq!(before, after);
    let again = run(&world, "revert").await;
    assert_eq!(
        (&again["totals"]["written"], &again["totals"]["unchanged"]),
        (&json!(0), &json!(120))
    );
    let applied = run(&world, "apply").await;
    assert_eq!(applied["totals"]["written"], 1);
}

#[tokio::test]
async fn chg004_a_dry_run_reports_everything_and_writes_only_the_report() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 3).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1"), (2, "9"), (3, "2"), (4, "2")])).await;
    let before = contact(&world, &ids[0]).await;
    let mut dry = run(&world, "dry_run").await;
    assert_eq!(contact(&world, &ids[0]).await, before);
    assert_eq!(owners(&world, &ids).await, vec![json!([]); 3]);
    assert_eq!(run(&world, "revert").await["totals"]["rows"], 0);
    let mut real = run(&world, "apply").await;
    for report in [&mut dry, &mut real] {
        report.as_object_mut().unwrap().retain(|name, _| {
            ["totals", "coverage", "unmatched_teams", "errors"].contains(&name.as_str())
        });
    }
    assert_eq!(dry, real);
}

#[tokio::test]
async fn chg004_a_name_that_two_teams_have_is_unmatched() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 3).await;
    let second = json!({ "teams": [{
        "id": team("Second"), "company_sso_id": company("kopi"), "name": "sales", "parent_id": null
    }] });
    world.directory.upsert(serde_json::from_value(second).unwrap()).unwrap();
    put(&world, TEAMS, "id;name\n1;Sales\n2;Bandung\n3;BANDUNG\n4;Surabaya\n").await;
    put(&world, PEOPLE, people([(1, "1"), (2, "2;4"), (3, "3")])).await;
    let report = run(&world, "apply").await;
    let teams = report["unmatched_teams"].as_array().unwrap();
    assert_eq!(teams.len(), 3, "{report}");
    assert!(teams.iter().all(|team| team["reason"] == "AMBIGUOUS_NAME"), "{report}");
    let expected = [json!([]), json!([team("Surabaya")]), json!([])];
    assert_eq!(owners(&world, &ids).await, expected);
}

#[tokio::test]
async fn chg004_a_backfill_never_uses_contacts_or_teams_of_another_company() {
    let world = World::with_flags().await;
    let row = json!({ "contacts": [{ "external_id": "P-1" }, { "external_id": "P-7" }] });
    let theirs = world.post("claire", "/cdp/customers/sync", &row).await.ids();
    let ours = contacts(&world, 1).await;
    put(&world, TEAMS, "id,name\n1,Accounts\n2,Sales\n").await;
    put(&world, PEOPLE, people([(1, "1,2"), (7, "2")])).await;
    let report = run(&world, "apply").await;
    assert_eq!(report["unmatched_teams"][0]["name"], "Accounts");
    assert_eq!(
        report["errors"],
        json!([{ "file": "people", "row": 3, "code": "NO_SUCH_CONTACT" }])
    );
    assert_eq!(owners(&world, &ours).await, [json!([team("Sales")])]);
    for id in theirs {
        let contact = world.get("claire", &format!("/cdp/customers/{id}")).await;
        let data = contact.data();
        assert_eq!((&data["team_owner_ids"], &data["version"]), (&json!([]), &json!(1)));
    }
    // A run cannot read another company's files either.
    let mut foreign = request("apply");
    foreign["company_sso_id"] = json!(company("meridian"));
    let refused = world.invoke("TeamBackfill", foreign).await;
    assert_eq!(refused["error"], "INVALID_REQUEST");
}

#[tokio::test]
async fn the_source_of_team_owners_is_not_visible_in_the_api() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 1).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people([(1, "1")])).await;
    run(&world, "apply").await;
    let shown = contact(&world, &ids[0]).await;
    assert_eq!(shown["version"], 2);
    assert!(shown.get("team_owners_from").is_none());
    let echo = json!({ "contacts": [{ "external_id": "P-1", "team_owners_from": {} }] });
    let response = world.call("maya", Method::POST, "/cdp/customers/sync", Some(&echo)).await;
    assert_eq!(response.data()[0]["error"]["details"]["field"], "team_owners_from");
}

#[tokio::test]
async fn a_contact_with_a_hundred_teams_is_backfilled_and_reverted_in_stages() {
    let world = World::with_flags().await;
    let ids = contacts(&world, 1).await;
    let numbered = |n: usize| team(&format!("T{n}"));
    let all: Vec<Value> = (0..100)
        .map(|n| json!({ "id": numbered(n), "company_sso_id": company("kopi"), "name": format!("T {n}") }))
        .collect();
    world.directory.upsert(serde_json::from_value(json!({ "teams": all })).unwrap()).unwrap();
    let legacy: String = (0..100).map(|n| format!("{n},t {n}\n")).collect();
    put(&world, TEAMS, format!("id,name\n{legacy}")).await;
    let row: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    put(&world, PEOPLE, format!("id,team_ids\nP-1,{}\n", row.join(";"))).await;
    assert_eq!(run(&world, "apply").await["totals"]["written"], 1);
    let set: Vec<String> = (0..100).map(numbered).collect();
    assert_eq!(owners(&world, &ids).await, [json!(set)]);
    assert_eq!(run(&world, "revert").await["totals"]["written"], 1);
    assert_eq!(owners(&world, &ids).await, [json!([])]);
}
