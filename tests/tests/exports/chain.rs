use export_generate::writer::Limits;
use jiff::SignedDuration;
use local::upstreams::Upserts;
use serde_json::{Value, json};
use tests::World;

use super::{
    file::{expected, rows},
    steps::{assert_no_leftovers, completed, deliver, objects, order, requested, view},
};

/// The bytes of the only object in the bucket.
async fn object(world: &World) -> Vec<u8> {
    let keys = objects(world).await;
    let files: Vec<_> = keys.iter().filter(|key| !key.ends_with("ids.json")).collect();
    assert_eq!(files.len(), 1, "{keys:?}");
    world.files().await.read(files[0]).await.unwrap()
}

#[tokio::test]
async fn an_export_file_contains_every_cell_of_the_requesters_list() {
    for format in ["xlsx", "csv"] {
        for user in ["maya", "sinta", "lars", "putri", "andre"] {
            let world = World::with_flags().await;
            let list = world.get(user, "/cdp/customers?limit=100").await;
            let job = completed(&world, user, &order(format)).await;
            let expected_rows = expected(list.data(), "Asia/Jakarta");
            assert!(!expected_rows.is_empty(), "{user}");
            assert_eq!(rows(format, &object(&world).await), expected_rows, "{user} {format}");
            let view = view(&world, user, &job).await;
            assert_eq!(view["rows"], expected_rows.len(), "{view}");
            assert_eq!((&view["skipped"], &view["progress"]), (&json!(0), &json!(1.0)));
            assert_eq!(view["size_bytes"], object(&world).await.len());
        }
    }
}

#[tokio::test]
async fn phones_are_exported_unchanged_and_formula_like_text_is_escaped_in_a_csv() {
    let world = World::with_flags().await;
    let given = ["+62 812-3456-7890", "0812 3456", "0012", "=1+1"];
    let contact = |(at, phone): (usize, &&str)| json!({ "external_id": at.to_string(), "name": "=1+1", "phones": [phone] });
    let contacts: Vec<Value> = given.iter().enumerate().map(contact).collect();
    let synced = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": contacts })).await;
    for (format, name) in [("xlsx", "=1+1"), ("csv", "'=1+1")] {
        let mut body = order(format);
        body["selection"] = json!({ "ids": synced.ids() });
        completed(&world, "maya", &body).await;
        let mail = world.aws.mailbox().list().pop().unwrap();
        let rows = rows(format, &mail.attachments[0].content);
        let phones: Vec<&String> = rows.iter().map(|row| &row[3]).collect();
        assert_eq!(phones[..3], given[..3], "{format}");
        assert_eq!([&rows[3][1], phones[3]], [name, name], "{format}");
    }
}

#[tokio::test]
async fn dates_are_written_in_the_requested_time_zone_or_by_default_in_jakarta_time() {
    for (requested, zone) in
        [(Some("America/New_York"), "America/New_York"), (None, "Asia/Jakarta")]
    {
        for format in ["xlsx", "csv"] {
            let world = World::with_flags().await;
            let list = world.get("sinta", "/cdp/customers?limit=100").await;
            let mut body = order(format);
            body["time_zone"] = json!(requested);
            completed(&world, "sinta", &body).await;
            assert_eq!(rows(format, &object(&world).await), expected(list.data(), zone));
        }
    }
}

#[tokio::test]
async fn a_file_has_the_requested_delimiter_and_a_job_returns_it() {
    let world = World::with_flags().await;
    for (name, delimiter) in [("comma", ','), ("semicolon", ';'), ("tab", '\t')] {
        let mut body = order("csv");
        body["delimiter"] = json!(name);
        body["fields"] = json!(["id", "created_at"]);
        let job = completed(&world, "sinta", &body).await;
        assert_eq!(view(&world, "sinta", &job).await["delimiter"], name);
        let mail = world.aws.mailbox().list().pop().unwrap();
        let file = String::from_utf8(mail.attachments[0].content.clone()).unwrap();
        let header = format!("\u{feff}Contact ID{delimiter}Created at (Asia/Jakarta)\r\n");
        assert!(file.starts_with(&header), "{file}");
        assert_eq!(file.lines().nth(1).unwrap().matches(delimiter).count(), 1);
    }
}

