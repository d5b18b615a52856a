//! Reads the items and messages that a previous release wrote (docs/architecture.md, "Old and new
//! code side by side").
//!
//! `tests/data/previous-release.json` has the items of a table, the messages of the queues, and the
//! answers that the release gave. Once a release has been deployed, its part of the file never
//! changes; what a later release writes differently is added. Running this test with
//! `WRITE_PREVIOUS_RELEASE=1` writes the whole file again, which is only right before the first
//! deployed release.

use std::{collections::BTreeMap, fs, path::PathBuf};

use http::Method;
use jiff::SignedDuration;
use local::demo_company;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::table::{Key, from_item, to_item};
use tests::{PUBLIC_URL, World, person, workspace};

const JSON: (&str, &str) = ("content-type", "application/json");
const IDEMPOTENCY_KEY: (&str, &str) = ("idempotency-key", "previous-release");
/// The rows of the backfill that has not ended.
const BACKFILL_ROWS: usize = 3;

#[derive(Serialize, Deserialize)]
struct Release {
    /// The ids of the records that the test changes.
    ids: BTreeMap<String, String>,
    /// The answers to `GET` requests, by user and path.
    answers: BTreeMap<String, Value>,
    /// The events with messages, by function.
    messages: BTreeMap<String, Value>,
    /// The files of the backfill that has not ended, by key.
    files: BTreeMap<String, String>,
    items: Vec<Map<String, Value>>,
}

fn path() -> PathBuf {
    workspace().join("tests/data/previous-release.json")
}

async fn create(world: &World, user: &str, path: &str, body: &Value) -> String {
    let response = world.post(user, path, body).await;
    assert!(response.status < 300, "{path}: {}", response.body);
    response.data()["id"].as_str().unwrap().to_owned()
}

fn contact(name: &str) -> Value {
    json!({
        "name": name, "external_id": "legacy-1", "emails": ["nadia@previous.example"],
        "phones": ["+62 811 2000 300"], "company_name": "Previous", "tags": ["vip"],
        "source": "web", "custom_fields": { "score": 7, "since": "2020-01-31" },
        "owner_id": person("sinta"), "assignee_id": person("andre"),
    })
}

/// Sends a `POST` with the idempotency key of this test, and returns the id of the record.
async fn idempotent(world: &World, path: &str, body: &Value) -> String {
    let body = body.to_string().into();
    let response = world.send("maya", Method::POST, path, &[JSON, IDEMPOTENCY_KEY], body).await;
    assert!(response.status < 300, "{path}: {}", response.body);
    response.data()["id"].as_str().unwrap().to_owned()
}

fn mention(handle: &str) -> String {
    format!("<p>Call <a data-user-id=\"{}\">@x</a></p>", person(handle))
}

fn note_with_attachment() -> Value {
    let attachment = json!({
        "name": "offer.pdf", "content_type": "application/pdf", "size": 10,
        "url": "https://files.example.com/offer.pdf",
    });
    json!({ "note": mention("sinta"), "attachments": [attachment] })
}

fn export(contact: &str, layout: &str) -> Value {
    json!({ "format": "csv", "selection": { "ids": [contact] }, "layout_id": layout })
}

/// Puts the files of the backfill into the bucket.
async fn put_backfill_files(world: &World) {
    let rows = (1..=BACKFILL_ROWS).map(|n| format!("B-{n},x,1\n")).collect::<String>();
    let files = world.files().await;
    for (name, content) in [
        ("teams", "id,name\n1,Sales\n".to_owned()),
        ("people", format!("crm_person_id,name,crm_team_hierarchy_id\n{rows}")),
    ] {
        let put = files.client().put_object().bucket(files.bucket()).key(backfill_file(name));
        put.body(content.into_bytes().into()).send().await.unwrap();
    }
}

fn backfill_file(name: &str) -> String {
    format!("private/backfill/{}/{name}.csv", company())
}

/// The files of backfills in the bucket, by key.
async fn backfill_files(world: &World) -> BTreeMap<String, String> {
    let files = world.files().await;
    let list = files.client().list_objects_v2().bucket(files.bucket()).prefix("private/backfill/");
    let listed = list.send().await.unwrap().contents.unwrap_or_default();
    let mut found = BTreeMap::new();
    for key in listed.into_iter().filter_map(|object| object.key) {
        let content = files.read(&key).await.unwrap();
        found.insert(key, String::from_utf8(content).unwrap());
    }
    found
}

