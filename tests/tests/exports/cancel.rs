use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use tests::World;

use super::steps::{cancel, completed, deliver, link, objects, order, requested, view};

/// The number of calls of an S3 action by all functions.
fn uploads(world: &World, action: &str) -> u64 {
    let usage = world.usage.snapshot();
    let actions = usage.as_object().unwrap().values().filter_map(|it| it["actions"].as_object());
    let named = actions.flatten().filter(|(name, _)| name.ends_with(action));
    named.filter_map(|(_, cost)| cost["calls"].as_u64()).sum()
}

#[tokio::test]
async fn a_queued_job_that_is_cancelled_creates_no_file() {
    let world = World::with_flags().await;
    let contact = world.get("sinta", "/cdp/customers?limit=1").await.ids().remove(0);
    let mut body = order("csv");
    body["selection"] = json!({ "ids": [contact] });
    let job = requested(&world, "sinta", &body).await;
    let response = cancel(&world, "sinta", &job).await;
    assert_eq!((response.status, &response.data()["status"]), (200, &json!("cancelled")));
    world.process_queues().await;
    assert_eq!(view(&world, "sinta", &job).await["status"], "cancelled");
    assert_eq!(objects(&world).await, Vec::<String>::new(), "the stored ids are deleted too");
    assert!(world.aws.mailbox().list().is_empty() && world.notifications.list().is_empty());
}

#[tokio::test]
async fn a_running_job_that_is_cancelled_stops_and_leaves_no_object() {
    // The job is canceled while it reads the contacts, and at each step of the upload.
    for (target, action) in [
        ("dynamodb", "Query"),
        ("s3", "UploadPart"),
        ("s3", "CreateMultipartUpload"),
        ("s3", "CompleteMultipartUpload"),
    ] {
        let world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("csv")).await;
        world.fault(&json!({ "target": target, "action": action, "latency_ms": 1_500,
            "function": "ExportGenerate" }));
        let cancellation = async {
            while view(&world, "sinta", &job).await["status"] == "queued" {}
            cancel(&world, "sinta", &job).await
        };
        let worked = deliver(&world, "ExportGenerate", "sinta", &job, 1);
        let (done, response) = tokio::join!(worked, cancellation);
        assert!(done, "{action}: the message is done");
        assert_eq!(response.data()["status"], "cancelled", "{action}");
        world.process_queues().await;
        assert_eq!(view(&world, "sinta", &job).await["status"], "cancelled", "{action}");
        assert_eq!(objects(&world).await, Vec::<String>::new(), "{action}");
        assert!(world.aws.mailbox().list().is_empty(), "{action}");
        let ended = ["CompleteMultipartUpload", "AbortMultipartUpload"];
        let ended: u64 = ended.iter().map(|action| uploads(&world, action)).sum();
        assert!(ended >= uploads(&world, "CreateMultipartUpload"), "{action}");
    }
}

#[tokio::test]
async fn a_completed_job_that_is_cancelled_loses_its_file_and_becomes_expired() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("xlsx")).await;
    let link = link(&world);
    assert_eq!(world.get("", &link).await.status, 302);
    let response = cancel(&world, "sinta", &job).await;
    assert_eq!((response.status, &response.data()["status"]), (200, &json!("expired")));
    assert!(response.data()["download_url"].is_null());
    assert_eq!(objects(&world).await, Vec::<String>::new());
    let gone = world.get("", &link).await;
    assert_eq!((gone.status, gone.error()), (410, "EXPORT_EXPIRED"));
}

#[tokio::test]
async fn a_second_cancellation_returns_the_same_response() {
    let world = World::with_flags().await;
    let queued = requested(&world, "sinta", &order("csv")).await;
    let first = cancel(&world, "sinta", &queued).await;
    assert_eq!(cancel(&world, "sinta", &queued).await.body, first.body);
    world.process_queues().await;
    let done = completed(&world, "sinta", &order("csv")).await;
    let first = cancel(&world, "sinta", &done).await;
    let second = cancel(&world, "sinta", &done).await;
    assert_eq!((second.status, second.body), (200, first.body));
}

#[tokio::test]
async fn a_job_of_another_user_is_404() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    let path = format!("/cdp/exports/{job}");
    for user in ["maya", "claire"] {
        for method in [Method::GET, Method::DELETE] {
            let response = world.call(user, method, &path, None).await;
            assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{user}");
        }
        assert_eq!(world.get(user, "/cdp/exports").await.data(), &json!([]));
    }
    for id in ["0190d1a2-7c3b-7abc-8def-000000000001", "x"] {
        assert_eq!(world.get("sinta", &format!("/cdp/exports/{id}")).await.status, 404, "{id}");
        assert_eq!(cancel(&world, "sinta", id).await.status, 404, "{id}");
    }
    assert_eq!(view(&world, "sinta", &job).await["status"], "queued");
}

#[tokio::test]
async fn a_file_that_could_not_be_deleted_is_deleted_by_the_clean_up() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "status": 503 }));
    let response = cancel(&world, "sinta", &job).await;
    assert_eq!((response.status, &response.data()["status"]), (200, &json!("expired")));
    world.faults.clear();
    assert_eq!(objects(&world).await.len(), 1);
    assert_eq!(world.get("", &link(&world)).await.status, 410);
    world.clean_up(world.clock.now() + SignedDuration::from_mins(1)).await;
    assert_eq!(objects(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_started_upload_is_completed_or_aborted() {
    let world = World::with_flags().await;
    for completes in [true, false] {
        let job = requested(&world, "sinta", &order("xlsx")).await;
        if !completes {
            let slow = json!({ "target": "s3", "action": "UploadPart", "latency_ms": 1_500 });
            world.fault(&slow);
        }
        let cancellation = async {
            if !completes {
                while uploads(&world, "CreateMultipartUpload") < 2 {
                    tokio::task::yield_now().await;
                }
                cancel(&world, "sinta", &job).await;
            }
        };
        tokio::join!(deliver(&world, "ExportGenerate", "sinta", &job, 1), cancellation);
        world.faults.clear();
    }
    let count = |action| uploads(&world, action);
    assert_eq!(count("CreateMultipartUpload"), 2);
    assert_eq!(count("CompleteMultipartUpload"), 1);
    assert!(count("AbortMultipartUpload") >= 1);
    assert_eq!(objects(&world).await.len(), 1);
}