#[tokio::test]
async fn two_concurrent_workers_create_one_file() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "latency_ms": 100 }));
    let work = || deliver(&world, "ExportGenerate", "sinta", &job, 1);
    let (one, other) = tokio::join!(work(), work());
    assert!(one != other, "the message of the other worker is delivered again");
    world.process_queues().await;
    assert_eq!(view(&world, "sinta", &job).await["status"], "completed");
    assert_eq!(objects(&world).await.len(), 1);
    assert_eq!(world.aws.mailbox().list().len(), 1);
}

#[tokio::test]
async fn a_filter_selects_the_same_contacts_in_an_export_as_in_a_list() {
    let team = tests::team("Bandung");
    let (owner, assignee) = (tests::person("lars"), tests::person("putri"));
    for (filter, query) in [
        (json!({ "team_owner_ids": [team] }), format!("team_owner_ids={team}")),
        (json!({ "owner_id": [owner] }), format!("owner_id={owner}")),
        (json!({ "assignee_id": [assignee] }), format!("assignee_id={assignee}")),
        (json!({ "tags": ["vip", "new"] }), "tags=vip&tags=new".to_owned()),
        (json!({ "source": ["fair"] }), "source=fair".to_owned()),
        (
            json!({ "created_from": "2026-01-05T04:00:00Z", "created_to": "2026-01-05T09:00:00Z" }),
            "created_from=2026-01-05T04:00:00Z&created_to=2026-01-05T09:00:00Z".to_owned(),
        ),
        (json!({ "tags": ["unused's"] }), "tags=unused's".to_owned()),
    ] {
        let world = World::with_flags().await;
        let contacts = json!({ "contacts": [
            { "external_id": "1", "name": "One", "tags": ["vip"], "source": "fair" },
            { "external_id": "2", "name": "Two", "tags": ["new", "old"], "source": "web" },
            { "external_id": "3", "name": "Three", "tags": ["old"], "source": "fair" },
        ] });
        assert_eq!(world.post("maya", "/cdp/customers/sync", &contacts).await.status, 200);
        let list = world.get("lars", &format!("/cdp/customers?limit=100&{query}")).await;
        let expected_rows = expected(list.data(), "Asia/Jakarta");
        for format in ["xlsx", "csv"] {
            let mut body = order(format);
            body["selection"] = json!({ "filter": filter });
            completed(&world, "lars", &body).await;
            let mail = world.aws.mailbox().list().pop().unwrap();
            assert_eq!(
                rows(format, &mail.attachments[0].content),
                expected_rows,
                "{query} {format}"
            );
        }
    }
}

