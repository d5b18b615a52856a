//! Tests of which contacts an exported file contains if people, teams and contacts change.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures::future::join_all;
use jiff::SignedDuration;
use local::upstreams::Upserts;
use serde_json::{Value, json};
use tests::{World, person, team};

use super::{
    file::{expected, rows},
    steps::{assert_no_leftovers, deliver, objects, order, requested, view},
};

/// Changes Sinta in the directory while the export's worker waits for the bucket. Returns whether
/// the worker processed its message successfully.
async fn change_while_writing(
    world: &World,
    job: &str,
    change: impl FnOnce(&mut local::upstreams::Person),
) -> bool {
    world
        .fault(&json!({ "target": "s3", "action": "UploadPart", "latency_ms": 2_500, "times": 1 }));
    let mut worker = pin!(deliver(world, "ExportGenerate", "sinta", job, 1));
    let early = tokio::time::timeout(Duration::from_millis(500), worker.as_mut()).await;
    assert!(early.is_err(), "the file was written before the change");
    let mut sinta = world.directory.find("sinta").unwrap();
    change(&mut sinta);
    world.directory.upsert(Upserts { people: vec![sinta], ..Upserts::default() }).unwrap();
    // Move the clock past the expiry of the cached levels and team sets.
    world.advance(SignedDuration::from_secs(61));
    worker.await
}

#[tokio::test]
async fn a_requester_who_is_disabled_during_an_export_gets_no_file_and_an_email_with_the_reason() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    let done = change_while_writing(&world, &job, |sinta| {
        sinta.levels.insert("customers_customers_view".to_owned(), "disabled".to_owned());
    });
    assert!(done.await, "another attempt would fail in the same way");
    world.process_queues().await;
    let view = view(&world, "sinta", &job).await;
    assert_eq!((&view["status"], &view["error"]["code"]), (&json!("failed"), &json!("FORBIDDEN")));
    assert_no_leftovers(&world, "forbidden").await;
    let mails = world.aws.mailbox().list();
    assert_eq!((mails.len(), mails[0].attachments.len()), (1, 0));
    assert!(mails[0].text.as_ref().unwrap().contains("ask your administrator"), "{mails:?}");
}

#[tokio::test]
async fn a_scope_change_during_an_export_restarts_the_export() {
    let world = World::with_flags().await;
    let before = world.get("sinta", "/cdp/customers?limit=100").await.ids();
    let job = requested(&world, "sinta", &order("csv")).await;
    let done = change_while_writing(&world, &job, |sinta| {
        sinta.team_ids = vec![team("Surabaya")];
    });
    assert!(!done.await, "another attempt is needed");
    assert_no_leftovers(&world, "the first attempt").await;
    assert!(deliver(&world, "ExportGenerate", "sinta", &job, 2).await);
    let after = world.get("sinta", "/cdp/customers?limit=100").await;
    assert_ne!(after.ids(), before);
    let file = world.files().await.read(&objects(&world).await[0]).await.unwrap();
    assert_eq!(rows("csv", &file), expected(after.data(), "Asia/Jakarta"));
}

#[tokio::test]
async fn a_running_export_finishes_with_its_scope_while_launchpad_does_not_answer() {
    let world = World::with_flags().await;
    let list = world.get("sinta", "/cdp/customers?limit=100").await;
    let job = requested(&world, "sinta", &order("csv")).await;
    let done = change_while_writing(&world, &job, |_| {
        for target in ["launchpad.teams", "launchpad.permissions"] {
            world.fault(&json!({ "target": target, "status": 503 }));
        }
    });
    assert!(done.await);
    let file = world.files().await.read(&objects(&world).await[0]).await.unwrap();
    assert_eq!(rows("csv", &file), expected(list.data(), "Asia/Jakarta"));
}

