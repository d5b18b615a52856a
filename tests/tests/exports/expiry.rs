use jiff::SignedDuration;
use serde_json::json;
use tests::World;

use super::steps::{completed, link, objects, order, view};

#[tokio::test]
async fn a_link_works_until_the_minute_of_its_48_hours() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("xlsx")).await;
    let link = link(&world);
    world.advance(SignedDuration::from_mins(48 * 60 - 1));
    let answer = world.get("", &link).await;
    assert_eq!(answer.status, 302);
    assert!(answer.headers["location"].contains("X-Amz-Expires=60&"), "{:?}", answer.headers);
    assert!(view(&world, "sinta", &job).await["download_url"].is_string());
    world.advance(SignedDuration::from_mins(1));
    let answer = world.get("", &link).await;
    assert_eq!((answer.status, answer.error()), (410, "EXPORT_EXPIRED"));
    let view = view(&world, "sinta", &job).await;
    assert_eq!(view["status"], "expired", "whether the clean-up has been there or not");
    assert!(view["download_url"].is_null());
}

#[tokio::test]
async fn a_link_leads_to_the_files_bytes_under_its_name() {
    let world = World::with_flags().await;
    let mut body = order("csv");
    body["file_name"] = json!("Kontak “Größe” 2026");
    let job = completed(&world, "sinta", &body).await;
    let key = objects(&world).await.remove(0);
    let bytes = world.files().await.read(&key).await.unwrap();
    let opened = world.get("", &link(&world)).await.headers["location"].clone();
    let shown = view(&world, "sinta", &job).await["download_url"].as_str().unwrap().to_owned();
    for address in [opened, shown] {
        let answer = reqwest::Client::new().get(&address).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment;"), "{disposition}");
        assert!(disposition.contains("Kontak"), "{disposition}");
        assert_eq!(answer.bytes().await.unwrap(), bytes);
        // Nobody gets another file, or this one in another way, by changing the address.
        let tampered = address.replacen("csv", "xlsx", 1);
        assert_eq!(reqwest::get(&tampered).await.unwrap().status(), 403);
    }
}

#[tokio::test]
async fn after_the_clean_up_at_48_hours_no_object_is_left_and_the_job_is_expired() {
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
async fn an_object_that_could_not_be_deleted_is_deleted_at_the_next_clean_up() {
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
async fn a_token_that_nobody_was_given_is_404() {
    let world = World::with_flags().await;
    completed(&world, "sinta", &order("csv")).await;
    for token in ["A".repeat(43), "x".to_owned(), "..%2F".to_owned()] {
        let answer = world.get("", &format!("/d/{token}")).await;
        assert_eq!((answer.status, answer.error()), (404, "NOT_FOUND"), "{token}");
    }
}
