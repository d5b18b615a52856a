//! Tests of a backfill that takes several invocations: crashes, duplicate messages, faults and
//! concurrent runs.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::backfill::{
    LEGACY_TEAMS, PEOPLE, TEAMS, company, contact, contacts, owners, people, put, report, reports,
    run, start,
};

/// Creates a world with `count` contacts without team owners, and a people file that assigns all of
/// them to Sales.
async fn with_rows(count: usize) -> (World, Vec<String>) {
    let world = World::with_flags().await;
    let ids = contacts(&world, count).await;
    put(&world, TEAMS, LEGACY_TEAMS).await;
    put(&world, PEOPLE, people((1..=count).map(|n| (n, "1")))).await;
    (world, ids)
}

/// Asserts that the run wrote and counted every contact once.
fn assert_complete(report: &Value, count: usize) {
    assert_eq!(report["state"], "completed", "{report}");
    let totals = &report["totals"];
    for name in ["rows", "assigned", "written", "covered"] {
        assert_eq!(totals[name], count, "{name}: {report}");
    }
    assert_eq!(totals["errors"], 0, "{report}");
}

/// Delivers the message of continuation number `continuation` to the function and returns whether
/// the function succeeded.
async fn deliver(world: &World, response: &Value, continuation: u32) -> bool {
    let body = json!({ "company": company("kopi"), "run": response["run_id"], "continuation": continuation });
    let event = json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none",
        "body": json!({ "body": body }).to_string(),
        "attributes": { "ApproximateReceiveCount": "1" },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] });
    let response = world.invoke("TeamBackfill", event).await;
    response["batchItemFailures"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn a_run_continues_in_further_invocations_until_it_is_complete() {
    let (world, ids) = with_rows(175).await;
    world.limit_time(Some(SignedDuration::ZERO));
    let response = start(&world, "apply").await;
    assert_eq!(response["state"], "running");
    assert_eq!(world.process_queues().await, 4, "three more chunks and the end of the file");
    assert_complete(&report(&world, &response).await, 175);
    // A revert continues over several invocations in the same way.
    let response = start(&world, "revert").await;
    assert_eq!(response["state"], "running");
    assert_eq!(world.process_queues().await, 4);
    assert_eq!(report(&world, &response).await["totals"]["written"], 175);
    assert!(owners(&world, &ids[..5]).await.iter().all(|owners| *owners == json!([])));
}

#[tokio::test]
async fn a_continuation_message_that_was_not_sent_is_sent_by_the_next_clean_up() {
    let (world, _) = with_rows(120).await;
    world.limit_time(Some(SignedDuration::ZERO));
    world.fault(&json!({ "target": "sqs", "status": 503 }));
    let response = start(&world, "apply").await;
    assert_eq!(response["state"], "running");
    world.faults.clear();
    assert_eq!(world.process_queues().await, 0);
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert!(world.process_queues().await > 0);
    assert_complete(&report(&world, &response).await, 120);
    // The run leaves no due item.
    let later = world.clock.now() + SignedDuration::from_hours(1);
    assert_eq!(world.clean_up(later).await["done"], 0);
}

#[tokio::test]
async fn an_invocation_that_dies_within_a_chunk_loses_no_row_and_counts_no_row_twice() {
    let (world, ids) = with_rows(75).await;
    // After the start of the run, each write of a contact is so slow that the invocation dies
    // within the chunk.
    let slow = json!({ "target": "dynamodb", "latency_ms": 400, "action": "TransactWriteItems" });
    world.fault(&slow);
    let dies = tokio::time::timeout(Duration::from_millis(1400), start(&world, "apply"));
    assert!(dies.await.is_err());
    world.faults.clear();
    let written = owners(&world, &ids).await.iter().filter(|owners| **owners != json!([])).count();
    assert!((1..50).contains(&written), "{written}");
    let busy = start(&world, "apply").await;
    assert_eq!(busy["error"], "CONFLICT", "{busy}");
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert_eq!(world.process_queues().await, 1);
    let keys = reports(&world).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let response = json!({ "report_key": keys[0] });
    assert_complete(&report(&world, &response).await, 75);
}

#[tokio::test]
async fn a_message_delivered_to_two_workers_at_once_counts_no_row_twice() {
    let (world, _) = with_rows(160).await;
    world.limit_time(Some(SignedDuration::ZERO));
    let response = start(&world, "apply").await;
    world.limit_time(None);
    let (one, other) = tokio::join!(deliver(&world, &response, 1), deliver(&world, &response, 1));
    assert!(one != other, "one succeeds, and the message of the other one is delivered again");
    assert!(deliver(&world, &response, 1).await, "there is nothing left to do");
    assert!(
        deliver(&world, &response, 0).await,
        "the message of an earlier continuation has no effect"
    );
    assert_complete(&report(&world, &response).await, 160);
}

#[tokio::test]
async fn messages_that_sqs_delivers_twice_count_no_row_twice() {
    let (world, _) = with_rows(160).await;
    world.limit_time(Some(SignedDuration::ZERO));
    world.fault(&json!({ "target": "sqs", "kind": "duplicate" }));
    let response = start(&world, "apply").await;
    world.process_queues().await;
    assert_complete(&report(&world, &response).await, 160);
}

#[tokio::test]
async fn aws_errors_lose_no_row_and_count_no_row_twice() {
    for fault in [
        json!({ "target": "dynamodb", "kind": "conflict", "times": 12 }),
        json!({ "target": "dynamodb", "kind": "throttle", "times": 12 }),
        json!({ "target": "dynamodb", "kind": "unprocessed", "times": 3 }),
        json!({ "target": "dynamodb", "kind": "commit_then_timeout", "times": 5,
            "action": "TransactWriteItems" }),
        json!({ "target": "dynamodb", "status": 500, "rate": 0.2, "times": 15 }),
        json!({ "target": "s3", "status": 503, "times": 2, "action": "GetObject" }),
        json!({ "target": "s3", "status": 503, "times": 6, "action": "PutObject" }),
        json!({ "target": "sqs", "kind": "batch_partial", "times": 1 }),
    ] {
        let (world, _) = with_rows(70).await;
        world.limit_time(Some(SignedDuration::ZERO));
        let mut rule = fault.clone();
        rule["function"] = json!("TeamBackfill");
        world.fault(&rule);
        for _ in 0..20 {
            start(&world, "apply").await;
            world.process_queues().await;
            world.advance(SignedDuration::from_mins(3));
            world.clean_up(world.clock.now()).await;
            if !reports(&world).await.is_empty() {
                break;
            }
        }
        let keys = reports(&world).await;
        let report = report(&world, &json!({ "report_key": keys[0] })).await;
        assert_complete(&report, 70);
    }
}

#[tokio::test]
async fn a_company_has_one_run_at_a_time_and_a_dead_run_is_replaced() {
    let (world, _) = with_rows(120).await;
    world.limit_time(Some(SignedDuration::ZERO));
    world.fault(&json!({ "target": "sqs", "status": 503 }));
    let dead = start(&world, "apply").await;
    let refused = start(&world, "revert").await;
    assert_eq!(refused["error"], "CONFLICT");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains(dead["run_id"].as_str().unwrap()), "{message}");
    assert!(message.contains("50 rows"), "{message}");
    world.faults.clear();
    world.advance(SignedDuration::from_mins(31));
    world.limit_time(None);
    let second = start(&world, "apply").await;
    assert_eq!(second["state"], "completed", "{second}");
    // The message of the dead run arrives too late, after the second run has completed.
    assert!(deliver(&world, &dead, 1).await);
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    let report = report(&world, &second).await;
    assert_eq!(report["totals"]["assigned"], 120);
    assert_eq!(report["totals"]["written"], 70, "the dead run had written one chunk");
    assert_eq!(reports(&world).await.len(), 1);
}