#[tokio::test]
async fn an_export_of_many_pages_contains_each_contact_once() {
    let world = World::with_flags().await;
    let table = world.table().await;
    local::demo_contacts::load(&world.aws.database(), &table, &world.clock, 700).unwrap();
    let (mut expected_rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get("sinta", &format!("/cdp/customers?limit=100&cursor={cursor}")).await;
        expected_rows.extend(expected(page.data(), "Asia/Jakarta"));
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert!(expected_rows.len() > 200, "{}", expected_rows.len());
    for format in ["xlsx", "csv"] {
        completed(&world, "sinta", &order(format)).await;
        let mail = world.aws.mailbox().list().pop().unwrap();
        assert_eq!(rows(format, &mail.attachments[0].content), expected_rows, "{format}");
    }
}

#[tokio::test]
async fn selected_ids_that_are_deleted_or_out_of_scope_are_skipped_and_counted() {
    let world = World::with_flags().await;
    let own = world.get("sinta", "/cdp/customers?limit=100").await;
    let all = world.get("maya", "/cdp/customers?limit=100").await.ids();
    let outside = all.iter().find(|id| !own.ids().contains(id)).unwrap();
    let foreign = world.get("claire", "/cdp/customers").await.ids().remove(0);
    let gone = "0190d1a2-7c3b-7abc-8def-000000000001";
    let first = &own.ids()[0];
    let mut body = order("csv");
    body["selection"] = json!({ "ids": [gone, outside, first, foreign, first] });
    let job = completed(&world, "sinta", &body).await;
    let expected_rows = expected(&json!([own.data()[0]]), "Asia/Jakarta");
    assert_eq!(rows("csv", &object(&world).await), expected_rows);
    let view = view(&world, "sinta", &job).await;
    assert_eq!((&view["rows"], &view["skipped"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn an_export_over_the_row_or_cell_limit_fails_at_once_and_leaves_no_objects() {
    let columns = u64::try_from(super::file::FIELDS.len()).unwrap();
    let whole = World::with_flags().await;
    let contacts = whole.get("maya", "/cdp/customers?limit=100").await.ids().len();
    let contacts = u64::try_from(contacts).unwrap();
    let (fits, rows, cells) = (
        Limits { rows: contacts, cells: contacts * columns },
        Limits { rows: contacts - 1, cells: u64::MAX },
        Limits { rows: u64::MAX, cells: contacts * columns - 1 },
    );
    for format in ["xlsx", "csv"] {
        for (limits, is_too_large) in [(fits, false), (rows, true), (cells, true)] {
            let world = World::with_flags().await;
            world.limit_exports(limits);
            let job = requested(&world, "maya", &order(format)).await;
            let done = deliver(&world, "ExportGenerate", "maya", &job, 1).await;
            assert!(done, "{limits:?}: another attempt would fail in the same way");
            world.process_queues().await;
            let view = view(&world, "maya", &job).await;
            if is_too_large {
                assert_eq!(view["status"], "failed", "{format} {limits:?}");
                assert_eq!(view["error"]["code"], "EXPORT_TOO_LARGE", "{view}");
                assert_no_leftovers(&world, format).await;
                assert_eq!(world.aws.mailbox().list().len(), 1, "the requester gets an email");
            } else {
                assert_eq!(
                    (&view["status"], &view["rows"]),
                    (&json!("completed"), &json!(contacts))
                );
            }
        }
    }
}

#[tokio::test]
async fn an_export_uses_the_scope_at_the_time_when_the_file_is_written() {
    let world = World::start().await;
    requested(&world, "sinta", &order("csv")).await;
    world.flags(true, false).await;
    world.process_queues().await;
    let list = world.get("sinta", "/cdp/customers?limit=100").await;
    assert_eq!(rows("csv", &object(&world).await), expected(list.data(), "Asia/Jakarta"));
}

#[tokio::test]
async fn a_requester_who_lost_the_view_permission_gets_no_file() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    let mut sinta = world.directory.find("sinta").unwrap();
    sinta.levels.insert("customers_customers_view".to_owned(), "disabled".to_owned());
    world.directory.upsert(Upserts { people: vec![sinta], ..Upserts::default() }).unwrap();
    world.process_queues().await;
    let view = view(&world, "sinta", &job).await;
    assert_eq!((&view["status"], &view["error"]["code"]), (&json!("failed"), &json!("FORBIDDEN")));
    assert_eq!(objects(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_message_delivered_twice_creates_one_file_one_email_and_one_notification() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "sqs", "kind": "duplicate" }));
    let job = requested(&world, "sinta", &order("xlsx")).await;
    world.process_queues().await;
    for function in ["ExportGenerate", "ExportEmail", "ExportGenerate", "ExportEmail"] {
        assert!(deliver(&world, function, "sinta", &job, 2).await, "{function}");
    }
    world.clean_up(world.clock.now() + SignedDuration::from_mins(5)).await;
    world.process_queues().await;
    assert_eq!(objects(&world).await.len(), 1);
    assert_eq!(world.aws.mailbox().list().len(), 1);
    let notifications = world.notifications.list();
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0].duplicates, 0);
}

#[tokio::test]
async fn an_export_retries_while_launchpad_fails_and_ends_with_one_email_and_no_file() {
    for target in ["launchpad.teams", "launchpad.permissions"] {
        let mut world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("csv")).await;
        world.restart_functions();
        world.fault(&json!({ "target": target, "status": 503 }));
        // Move the clock past the expiry of the cached team set.
        world.advance(SignedDuration::from_secs(61));
        for attempt in 1..5 {
            assert!(!deliver(&world, "ExportGenerate", "sinta", &job, attempt).await, "{attempt}");
            assert_eq!(view(&world, "sinta", &job).await["status"], "queued", "{attempt}");
            world.advance(SignedDuration::from_mins(1));
        }
        assert!(deliver(&world, "ExportGenerate", "sinta", &job, 5).await);
        world.process_queues().await;
        let view = view(&world, "sinta", &job).await;
        assert_eq!(view["status"], "failed", "{target}");
        assert_eq!(view["error"]["code"], "DIRECTORY_UNAVAILABLE");
        assert_eq!(objects(&world).await, Vec::<String>::new());
        let mails = world.aws.mailbox().list();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].attachments.is_empty());
        assert!(world.notifications.list().is_empty());
    }
}

