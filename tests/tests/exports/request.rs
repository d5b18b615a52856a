use bytes::Bytes;
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Response, World};

use super::steps::{cancel, order, requested, view};

/// Requests an export with an idempotency key.
async fn request_with_key(world: &World, user: &str, key: &str, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let body = Bytes::from(body.to_string());
    world.send(user, http::Method::POST, "/cdp/exports", &headers, body).await
}

#[tokio::test]
async fn an_accepted_export_returns_202_and_is_queued() {
    let world = World::with_flags().await;
    let response = world.post("sinta", "/cdp/exports", &order("xlsx")).await;
    assert_eq!(response.status, 202, "{}", response.body);
    let job = response.data();
    assert_eq!((&job["status"], &job["format"]), (&json!("queued"), &json!("xlsx")));
    assert_eq!((&job["rows"], &job["progress"]), (&json!(0), &json!(0.0)));
    assert_eq!(
        (&job["file_name"], &job["email_status"]),
        (&json!("contacts.xlsx"), &json!("pending"))
    );
    assert!(job["download_url"].is_null() && job["expires_at"].is_null(), "{job}");
    let list = world.get("sinta", "/cdp/exports").await;
    assert_eq!(list.data(), &json!([job]));
    assert_eq!(world.process_queues().await, 2, "one message for the file and one for the email");
    assert_eq!(view(&world, "sinta", job["id"].as_str().unwrap()).await["status"], "completed");
}

#[tokio::test]
async fn an_invalid_export_request_is_refused_with_the_name_of_the_field() {
    let world = World::with_flags().await;
    let id = "0190d1a2-7c3b-7abc-8def-000000000001";
    for (field, change) in [
        ("format", json!({ "format": "pdf" })),
        ("selection", json!({ "selection": {} })),
        ("selection", json!({ "selection": { "ids": [id], "filter": {} } })),
        ("selection.ids", json!({ "selection": { "ids": [] } })),
        ("selection.ids[0]", json!({ "selection": { "ids": ["x"] } })),
        ("selection.ids", json!({ "selection": { "ids": vec![id; 10_001] } })),
        ("selection.filter.tags", json!({ "selection": { "filter": { "tags": vec!["a"; 101] } } })),
        ("fields", json!({ "fields": [] })),
        ("fields", json!({ "fields": ["salary"] })),
        ("fields", json!({ "fields": vec!["name"; 101] })),
        ("file_name", json!({ "file_name": "x".repeat(181) })),
        ("time_zone", json!({ "time_zone": "Mars/Olympus" })),
        ("locale", json!({ "locale": "tlh" })),
        ("delimiter", json!({ "delimiter": "|" })),
        ("colour", json!({ "colour": "red" })),
    ] {
        let mut body = order("csv");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let response = world.post("sinta", "/cdp/exports", &body).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{field}");
        assert_eq!(response.body["details"]["field"], field, "{}", response.body);
    }
    assert_eq!(world.get("sinta", "/cdp/exports").await.data(), &json!([]));
}