/// The row of a sync request for one contact of a writer. `at` is the contact's number.
fn row(writer: usize, at: usize, fields: &Value) -> Value {
    let mut row =
        json!({ "external_id": format!("{writer}-{at}"), "name": format!("Contact {at}") });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

async fn sync(world: &World, user: &str, rows: &[Value]) -> Vec<String> {
    let response = world.post(user, "/cdp/customers/sync", &json!({ "contacts": rows })).await;
    assert_eq!(response.status, 200, "{}", response.body);
    let data = response.data().as_array().unwrap();
    assert!(data.iter().all(|row| row["status"] != "rejected"), "{}", response.body);
    data.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

/// The owners that all contacts get in one round of changes. Each round moves the contacts between
/// partitions, but they always stay in the scope of both viewers.
fn owners_in_round(round: usize) -> Value {
    let (sinta, andre, own) = (person("sinta"), person("andre"), team("Jakarta SMB"));
    match round % 3 {
        0 => json!({ "owner_id": andre, "assignee_id": sinta, "team_owner_ids": [own] }),
        1 => json!({ "owner_id": sinta, "assignee_id": andre, "team_owner_ids": [] }),
        _ => json!({ "owner_id": andre, "assignee_id": null, "team_owner_ids": [own] }),
    }
}

#[tokio::test]
async fn an_export_contains_each_contact_that_stays_in_scope_once_while_8_writers_change_contacts()
{
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let world = World::with_flags().await;
    let batch = |writer, round| -> Vec<Value> {
        (0..EACH).map(|at| row(writer, at, &owners_in_round(round))).collect()
    };
    let mut stable = Vec::new();
    for writer in 0..WRITERS {
        stable.extend(sync(&world, "sinta", &batch(writer, 0)).await);
    }
    for user in ["sinta", "andre"] {
        let mut body = order("csv");
        body["fields"] = json!(["id", "owner_id", "assignee_id", "team_owner_ids"]);
        let job = requested(&world, user, &body).await;
        world.fault(
            &json!({ "target": "dynamodb", "function": "ExportGenerate", "latency_ms": 150 }),
        );
        let mut worker = pin!(deliver(&world, "ExportGenerate", user, &job, 1));
        let writers = async {
            for round in 1..100 {
                join_all((0..WRITERS).map(|writer| {
                    let rows = batch(writer, round + writer);
                    let world = &world;
                    async move { sync(world, "sinta", &rows).await }
                }))
                .await;
            }
        };
        tokio::select! {
            done = &mut worker => assert!(done, "{user}"),
            () = writers => panic!("{user}: the writers finished before the export"),
        }
        world.faults.clear();
        world.process_queues().await;
        let mail = world.aws.mailbox().list().pop().unwrap();
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows("csv", &mail.attachments[0].content) {
            *found.entry(row[0].clone()).or_default() += 1;
            let (user, own) = (person(user), team("Jakarta SMB"));
            let is_own = row[1] == user || row[2] == user;
            let in_scope =
                is_own || (user == person("sinta") && (row[3].is_empty() || row[3].contains(&own)));
            assert!(in_scope, "{row:?}");
        }
        assert!(found.values().all(|times| *times == 1), "{user}: a contact is in the file twice");
        let missing = stable.iter().filter(|id| !found.contains_key(*id)).count();
        assert_eq!(missing, 0, "{user}: contacts are missing");
    }
}

#[tokio::test]
async fn an_export_uses_the_names_stored_on_contacts_while_launchpad_cannot_return_names() {
    let world = World::with_flags().await;
    let list = world.get("maya", "/cdp/customers?limit=100").await;
    let owners: Vec<&Value> =
        list.data().as_array().unwrap().iter().map(|contact| &contact["owner_name"]).collect();
    assert!(owners.iter().any(|name| name.is_string()));
    let mut body = order("csv");
    body["fields"] = json!(["id", "owner_name"]);
    let job = requested(&world, "maya", &body).await;
    world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
    assert!(deliver(&world, "ExportGenerate", "maya", &job, 1).await);
    let file = world.files().await.read(&objects(&world).await[0]).await.unwrap();
    let text = String::from_utf8(file).unwrap();
    for name in owners.into_iter().filter_map(Value::as_str) {
        assert!(text.contains(name), "{name}: {text}");
    }
}
