//! The audit events: who, from where, which filter keys, fields and rows; never a value.

use bytes::Bytes;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World, person};

use super::steps::{cancel, completed, deliver, link, order, requested};

/// The address that the harness calls from.
const ADDRESS: &str = "127.0.0.1";

/// The one event of this name.
fn one(log: &Log, name: &str) -> Value {
    let mut events = log.events(&format!("cdp_contacts_export_{name}"));
    assert_eq!(events.len(), 1, "{name}");
    events.remove(0)
}

fn assert_who(event: &Value, user: &str, job: &str) {
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
    let answer = world.send("sinta", Method::POST, "/cdp/exports", &headers, bytes).await;
    let job = answer.data()["id"].as_str().unwrap().to_owned();
    let asked = one(&log, "requested");
    assert_who(&asked, "sinta", &job);
    assert_eq!((&asked["platform"], &asked["source_ip"]), (&json!("mobile"), &json!(ADDRESS)));
    assert_eq!(
        (&asked["filter_keys"], &asked["fields"]),
        (&json!("tags,source"), &json!("name,custom.tier"))
    );
    assert_eq!(asked["format"], "csv");

    world.work().await;
    let done = one(&log, "completed");
    assert_who(&done, "sinta", &job);
    assert_eq!(
        (&done["rows"], &done["skipped"], &done["attempt"]),
        (&json!(0), &json!(0), &json!(1))
    );
    assert!(done["size_bytes"].is_u64() && done["duration_ms"].is_u64(), "{done}");

    world.get("", &link(&world)).await;
    let opened = one(&log, "link_opened");
    assert_who(&opened, "sinta", &job);
    assert_eq!(opened["source_ip"], ADDRESS);

    world.advance(SignedDuration::from_hours(48));
    world.clean_up(world.clock.now() + SignedDuration::from_secs(1)).await;
    assert_who(&one(&log, "expired"), "sinta", &job);
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
    let asked = one(&log, "requested");
    assert_eq!((&asked["selected"], &asked["filter_keys"]), (&json!(3), &json!("")));
    assert_eq!(asked["platform"], "unknown");
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
    let cancelled = one(&log, "cancelled");
    assert_who(&cancelled, "sinta", &job);
    assert_eq!(cancelled["source_ip"], ADDRESS);

    let job = completed(&world, "sinta", &order("csv")).await;
    for _ in 0..2 {
        cancel(&world, "sinta", &job).await;
    }
    world.clean_up(world.clock.now() + SignedDuration::from_mins(3)).await;
    assert_who(&one(&log, "expired"), "sinta", &job);

    let job = requested(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "action": "UploadPart", "status": 500 }));
    for attempt in 1..=5 {
        deliver(&world, "ExportGenerate", "sinta", &job, attempt).await;
    }
    let failed = one(&log, "failed");
    assert_who(&failed, "sinta", &job);
    assert_eq!((&failed["error_code"], &failed["attempt"]), (&json!("EXPORT_FAILED"), &json!(5)));
}
