//! Whose contacts a file holds, while people, teams and contacts change.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures::future::join_all;
use jiff::SignedDuration;
use local::upstreams::Upserts;
use serde_json::{Value, json};
use tests::{World, person, team};

use super::{
    file::{expected, rows},
    steps::{assert_no_remains, deliver, objects, order, requested, view},
};

/// Has a person of the directory changed while the export's worker waits for the bucket, and goes
/// on until the worker is done with its message.
async fn change_while_writing(
    world: &World,
    job: &str,
    change: impl FnOnce(&mut local::upstreams::Person),
) -> bool {
    world
        .fault(&json!({ "target": "s3", "action": "UploadPart", "latency_ms": 2_500, "times": 1 }));
    let mut worker = pin!(deliver(world, "ExportGenerate", "sinta", job, 1));
    let early = tokio::time::timeout(Duration::from_millis(500), worker.as_mut()).await;
    assert!(early.is_err(), "the file was written too fast");
    let mut sinta = world.directory.find("sinta").unwrap();
    change(&mut sinta);
    world.directory.upsert(Upserts { people: vec![sinta], ..Upserts::default() }).unwrap();
    // Past the time that levels and team sets are used without asking.
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
    assert!(done.await, "trying again would end alike");
    world.work().await;
    let told = view(&world, "sinta", &job).await;
    assert_eq!((&told["status"], &told["error"]["code"]), (&json!("failed"), &json!("FORBIDDEN")));
    assert_no_remains(&world, "forbidden").await;
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
    assert_no_remains(&world, "the first attempt").await;
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

/// The row of one contact, by the writer that changes it.
fn row(writer: usize, at: usize, fields: &Value) -> Value {
    let mut row =
        json!({ "external_id": format!("{writer}-{at}"), "name": format!("Contact {at}") });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

async fn sync(world: &World, user: &str, rows: &[Value]) -> Vec<String> {
    let answer = world.post(user, "/cdp/customers/sync", &json!({ "contacts": rows })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = answer.data().as_array().unwrap();
    assert!(data.iter().all(|row| row["status"] != "rejected"), "{}", answer.body);
    data.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

/// What a writer's contacts become in a round: always in the scope of both viewers, though they
/// move from one of its partitions to another.
fn moved(round: usize) -> Value {
    let (sinta, andre, own) = (person("sinta"), person("andre"), team("Jakarta SMB"));
    match round % 3 {
        0 => json!({ "owner_id": andre, "assignee_id": sinta, "team_owner_ids": [own] }),
        1 => json!({ "owner_id": sinta, "assignee_id": andre, "team_owner_ids": [] }),
        _ => json!({ "owner_id": andre, "assignee_id": null, "team_owner_ids": [own] }),
    }
}

#[tokio::test]
async fn an_export_contains_each_contact_that_stays_in_scope_once_while_8_writers_change_contacts() {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let world = World::with_flags().await;
    let batch = |writer, round| -> Vec<Value> {
        (0..EACH).map(|at| row(writer, at, &moved(round))).collect()
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
            () = writers => panic!("{user}: the writers were done first"),
        }
        world.faults.clear();
        world.work().await;
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
        assert!(found.values().all(|times| *times == 1), "{user}: a contact came twice");
        let lost = stable.iter().filter(|id| !found.contains_key(*id)).count();
        assert_eq!(lost, 0, "{user}: contacts were missed");
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