/// Starts a backfill whose next part waits in the queue, and returns the message.
async fn unfinished_backfill(world: &World) -> Value {
    for n in 1..=BACKFILL_ROWS {
        let row = json!({ "name": format!("Backfilled {n}"), "external_id": format!("B-{n}") });
        create(world, "maya", "/cdp/customers", &row).await;
    }
    put_backfill_files(world).await;
    world.limit_time(Some(SignedDuration::ZERO));
    let run = json!({
        "company_sso_id": company(), "mode": "apply",
        "people_key": backfill_file("people"), "teams_key": backfill_file("teams"),
    });
    assert_eq!(world.invoke("TeamBackfill", run).await["state"], "running");
    world.limit_time(None);
    world.receive("TeamBackfill").await
}

async fn get(world: &World, user: &str, path: &str) -> Value {
    let mut answer = world.get(user, path).await.body;
    // A presigned URL has the time of its signature.
    if let Some(jobs) = answer["data"].as_array_mut() {
        let objects = jobs.iter_mut().filter_map(Value::as_object_mut);
        objects.for_each(|job| drop(job.remove("download_url")));
    }
    answer
}

/// All items of the table.
async fn all_items(world: &World) -> Vec<Map<String, Value>> {
    let table = world.table().await;
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = table.scan(after.as_ref()).await.unwrap();
        items.extend(page.items.into_iter().map(|item| from_item(item).unwrap()));
        after = page.last;
        if after.is_none() {
            return items;
        }
    }
}

/// Writes every kind of record.
async fn write() -> Release {
    let world = World::with_flags().await;
    let id = idempotent(&world, "/cdp/customers", &contact("Nadia Kurnia")).await;
    let second = create(&world, "maya", "/cdp/customers", &contact("Nadia K")).await;
    let deleted = create(&world, "maya", "/cdp/customers", &json!({ "name": "Old Otto" })).await;
    let path = format!("/cdp/customers/{deleted}");
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    let teams = world.get("sinta", "/cdp/me/teams").await;
    let team = teams.data()[0]["id"].as_str().unwrap().to_owned();
    let owners = json!({ "team_owner_ids": [team] });
    let path = format!("/cdp/customers/{id}");
    let owned = world.call("sinta", Method::PATCH, &path, Some(&owners)).await;
    assert_eq!(owned.status, 200, "{}", owned.body);
    let layout = json!({ "name": "Leads", "fields": [{ "field": "name", "label": "Nama" }] });
    let layout = create(&world, "maya", "/cdp/export-layouts", &layout).await;
    let notes = format!("/v1/contacts/{id}/notes");
    idempotent(&world, &notes, &note_with_attachment()).await;
    let removed = create(&world, "maya", &notes, &json!({ "note": "Removed" })).await;
    let path = format!("{notes}/{removed}");
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    let erased = create(&world, "maya", "/cdp/customers", &json!({ "name": "Erased Ella" })).await;
    create(&world, "maya", &format!("/v1/contacts/{erased}/notes"), &json!({ "note": "Ella" }))
        .await;
    let path = format!("/cdp/customers/{erased}?erase=true");
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);

    let mut messages = BTreeMap::new();
    messages.insert("TeamBackfill".to_owned(), unfinished_backfill(&world).await);
    let export = export(&id, &layout);
    let finished = idempotent(&world, "/cdp/exports", &export).await;
    world.process_queues().await;
    let mail = world.aws.mailbox().list().remove(0).text.unwrap();
    let link = mail.split(&format!("{PUBLIC_URL}/d/")).nth(1).unwrap();
    let token = link.split_whitespace().next().unwrap().to_owned();
    let undelivered = create(&world, "maya", "/cdp/exports", &export).await;
    let event = world.receive("ExportGenerate").await;
    world.invoke("ExportGenerate", event).await;
    messages.insert("ExportEmail".to_owned(), world.receive("ExportEmail").await);
    let queued = create(&world, "maya", "/cdp/exports", &export).await;
    messages.insert("ExportGenerate".to_owned(), world.receive("ExportGenerate").await);
    let note = create(&world, "maya", &notes, &json!({ "note": mention("budi") })).await;
    messages.insert("MentionNotify".to_owned(), world.receive("MentionNotify").await);
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    create(&world, "maya", &notes, &json!({ "note": mention("andre") })).await;
    world.faults.clear();
    world.advance(SignedDuration::from_secs(90));
    world.get("sinta", "/cdp/customers").await;

    let paths = [
        "/cdp/customers?limit=100".to_owned(),
        "/cdp/customers?limit=100&order_by=name".to_owned(),
        format!("/cdp/customers?team_owner_ids={team}"),
        format!("/cdp/customers?owner_id={}", person("sinta")),
        "/cdp/customers?view=deleted".to_owned(),
        "/cdp/customers/search-assoc?q=nadia".to_owned(),
        "/cdp/customers/by-phone/08112000300".to_owned(),
        "/cdp/customers/by-email/nadia@previous.example".to_owned(),
        format!("/cdp/customers/{id}"),
        notes,
        "/cdp/export-layouts".to_owned(),
        "/cdp/export-fields".to_owned(),
        "/cdp/exports".to_owned(),
        "/cdp/me".to_owned(),
    ];
    let mut answers = BTreeMap::new();
    for path in paths {
        answers.insert(format!("maya {path}"), get(&world, "maya", &path).await);
    }
    let items = all_items(&world).await;
    let ids = [
        ("contact", id),
        ("second", second),
        ("deleted", deleted),
        ("erased", erased),
        ("layout", layout),
        ("note", note),
        ("finished", finished),
        ("undelivered", undelivered),
        ("queued", queued),
        ("token", token),
    ];
    let ids = ids.map(|(name, id)| (name.to_owned(), id)).into();
    Release { ids, answers, messages, files: backfill_files(&world).await, items }
}

