use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::table::{Condition, Due, DueKind, attribute, to_item};
use tests::{Log, World};

use super::steps::{cancel, completed, deliver, link, objects, order, requested, view};

#[tokio::test]
async fn a_download_link_works_for_exactly_48_hours() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("xlsx")).await;
    let link = link(&world);
    world.advance(SignedDuration::from_mins(48 * 60 - 1));
    let response = world.get("", &link).await;
    assert_eq!(response.status, 302);
    assert!(response.headers["location"].contains("X-Amz-Expires=60&"), "{:?}", response.headers);
    assert!(view(&world, "sinta", &job).await["download_url"].is_string());
    world.advance(SignedDuration::from_mins(1));
    let response = world.get("", &link).await;
    assert_eq!((response.status, response.error()), (410, "EXPORT_EXPIRED"));
    let view = view(&world, "sinta", &job).await;
    assert_eq!(view["status"], "expired", "the job is expired even before the clean-up");
    assert!(view["download_url"].is_null());
}

#[tokio::test]
async fn a_download_link_returns_the_files_bytes_with_its_name() {
    let world = World::with_flags().await;
    let mut body = order("csv");
    body["file_name"] = json!("Kontak “Größe” 2026");
    let job = completed(&world, "sinta", &body).await;
    let key = objects(&world).await.remove(0);
    let bytes = world.files().await.read(&key).await.unwrap();
    let opened = world.get("", &link(&world)).await.headers["location"].clone();
    let shown = view(&world, "sinta", &job).await["download_url"].as_str().unwrap().to_owned();
    for address in [opened, shown] {
        let response = reqwest::Client::new().get(&address).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment;"), "{disposition}");
        assert!(disposition.contains("Kontak"), "{disposition}");
        assert_eq!(response.bytes().await.unwrap(), bytes);
        // A link whose address was changed gives access to no other file and does not change the
        // response headers.
        let tampered = address.replacen("csv", "xlsx", 1);
        assert_eq!(reqwest::get(&tampered).await.unwrap().status(), 403);
    }
}

#[tokio::test]
async fn the_clean_up_after_48_hours_deletes_all_objects_and_expires_the_job() {
    let world = World::with_flags().await;
    let contact = world.get("sinta", "/cdp/customers?limit=1").await.ids().remove(0);
    let mut body = order("csv");
    body["selection"] = json!({ "ids": [contact] });
    let job = completed(&world, "sinta", &body).await;
    let link = link(&world);
    world.advance(SignedDuration::from_mins(48 * 60 - 1));
    world.clean_up(world.clock.now()).await;
    assert!(!objects(&world).await.is_empty());
    world.advance(SignedDuration::from_mins(2));
    world.clean_up(world.clock.now()).await;
    assert_eq!(objects(&world).await, Vec::<String>::new());
    assert_eq!(view(&world, "sinta", &job).await["status"], "expired");
    assert_eq!(world.get("", &link).await.status, 410);
}

#[tokio::test]
async fn an_object_that_could_not_be_deleted_is_deleted_by_the_next_clean_up() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("csv")).await;
    world.advance(SignedDuration::from_hours(48));
    world.fault(&json!({ "target": "s3", "status": 503, "function": "CleanUp" }));
    let now = world.clock.now() + SignedDuration::from_secs(1);
    world.clean_up(now).await;
    assert_eq!(objects(&world).await.len(), 1);
    world.faults.clear();
    world.clean_up(now + SignedDuration::from_mins(1)).await;
    assert_eq!(objects(&world).await, Vec::<String>::new());
    assert_eq!(view(&world, "sinta", &job).await["status"], "expired");
}

#[tokio::test]
async fn an_unknown_download_token_is_404() {
    let world = World::with_flags().await;
    completed(&world, "sinta", &order("csv")).await;
    for token in ["A".repeat(43), "x".to_owned(), "..%2F".to_owned()] {
        let response = world.get("", &format!("/d/{token}")).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{token}");
    }
}

#[tokio::test]
async fn an_unreadable_due_item_does_not_block_the_items_after_it() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("csv")).await;
    world.advance(SignedDuration::from_hours(48));
    let now = world.clock.now() + SignedDuration::from_secs(1);
    let (table, log) = (world.table().await, Log::capture());
    // There are so many unreadable items that every shard contains some of them.
    let oldest = Timestamp::UNIX_EPOCH;
    for id in 0..100 {
        let due = Due::new(DueKind::Message, oldest, id.to_string(), &"Citra").unwrap();
        let mut item = to_item(&due.key(), &due).unwrap();
        item.insert("kind".to_owned(), attribute("of_a_later_version").unwrap());
        table.put_if(item, Condition::Absent).await.unwrap();
    }
    let report = world.clean_up(now).await;
    assert_eq!((&report["failed"], &report["done"]), (&json!(100), &json!(1)), "{report}");
    assert_eq!(view(&world, "sinta", &job).await["status"], "expired");
    assert!(objects(&world).await.is_empty());
    let text = log.text();
    assert!(text.contains("could not parse a due item") && !text.contains("Citra"), "{text}");
}

#[tokio::test]
async fn an_export_whose_file_is_gone_before_delivery_is_not_delivered_and_is_marked_skipped() {
    for end in ["cancelled", "expired"] {
        let world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("csv")).await;
        assert!(deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
        if end == "cancelled" {
            assert_eq!(cancel(&world, "sinta", &job).await.data()["status"], "expired");
        } else {
            world.clean_up(world.clock.now() + SignedDuration::from_hours(49)).await;
        }
        world.process_queues().await;
        let view = view(&world, "sinta", &job).await;
        assert_eq!(
            (&view["status"], &view["email_status"]),
            (&json!("expired"), &json!("skipped"))
        );
        assert!(world.aws.mailbox().list().is_empty() && world.notifications.list().is_empty());
    }
}
