//! Reads the items and messages that a previous release wrote (docs/architecture.md, "Old and new
//! code side by side").
//!
//! `tests/data/previous-release.json` has the items of a table, the messages of the queues, and the
//! answers that the release gave. To write it again after a release, run this test with
//! `WRITE_PREVIOUS_RELEASE=1`.

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

#[derive(Serialize, Deserialize)]
struct Release {
    /// The ids of the records that the test changes.
    ids: BTreeMap<String, String>,
    /// The answers to `GET` requests, by user and path.
    answers: BTreeMap<String, Value>,
    /// The events with messages, by function.
    messages: BTreeMap<String, Value>,
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

async fn idempotent(world: &World) -> String {
    let body = contact("Nadia Kurnia").to_string();
    let headers = [JSON, IDEMPOTENCY_KEY];
    let created = world.send("maya", Method::POST, "/cdp/customers", &headers, body.into()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    created.data()["id"].as_str().unwrap().to_owned()
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

/// Writes every kind of record.
async fn write() -> Release {
    let world = World::with_flags().await;
    let id = idempotent(&world).await;
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
    let mention = format!("<p>Call <a data-user-id=\"{}\">@x</a></p>", person("sinta"));
    let attachment = json!({
        "name": "offer.pdf", "content_type": "application/pdf", "size": 10,
        "url": "https://files.example.com/offer.pdf",
    });
    let noted = json!({ "note": mention, "attachments": [attachment] });
    create(&world, "maya", &notes, &noted).await;

    let mut messages = BTreeMap::new();
    let export = json!({ "format": "csv", "selection": { "ids": [id] }, "layout_id": layout });
    let finished = create(&world, "maya", "/cdp/exports", &export).await;
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
    let mention = mention.replace(&person("sinta"), &person("budi"));
    let note = create(&world, "maya", &notes, &json!({ "note": mention })).await;
    messages.insert("MentionNotify".to_owned(), world.receive("MentionNotify").await);
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
    let table = world.table().await;
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = table.scan(after.as_ref()).await.unwrap();
        items.extend(page.items.into_iter().map(|item| from_item(item).unwrap()));
        after = page.last;
        if after.is_none() {
            break;
        }
    }
    let ids = [
        ("contact", id),
        ("second", second),
        ("deleted", deleted),
        ("note", note),
        ("finished", finished),
        ("undelivered", undelivered),
        ("queued", queued),
        ("token", token),
    ];
    let ids = ids.map(|(name, id)| (name.to_owned(), id)).into();
    Release { ids, answers, messages, items }
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
    let notified = world.notifications.list().len();
    assert_eq!(notified, 3, "one mention and two exports");
    assert_eq!(world.aws.mailbox().list().len(), 2);
    let jobs = world.get("maya", "/cdp/exports").await;
    for job in jobs.data().as_array().unwrap() {
        assert_eq!((&job["status"], &job["email_status"]), (&json!("completed"), &json!("sent")));
    }

    // Writes find what the release stored.
    assert_eq!(idempotent(&world).await, id("contact"), "the idempotency key is known");
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
}