#[tokio::test]
async fn a_starter_company_and_a_disabled_viewer_cannot_request_an_export() {
    let world = World::with_flags().await;
    let starter = world.post("dewi", "/cdp/exports", &order("csv")).await;
    assert_eq!((starter.status, starter.error()), (403, "PLAN_NOT_ALLOWED"));
    let disabled = world.post("yuki", "/cdp/exports", &order("csv")).await;
    assert_eq!((disabled.status, disabled.error()), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn an_export_request_is_503_and_not_accepted_while_launchpad_fails() {
    for target in ["launchpad.permissions", "launchpad.companies"] {
        let world = World::with_flags().await;
        world.fault(&json!({ "target": target, "status": 500 }));
        let response = world.post("sinta", "/cdp/exports", &order("csv")).await;
        assert_eq!((response.status, response.error()), (503, "DIRECTORY_UNAVAILABLE"), "{target}");
        assert_eq!(world.get("sinta", "/cdp/exports").await.data(), &json!([]));
    }
}

#[tokio::test]
async fn the_fourth_active_job_of_a_user_is_429_until_another_job_ends() {
    let world = World::with_flags().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(requested(&world, "sinta", &order("csv")).await);
    }
    let fourth = world.post("sinta", "/cdp/exports", &order("csv")).await;
    assert_eq!((fourth.status, fourth.error()), (429, "TOO_MANY_EXPORTS"));
    assert!(fourth.headers.contains_key("retry-after"), "{:?}", fourth.headers);
    requested(&world, "lars", &order("csv")).await;
    assert_eq!(cancel(&world, "sinta", &jobs[0]).await.status, 200);
    requested(&world, "sinta", &order("csv")).await;
    world.process_queues().await;
    requested(&world, "sinta", &order("csv")).await;
}

#[tokio::test]
async fn the_twenty_first_active_job_of_a_company_is_429() {
    let world = World::with_flags().await;
    let people = ["maya", "budi", "sinta", "lars", "hendra", "putri", "andre"];
    let jobs = people.iter().flat_map(|user| [user; 3]);
    for user in jobs.clone().take(20) {
        requested(&world, user, &order("csv")).await;
    }
    let response = world.post("andre", "/cdp/exports", &order("csv")).await;
    assert_eq!((response.status, response.error()), (429, "TOO_MANY_EXPORTS"));
    requested(&world, "claire", &order("csv")).await;
}

#[tokio::test]
async fn an_idempotency_key_returns_the_same_job_for_24_hours_and_422_for_another_body() {
    let world = World::with_flags().await;
    let first = request_with_key(&world, "sinta", "key-1", &order("csv")).await;
    let again = request_with_key(&world, "sinta", "key-1", &order("csv")).await;
    assert_eq!((again.status, again.data()), (202, first.data()));
    let other = request_with_key(&world, "sinta", "key-1", &order("xlsx")).await;
    assert_eq!((other.status, other.error()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let other_user = request_with_key(&world, "lars", "key-1", &order("csv")).await;
    assert_ne!(other_user.data()["id"], first.data()["id"]);
    assert_eq!(world.get("sinta", "/cdp/exports").await.ids().len(), 1);
    world.advance(SignedDuration::from_hours(24));
    let later = request_with_key(&world, "sinta", "key-1", &order("xlsx")).await;
    assert_eq!(later.status, 202, "{}", later.body);
    assert_ne!(later.data()["id"], first.data()["id"]);
}

#[tokio::test]
async fn an_unreadable_idempotency_key_is_refused_with_400_and_not_ignored() {
    let world = World::with_flags().await;
    for key in ["", "schl\u{fc}ssel"] {
        let response = request_with_key(&world, "sinta", key, &order("csv")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{key}");
        assert_eq!(response.body["details"]["field"], "idempotency-key");
    }
    assert!(world.get("sinta", "/cdp/exports").await.ids().is_empty());
}

#[tokio::test]
async fn concurrent_requests_with_one_key_create_one_job() {
    let world = World::with_flags().await;
    let contact = world.get("sinta", "/cdp/customers?limit=1").await.ids().remove(0);
    let mut body = order("csv");
    body["selection"] = json!({ "ids": [contact] });
    let responses =
        join_all((0..4).map(|_| request_with_key(&world, "sinta", "key-1", &body))).await;
    for response in &responses {
        assert_eq!(response.status, 202, "{}", response.body);
        assert_eq!(response.data()["id"], responses[0].data()["id"]);
    }
    assert_eq!(world.get("sinta", "/cdp/exports").await.ids().len(), 1);
    assert_eq!(super::steps::objects(&world).await.len(), 1, "the stored ids of the only job");
}

#[tokio::test]
async fn a_lost_response_of_the_table_neither_loses_nor_duplicates_the_job() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "dynamodb", "kind": "commit_then_timeout", "times": 1,
        "action": "TransactWriteItems", "function": "ExportRequest" }));
    let first = request_with_key(&world, "sinta", "key-1", &order("csv")).await;
    let again = request_with_key(&world, "sinta", "key-1", &order("csv")).await;
    assert!(matches!(first.status, 202 | 503), "{}", first.body);
    assert_eq!(again.status, 202, "{}", again.body);
    assert_eq!(world.get("sinta", "/cdp/exports").await.ids().len(), 1);
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    world.process_queues().await;
    let job = again.data()["id"].as_str().unwrap();
    assert_eq!(view(&world, "sinta", job).await["status"], "completed");
}

#[tokio::test]
async fn no_export_request_body_causes_a_500() {
    let world = World::with_flags().await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for body in ["", "null", "[]", "{", "\"x\"", "{\"format\":1}", &deep, "{\"fields\":[null]}"] {
        let headers = [("content-type", "application/json")];
        let bytes = Bytes::from(body.to_owned());
        let response =
            world.send("sinta", http::Method::POST, "/cdp/exports", &headers, bytes).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{body:.40}");
    }
    for key in ["", &"k".repeat(1_000), "\u{1F600}"] {
        let response = request_with_key(&world, "sinta", key, &order("csv")).await;
        assert!(matches!(response.status, 202 | 400), "{} {}", response.status, response.body);
    }
}

#[tokio::test]
async fn the_users_own_jobs_are_listed_in_pages_newest_first() {
    let world = World::with_flags().await;
    let mut created = Vec::new();
    for _ in 0..3 {
        created.insert(0, requested(&world, "sinta", &order("csv")).await);
        world.advance(SignedDuration::from_secs(1));
    }
    let first = world.get("sinta", "/cdp/exports?limit=2").await;
    assert_eq!(first.ids(), created[..2]);
    let cursor = first.body["meta"]["next_cursor"].as_str().unwrap();
    let rest = world.get("sinta", &format!("/cdp/exports?limit=2&cursor={cursor}")).await;
    assert_eq!(rest.ids(), created[2..]);
    assert!(rest.body["meta"]["next_cursor"].is_null());
    for query in ["limit=0", "limit=101", "cursor=x", "colour=red"] {
        let response = world.get("sinta", &format!("/cdp/exports?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
    }
}