/// A world whose table has the items of the release.
async fn world(release: &Release) -> World {
    let world = World::with_restored_table("previous").await;
    let table = world.table().await;
    for item in &release.items {
        let mut item = item.clone();
        let mut part = |name: &str| item.remove(name).unwrap().as_str().unwrap().to_owned();
        let key = Key { pk: part("pk"), sk: part("sk") };
        table.put(to_item(&key, &item).unwrap()).await.unwrap();
    }
    // The files of the jobs that are not delivered or not started.
    let files = world.files().await;
    let folder = |job: &str| format!("private/exports/{}/{}", company(), release.ids[job]);
    let objects = [
        (format!("{}/1/contacts-2026-02-01.csv", folder("undelivered")), "Nama".to_owned()),
        (format!("{}/ids.json", folder("queued")), json!([release.ids["contact"]]).to_string()),
    ];
    for (key, content) in objects {
        let put = files.client().put_object().bucket(files.bucket()).key(key);
        put.body(content.into_bytes().into()).send().await.unwrap();
    }
    for (key, content) in &release.files {
        let put = files.client().put_object().bucket(files.bucket()).key(key);
        put.body(content.clone().into_bytes().into()).send().await.unwrap();
    }
    world.advance(SignedDuration::from_secs(90));
    world
}

fn company() -> String {
    demo_company::id("company", "kopi")
}

