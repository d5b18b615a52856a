//! Tests of faults at every stage of an export: workers that die, workers that freeze and resume,
//! and upstream services that do not respond.

use std::{pin::pin, time::Duration};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{
    file::{expected, rows},
    steps::{
        assert_no_leftovers, assert_one_of_each, cancel, deliver, deliver_until_killed, objects,
        order, requested, uploads, view,
    },
};

/// The AWS calls of `export-generate`, in the order of its stages.
const STAGES: [(&str, &str); 10] = [
    ("dynamodb", "GetItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "UpdateItem"),
    ("s3", "CreateMultipartUpload"),
    ("s3", "GetObject"),
    ("dynamodb", "Query"),
    ("s3", "UploadPart"),
    ("s3", "CompleteMultipartUpload"),
    ("sqs", "SendMessageBatch"),
];

fn kill(function: &str, (target, action): (&str, &str), when: &str) -> Value {
    json!({ "target": target, "kind": "kill", "when": when, "times": 1,
        "function": function, "action": action })
}

/// The body of an export request that makes the call of this stage. An export of selected ids reads
/// the stored ids from the bucket, and an export with a filter reads pointers.
async fn order_for_stage(world: &World, stage: &str, format: &str) -> Value {
    let mut body = order(format);
    if stage == "GetObject" {
        let ids = world.get("sinta", "/cdp/customers?limit=3").await.ids();
        body["selection"] = json!({ "ids": ids });
    }
    body
}

#[tokio::test]
async fn one_file_and_nothing_else_remains_after_a_worker_dies_at_any_stage() {
    for (at, stage) in STAGES.into_iter().enumerate() {
        for when in ["before", "after"] {
            let case = format!("{when} {}", stage.1);
            let world = World::with_flags().await;
            let format = ["csv", "xlsx"][at % 2];
            let body = order_for_stage(&world, stage.1, format).await;
            let job = requested(&world, "sinta", &body).await;
            world.fault(&kill("ExportGenerate", stage, when));
            deliver_until_killed(&world, "ExportGenerate", "sinta", &job, 1).await;
            world.advance(SignedDuration::from_secs(31));
            assert!(deliver(&world, "ExportGenerate", "sinta", &job, 2).await, "{case}");
            world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
            world.process_queues().await;
            assert_one_of_each(&world, "sinta", &job, &case).await;
        }
    }
}

#[tokio::test]
async fn the_leftovers_of_a_dead_worker_are_removed_when_its_job_is_cancelled_or_fails() {
    for (stage, when) in [
        (("s3", "CreateMultipartUpload"), "after"),
        (("s3", "UploadPart"), "after"),
        (("s3", "CompleteMultipartUpload"), "after"),
    ] {
        let case = stage.1;
        let world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("csv")).await;
        world.fault(&kill("ExportGenerate", stage, when));
        deliver_until_killed(&world, "ExportGenerate", "sinta", &job, 1).await;
        assert_ne!(objects(&world).await.len() + uploads(&world).await.len(), 0, "{case}");
        assert_eq!(cancel(&world, "sinta", &job).await.data()["status"], "cancelled", "{case}");
        assert_no_leftovers(&world, case).await;

        let job = requested(&world, "sinta", &order("csv")).await;
        world.fault(&kill("ExportGenerate", stage, when));
        deliver_until_killed(&world, "ExportGenerate", "sinta", &job, 1).await;
        for status in ["queued", "failed"] {
            world.advance(SignedDuration::from_mins(31));
            world.clean_up(world.clock.now()).await;
            assert_eq!(view(&world, "sinta", &job).await["status"], status, "{case}");
            assert_no_leftovers(&world, case).await;
        }
    }
}

#[tokio::test]
async fn a_worker_that_resumes_after_its_successor_finished_changes_nothing() {
    for (target, action) in [
        ("s3", "CreateMultipartUpload"),
        ("s3", "UploadPart"),
        ("s3", "CompleteMultipartUpload"),
        ("dynamodb", "Query"),
    ] {
        let world = World::with_flags().await;
        let list = world.get("sinta", "/cdp/customers?limit=100").await;
        let job = requested(&world, "sinta", &order("csv")).await;
        world.fault(&json!({ "target": target, "action": action, "latency_ms": 400, "times": 1,
            "function": "ExportGenerate" }));
        let mut first_worker = pin!(deliver(&world, "ExportGenerate", "sinta", &job, 1));
        let frozen = tokio::time::timeout(Duration::from_millis(250), first_worker.as_mut()).await;
        assert!(frozen.is_err(), "{action}: the worker finished before it froze");
        world.advance(SignedDuration::from_secs(31));
        assert!(deliver(&world, "ExportGenerate", "sinta", &job, 2).await, "{action}");
        assert!(first_worker.await, "{action}: the first worker has nothing left to do");
        world.process_queues().await;
        assert_one_of_each(&world, "sinta", &job, action).await;
        let key = objects(&world).await.remove(0);
        assert!(key.contains("/2/"), "{action}: {key}");
        let file = world.files().await.read(&key).await.unwrap();
        assert_eq!(rows("csv", &file), expected(list.data(), "Asia/Jakarta"), "{action}");
    }
}