#[tokio::test]
async fn runs_of_different_companies_do_not_block_each_other() {
    let (world, _) = with_rows(60).await;
    world.limit_time(Some(SignedDuration::ZERO));
    start(&world, "apply").await;
    let other = json!({ "company_sso_id": company("meridian"), "mode": "revert" });
    assert_eq!(world.invoke("TeamBackfill", other).await["state"], "completed");
}

#[tokio::test]
async fn no_run_starts_while_launchpad_fails_and_a_started_run_continues() {
    let (world, ids) = with_rows(60).await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let refused = start(&world, "apply").await;
    assert_eq!(refused["error"], "DIRECTORY_UNAVAILABLE");
    assert!(owners(&world, &ids[..3]).await.iter().all(|owners| *owners == json!([])));
    world.faults.clear();
    world.limit_time(Some(SignedDuration::ZERO));
    let response = start(&world, "apply").await;
    // The run uses the teams that it read at its start.
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    world.process_queues().await;
    assert_complete(&report(&world, &response).await, 60);
}

#[tokio::test]
async fn a_file_that_is_replaced_during_a_run_fails_the_run_with_a_report() {
    let (world, _) = with_rows(120).await;
    world.limit_time(Some(SignedDuration::ZERO));
    let response = start(&world, "apply").await;
    put(&world, PEOPLE, people((1..=120).map(|n| (n, "2")))).await;
    world.process_queues().await;
    let failed = report(&world, &response).await;
    assert_eq!(
        (&failed["state"], &failed["error"]),
        (&json!("failed"), &json!("PEOPLE_FILE_CHANGED"))
    );
    assert_eq!(failed["totals"]["written"], 50);
    world.limit_time(None);
    assert_eq!(run(&world, "apply").await["totals"]["written"], 120);
}

