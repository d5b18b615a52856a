//! The audit events contain the user, the source address, filter keys, fields and row counts, and
//! never a value of a filter or a contact.

use bytes::Bytes;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World, person};

use super::steps::{cancel, completed, deliver, link, order, requested};

/// The source address of every request that the tests send.
const ADDRESS: &str = "127.0.0.1";

/// The only log line with this event name.
fn only_event(log: &Log, name: &str) -> Value {
    let mut events = log.events(&format!("cdp_contacts_export_{name}"));
    assert_eq!(events.len(), 1, "{name}");
    events.remove(0)
}

fn assert_identity(event: &Value, user: &str, job: &str) {
    assert_eq!(event["user_sso_id"], person(user), "{event}");
    assert_eq!(event["company_sso_id"], local::demo_company::id("company", "kopi"), "{event}");
    assert_eq!(event["job_id"], job, "{event}");
}

#[tokio::test]
async fn an_export_is_audited_from_its_request_to_its_expiry() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let mut body = order("csv");
    body["selection"] =
        json!({ "filter": { "tags": ["secret-tag"], "source": ["secret-source"] } });
    body["fields"] = json!(["name", "custom.tier"]);
    body["file_name"] = json!("secret-name");
    let headers = [("content-type", "application/json"), ("x-platform", "mobile")];
    let bytes = Bytes::from(body.to_string());
    let response = world.send("sinta", Method::POST, "/cdp/exports", &headers, bytes).await;
    let job = response.data()["id"].as_str().unwrap().to_owned();
    let requested_event = only_event(&log, "requested");
    assert_identity(&requested_event, "sinta", &job);
    assert_eq!(
        (&requested_event["platform"], &requested_event["source_ip"]),
        (&json!("mobile"), &json!(ADDRESS))
    );
    assert_eq!(
        (&requested_event["filter_keys"], &requested_event["fields"]),
        (&json!("tags,source"), &json!("name,custom.tier"))
    );
    assert_eq!(requested_event["format"], "csv");

    world.process_queues().await;
    let completed_event = only_event(&log, "completed");
    assert_identity(&completed_event, "sinta", &job);
    assert_eq!(
        (&completed_event["rows"], &completed_event["skipped"], &completed_event["attempt"]),
        (&json!(0), &json!(0), &json!(1))
    );
    assert!(
        completed_event["size_bytes"].is_u64() && completed_event["duration_ms"].is_u64(),
        "{completed_event}"
    );

    world.get("", &link(&world)).await;
    let opened = only_event(&log, "link_opened");
    assert_identity(&opened, "sinta", &job);
    assert_eq!(opened["source_ip"], ADDRESS);

    world.advance(SignedDuration::from_hours(48));
    world.clean_up(world.clock.now() + SignedDuration::from_secs(1)).await;
    assert_identity(&only_event(&log, "expired"), "sinta", &job);
    let text = log.text();
    for secret in ["secret", "Sinta", "sinta@", "private/exports", &link(&world)] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_audit_event_counts_selected_ids_and_a_repeated_request_adds_no_event() {
    let world = World::with_flags().await;
    let ids = world.get("sinta", "/cdp/customers?limit=3").await.ids();
    let log = Log::capture();
    let mut body = order("xlsx");
    body["selection"] = json!({ "ids": ids });
    let headers = [("content-type", "application/json"), ("idempotency-key", "key")];
    for _ in 0..2 {
        let bytes = Bytes::from(body.to_string());
        world.send("sinta", Method::POST, "/cdp/exports", &headers, bytes).await;
    }
    let requested_event = only_event(&log, "requested");
    assert_eq!(
        (&requested_event["selected"], &requested_event["filter_keys"]),
        (&json!(3), &json!(""))
    );
    assert_eq!(requested_event["platform"], "unknown");
    assert!(!log.text().contains(&ids[0]));
}

#[tokio::test]
async fn a_cancelled_a_failed_and_a_deleted_export_are_each_audited_once() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let job = requested(&world, "sinta", &order("csv")).await;
    for _ in 0..2 {
        cancel(&world, "sinta", &job).await;
    }
    let cancelled = only_event(&log, "cancelled");
    assert_identity(&cancelled, "sinta", &job);
    assert_eq!(cancelled["source_ip"], ADDRESS);

    let job = completed(&world, "sinta", &order("csv")).await;
    for _ in 0..2 {
        cancel(&world, "sinta", &job).await;
    }
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert_identity(&only_event(&log, "expired"), "sinta", &job);

    let job = requested(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "action": "UploadPart", "status": 500 }));
    for attempt in 1..=5 {
        deliver(&world, "ExportGenerate", "sinta", &job, attempt).await;
    }
    let failed = only_event(&log, "failed");
    assert_identity(&failed, "sinta", &job);
    assert_eq!((&failed["error_code"], &failed["attempt"]), (&json!("EXPORT_FAILED"), &json!(5)));
}