#[tokio::test]
async fn an_upload_part_that_fails_twice_is_retried_within_the_same_attempt() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("xlsx")).await;
    world.fault(&json!({ "target": "s3", "action": "UploadPart", "status": 503, "times": 2 }));
    assert!(deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
    world.process_queues().await;
    assert_one_of_each(&world, "sinta", &job, "two failures").await;
    assert!(objects(&world).await[0].contains("/1/"), "the first attempt created the file");
}

#[tokio::test]
async fn a_job_whose_uploads_always_fail_is_failed_after_five_attempts_with_one_email() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "action": "UploadPart", "status": 500 }));
    for attempt in 1..=5 {
        let done = deliver(&world, "ExportGenerate", "sinta", &job, attempt).await;
        assert_eq!(done, attempt == 5, "{attempt}");
        assert_no_leftovers(&world, &attempt.to_string()).await;
        world.advance(SignedDuration::from_mins(1));
    }
    world.process_queues().await;
    let view = view(&world, "sinta", &job).await;
    assert_eq!(
        (&view["status"], &view["error"]["code"]),
        (&json!("failed"), &json!("EXPORT_FAILED"))
    );
    assert_eq!(world.aws.mailbox().list().len(), 1);
    assert!(world.notifications.list().is_empty());
}

#[tokio::test]
async fn nothing_is_delivered_twice_when_the_delivery_worker_dies_at_any_stage() {
    let stages = [
        ("dynamodb", "GetItem"),
        ("dynamodb", "PutItem"),
        ("dynamodb", "TransactWriteItems"),
        ("s3", "GetObject"),
        ("ses", "SendRawEmail"),
    ];
    for (stage, when) in stages.into_iter().flat_map(|it| [(it, "before"), (it, "after")]) {
        let case = format!("{when} {}", stage.1);
        let world = World::with_flags().await;
        let job = requested(&world, "sinta", &order("xlsx")).await;
        assert!(deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
        world.fault(&kill("ExportEmail", stage, when));
        deliver_until_killed(&world, "ExportEmail", "sinta", &job, 1).await;
        let mut count = 2;
        world.advance(SignedDuration::from_secs(91));
        while !deliver(&world, "ExportEmail", "sinta", &job, count).await {
            assert!(count < 5, "{case}");
            count += 1;
            world.advance(SignedDuration::from_secs(91));
        }
        world.process_queues().await;
        let view = view(&world, "sinta", &job).await;
        assert_eq!(view["status"], "completed", "{case}");
        let (mails, email_status) =
            (world.aws.mailbox().list().len(), view["email_status"].as_str());
        if stage.1 == "GetObject" {
            assert_eq!(email_status, Some("sent"), "{case}: no channel's lease had been taken yet");
        }
        match email_status {
            Some("sent") => assert_eq!(mails, 1, "{case}"),
            Some("unknown") => assert!(mails <= 1, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
        let notifications = world.notifications.list();
        assert!(notifications.len() <= 1, "{case}");
        assert!(notifications.iter().all(|it| it.duplicates == 0), "{case}");
    }
}

#[tokio::test]
async fn a_permanent_outage_of_the_notification_service_loses_only_the_notification() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    assert!(deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
    world.fault(&json!({ "target": "notifications", "status": 503 }));
    for count in 1..=16 {
        let done = deliver(&world, "ExportEmail", "sinta", &job, count).await;
        assert_eq!(done, count == 16, "{count}");
        world.advance(SignedDuration::from_mins(15));
    }
    world.faults.clear();
    world.process_queues().await;
    let view = view(&world, "sinta", &job).await;
    assert_eq!((&view["status"], &view["email_status"]), (&json!("completed"), &json!("sent")));
    assert_eq!((world.aws.mailbox().list().len(), world.notifications.list().len()), (1, 0));
    assert!(view["download_url"].is_string());
}

#[tokio::test]
async fn a_job_cancelled_at_any_stage_sends_nothing_and_leaves_nothing() {
    // The other stages do not wait for the heartbeat (`UpdateItem`), so the test does not delay it.
    let awaited = STAGES.into_iter().skip(2).filter(|(_, action)| *action != "UpdateItem");
    for (target, action) in awaited {
        let world = World::with_flags().await;
        let body = order_for_stage(&world, action, "csv").await;
        let job = requested(&world, "sinta", &body).await;
        world.fault(&json!({ "target": target, "action": action, "latency_ms": 1_200, "times": 1,
            "function": "ExportGenerate" }));
        let mut worker = pin!(deliver(&world, "ExportGenerate", "sinta", &job, 1));
        let early = tokio::time::timeout(Duration::from_millis(600), worker.as_mut()).await;
        assert!(early.is_err(), "{action}: the stage was not reached");
        let (done, response) = tokio::join!(worker, cancel(&world, "sinta", &job));
        assert!(done, "{action}: the message is done");
        // At the last stage the file already exists, so the cancellation deletes it.
        let end = if action == "SendMessageBatch" { "expired" } else { "cancelled" };
        assert_eq!(response.data()["status"], end, "{action}");
        world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
        world.process_queues().await;
        assert_eq!(view(&world, "sinta", &job).await["status"], end, "{action}");
        assert_no_leftovers(&world, action).await;
        assert!(world.aws.mailbox().list().is_empty(), "{action}");
        assert!(world.notifications.list().is_empty(), "{action}");
    }
}