#[tokio::test]
async fn items_and_messages_of_the_previous_release_can_be_read() {
    if std::env::var_os("WRITE_PREVIOUS_RELEASE").is_some() {
        let text = serde_json::to_string_pretty(&write().await).unwrap();
        fs::write(path(), text + "\n").unwrap();
    }
    let release: Release = serde_json::from_slice(&fs::read(path()).unwrap()).unwrap();
    let world = world(&release).await;
    let id = |name: &str| release.ids[name].clone();
    for (request, answer) in &release.answers {
        let (user, path) = request.split_once(' ').unwrap();
        assert_eq!(get(&world, user, path).await, *answer, "{request}");
    }
    let opened = world.get("", &format!("/d/{}", id("token"))).await;
    assert_eq!(opened.status, 302, "the link of the email");

    // Messages are delivered once, with the effect that they had.
    let sqs = world.environment("CleanUp").await.sqs();
    for message in release.messages.values().flat_map(|event| event["Records"].as_array().unwrap())
    {
        let queue = message["eventSourceARN"].as_str().unwrap().rsplit(':').next().unwrap();
        let send = sqs.send_message().queue_url(world.aws.queue_url(queue).unwrap());
        let group = message["attributes"]["MessageGroupId"].as_str().map(str::to_owned);
        let body = message["body"].as_str().unwrap();
        send.message_body(body).set_message_group_id(group).send().await.unwrap();
    }
    world.process_queues().await;
    assert_eq!(world.notifications.list().len(), 3, "one mention and two exports");
    assert_eq!(world.aws.mailbox().list().len(), 2);
    let jobs = world.get("maya", "/cdp/exports").await;
    for job in jobs.data().as_array().unwrap() {
        assert_eq!((&job["status"], &job["email_status"]), (&json!("completed"), &json!("sent")));
    }

    let mut files = backfill_files(&world).await;
    files.retain(|key, _| key.ends_with("/report.json"));
    let report: Value = serde_json::from_str(files.values().next().unwrap()).unwrap();
    assert_eq!(
        (&report["state"], &report["totals"]["written"]),
        (&json!("completed"), &json!(BACKFILL_ROWS))
    );

    // The clean-up verifies the mention that was saved while Launchpad failed.
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    world.process_queues().await;
    let notified = world.notifications.list().len();
    assert_eq!(notified, 4, "the verified mention");

    // Writes find what the release stored.
    let notes = format!("/v1/contacts/{}/notes", id("contact"));
    let stored = world.get("maya", &notes).await;
    let stored: Vec<&Value> =
        stored.data().as_array().unwrap().iter().map(|note| &note["id"]).collect();
    let repeated = idempotent(&world, &notes, &note_with_attachment()).await;
    assert!(stored.contains(&&json!(repeated)), "the idempotency key of the note is known");
    let repeated = idempotent(&world, "/cdp/exports", &export(&id("contact"), &id("layout"))).await;
    assert_eq!(repeated, id("finished"), "the idempotency key of the export is known");
    let repeated = idempotent(&world, "/cdp/customers", &contact("Nadia Kurnia")).await;
    assert_eq!(repeated, id("contact"), "the idempotency key of the contact is known");
    let row = json!({ "contacts": [{ "external_id": "legacy-1", "name": "Nadia Synced" }] });
    let synced = world.post("maya", "/cdp/customers/sync", &row).await;
    assert_eq!(synced.data()[0]["id"], id("contact"), "{}", synced.body);
    let path = format!("/cdp/customers/{}", id("contact"));
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    let synced = world.post("maya", "/cdp/customers/sync", &row).await;
    assert_eq!(synced.data()[0]["id"], id("second"), "the key was handed over: {}", synced.body);
    for contact in ["contact", "deleted"] {
        let path = format!("/cdp/customers/{}/restore", id(contact));
        assert_eq!(world.post("maya", &path, &json!({})).await.status, 200, "{contact}");
    }
    let path = format!("/v1/contacts/{}/notes/{}", id("contact"), id("note"));
    let mention = format!("<p>Again <a data-user-id=\"{}\">@x</a></p>", person("budi"));
    let note = json!({ "note": mention });
    assert_eq!(world.call("maya", Method::PUT, &path, Some(&note)).await.status, 200);
    world.process_queues().await;
    assert_eq!(world.notifications.list().len(), notified, "the ledger knows the person");
    // The due items that are left: deadlines, expiries, pointers.
    world.clean_up(world.clock.now() + SignedDuration::from_mins(10)).await;
    let later = world.clock.now() + SignedDuration::from_hours(49);
    assert_eq!(world.clean_up(later).await["failed"], 0);
    let jobs = world.get("maya", "/cdp/exports").await;
    let statuses: Vec<&Value> =
        jobs.data().as_array().unwrap().iter().map(|job| &job["status"]).collect();
    assert!(statuses.iter().all(|status| **status == "expired"), "{statuses:?}");
    // The erasure that the release began has ended.
    let erased = |item: &Map<String, Value>| json!(item).to_string().contains(&id("erased"));
    assert_eq!(all_items(&world).await.into_iter().filter(erased).count(), 0);
}