#[tokio::test]
async fn changes_that_users_make_during_a_run_are_not_lost() {
    let (world, ids) = with_rows(50).await;
    put(&world, PEOPLE, people((1..=50).map(|n| (n, "2")))).await;
    let people = async {
        for n in 1..=50 {
            let owners = if n % 2 == 0 { json!([tests::team("Sales")]) } else { json!([]) };
            let row = json!({
                "external_id": format!("P-{n}"), "company_name": "New", "team_owner_ids": owners
            });
            let response =
                world.post("maya", "/cdp/customers/sync", &json!({ "contacts": [row] })).await;
            assert_eq!(response.data()[0]["status"], "updated", "{}", response.body);
        }
    };
    let (response, ()) = tokio::join!(start(&world, "apply"), people);
    assert_eq!(response["state"], "completed");
    for (index, id) in ids.iter().enumerate() {
        let contact = contact(&world, id).await;
        assert_eq!(contact["company_name"], "New");
        let owners = &contact["team_owner_ids"];
        if (index + 1) % 2 == 0 {
            assert_eq!(*owners, json!([tests::team("Sales")]), "P-{}", index + 1);
        } else {
            // The contact was cleared after the backfill, or it already had no owners before the
            // backfill.
            let smb = json!([tests::team("Jakarta SMB")]);
            assert!(*owners == json!([]) || *owners == smb, "P-{}: {owners}", index + 1);
        }
    }
}

/// Starts a run that needs more invocations than Lambda allows in a chain without `RecursiveLoop:
/// Allow`, and returns its report after all messages were delivered.
async fn long_run(world: &World) -> Option<Value> {
    world.flags(true, true).await;
    contacts(world, 1).await;
    put(world, TEAMS, LEGACY_TEAMS).await;
    put(world, PEOPLE, people((1..=900).map(|n| (n, "1")))).await;
    world.limit_time(Some(SignedDuration::ZERO));
    let response = start(world, "dry_run").await;
    world.process_queues().await;
    let is_written = !reports(world).await.is_empty();
    if is_written { Some(report(world, &response).await) } else { None }
}

#[tokio::test]
async fn a_long_run_is_not_stopped_as_an_endless_loop() {
    let world = World::start().await;
    let report = long_run(&world).await.unwrap();
    assert_eq!((&report["state"], &report["totals"]["rows"]), (&json!("completed"), &json!(900)));
    assert!(world.dropped().is_empty());
}

#[tokio::test]
async fn a_long_run_would_be_stopped_without_the_setting_in_the_template() {
    let world = World::changed(|template| {
        let backfill = template.functions.get_mut("TeamBackfill").unwrap();
        assert!(backfill.allows_recursion, "the template allows it");
        backfill.allows_recursion = false;
    })
    .await;
    assert!(long_run(&world).await.is_none_or(|report| report["state"] != "completed"));
    assert_eq!(*world.dropped(), ["TeamBackfill"]);
}