#[tokio::test]
async fn the_next_attempt_creates_the_complete_file_after_launchpad_recovers() {
    let world = World::with_flags().await;
    let list = world.get("sinta", "/cdp/customers?limit=100").await;
    let job = requested(&world, "sinta", &order("csv")).await;
    world.advance(SignedDuration::from_secs(61));
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    assert!(!deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
    world.faults.clear();
    world.advance(SignedDuration::from_secs(15));
    world.process_queues().await;
    assert_eq!(view(&world, "sinta", &job).await["status"], "completed");
    assert_eq!(rows("csv", &object(&world).await), expected(list.data(), "Asia/Jakarta"));
}

#[tokio::test]
async fn an_export_survives_aws_errors_and_leaves_one_object() {
    for fault in [
        json!({ "target": "dynamodb", "kind": "conflict", "times": 3 }),
        json!({ "target": "dynamodb", "kind": "unprocessed", "times": 2 }),
        json!({ "target": "dynamodb", "kind": "commit_then_timeout", "times": 1,
            "function": "ExportGenerate", "action": "TransactWriteItems" }),
        json!({ "target": "s3", "status": 503, "times": 1 }),
        json!({ "target": "s3", "kind": "commit_then_timeout", "times": 1 }),
    ] {
        let world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("csv")).await;
        world.fault(&fault);
        let mut count = 1;
        while !deliver(&world, "ExportGenerate", "sinta", &job, count).await {
            assert!(count < 4, "{fault}");
            count += 1;
            world.advance(SignedDuration::from_mins(1));
        }
        world.process_queues().await;
        assert_eq!(view(&world, "sinta", &job).await["status"], "completed", "{fault}");
        assert_eq!(objects(&world).await.len(), 1, "{fault}");
        assert_eq!(world.aws.mailbox().list().len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_message_that_could_not_be_sent_is_sent_by_the_next_clean_up() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "sqs", "status": 503 }));
    let job = requested(&world, "sinta", &order("csv")).await;
    world.faults.clear();
    assert_eq!(world.process_queues().await, 0);
    world.fault(&json!({ "target": "sqs", "status": 503, "action": "SendMessageBatch",
        "function": "ExportGenerate" }));
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert_eq!(world.process_queues().await, 1, "the message for the file");
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert_eq!(world.process_queues().await, 1, "the message for the email");
    assert_eq!(view(&world, "sinta", &job).await["email_status"], "sent");
}

#[tokio::test]
async fn a_job_past_its_deadline_is_requeued_once_and_then_fails_with_one_email() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    for status in ["queued", "failed", "failed"] {
        world.advance(SignedDuration::from_mins(31));
        world.clean_up(world.clock.now()).await;
        assert_eq!(view(&world, "sinta", &job).await["status"], status);
    }
    world.process_queues().await;
    let view = view(&world, "sinta", &job).await;
    assert_eq!((&view["status"], &view["email_status"]), (&json!("failed"), &json!("sent")));
    assert_eq!(world.aws.mailbox().list().len(), 1);
    assert_eq!(objects(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_job_of_a_dead_worker_is_taken_over_and_its_leftovers_are_removed() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    let slow = json!({ "target": "s3", "latency_ms": 60_000, "action": "PutObject" });
    let upload = json!({ "target": "s3", "latency_ms": 60_000, "action": "UploadPart" });
    for fault in [slow, upload] {
        world.fault(&fault);
    }
    let dies = deliver(&world, "ExportGenerate", "sinta", &job, 1);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(2), dies).await.is_err());
    world.faults.clear();
    assert_eq!(view(&world, "sinta", &job).await["status"], "running");
    assert!(
        !deliver(&world, "ExportGenerate", "sinta", &job, 2).await,
        "another worker holds the lease"
    );
    world.advance(SignedDuration::from_secs(31));
    assert!(deliver(&world, "ExportGenerate", "sinta", &job, 3).await);
    world.process_queues().await;
    assert_eq!(view(&world, "sinta", &job).await["status"], "completed");
    let keys: Value = json!(objects(&world).await);
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");
    assert!(keys[0].as_str().unwrap().contains("/2/"), "{keys}");
}
