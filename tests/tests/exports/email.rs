use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{PUBLIC_URL, World, person};

use super::steps::{completed, deliver, order, requested, view};

/// Creates a world with an export whose file exists and whose messages were not sent yet, and adds
/// a fault. Returns the world and the job's id.
async fn undelivered(fault: &Value) -> (World, String) {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("xlsx")).await;
    world.fault(fault);
    assert!(deliver(&world, "ExportGenerate", "sinta", &job, 1).await);
    (world, job)
}

async fn email_status(world: &World, job: &str) -> String {
    view(world, "sinta", job).await["email_status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_completed_export_is_sent_by_email_with_its_file_and_by_notification_with_its_link() {
    let world = World::with_flags().await;
    let job = completed(&world, "sinta", &order("xlsx")).await;
    let mails = world.aws.mailbox().list();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, ["sinta@kopi.example"]);
    assert!(mail.subject.contains("contacts.xlsx"), "{}", mail.subject);
    let file = &mail.attachments[0];
    assert_eq!(file.name, "contacts.xlsx");
    let object = super::steps::objects(&world).await.remove(0);
    assert_eq!(file.content, world.files().await.read(&object).await.unwrap());
    let link = format!("{PUBLIC_URL}/d/");
    assert!(mail.text.as_ref().unwrap().contains(&link));
    assert!(mail.html.as_ref().unwrap().replace("&#x2f;", "/").contains(&link));

    let notifications = world.notifications.list();
    assert_eq!(notifications.len(), 1);
    let (sent, body) = (&notifications[0], &notifications[0].body);
    assert_eq!(sent.path, "/notif/v1/notifications");
    assert_eq!(sent.headers["idempotency-key"], job);
    assert_eq!(body["sso_id"], person("sinta"));
    assert_eq!((&body["click_action"], &body["notif_type"]), (&json!("OPEN_URL"), &json!(1)));
    assert_eq!(body["extra"]["origin"], "external_url");
    assert!(body["click_action_url"].as_str().unwrap().starts_with(&link), "{body}");
    assert_eq!(email_status(&world, &job).await, "sent");
}

#[tokio::test]
async fn the_email_is_in_the_requested_language_or_in_the_companys_language() {
    for (user, locale, subject) in
        [("sinta", Some("en"), "ready"), ("sinta", None, "siap"), ("claire", None, "ready")]
    {
        let world = World::with_flags().await;
        let mut body = order("csv");
        body["locale"] = json!(locale);
        completed(&world, user, &body).await;
        let mail = world.aws.mailbox().list().remove(0);
        assert!(mail.subject.contains(subject), "{}", mail.subject);
    }
}

#[tokio::test]
async fn a_throttled_email_waits_and_is_sent_once() {
    let (world, job) = undelivered(&json!({ "target": "ses", "kind": "throttle" })).await;
    assert!(!deliver(&world, "ExportEmail", "sinta", &job, 1).await);
    assert_eq!(email_status(&world, &job).await, "pending");
    assert_eq!(world.notifications.list().len(), 1, "the other channel does not wait");
    world.faults.clear();
    world.advance(SignedDuration::from_secs(20));
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 2).await);
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 3).await);
    assert_eq!(email_status(&world, &job).await, "sent");
    assert_eq!((world.aws.mailbox().list().len(), world.notifications.list().len()), (1, 1));
}

#[tokio::test]
async fn an_email_with_an_unknown_outcome_is_marked_unknown_and_never_sent_again() {
    for (fault, mails) in [
        (json!({ "target": "ses", "status": 500 }), 0),
        (json!({ "target": "ses", "kind": "commit_then_timeout" }), 1),
    ] {
        let (world, job) = undelivered(&fault).await;
        assert!(deliver(&world, "ExportEmail", "sinta", &job, 1).await, "{fault}");
        assert_eq!(email_status(&world, &job).await, "unknown", "{fault}");
        world.faults.clear();
        world.process_queues().await;
        assert!(deliver(&world, "ExportEmail", "sinta", &job, 2).await);
        assert_eq!(world.aws.mailbox().list().len(), mails, "{fault}");
        assert_eq!(email_status(&world, &job).await, "unknown");
        assert_eq!(world.notifications.list().len(), 1);
        let job = view(&world, "sinta", &job).await;
        assert_eq!(job["status"], "completed");
        assert!(job["download_url"].is_string());
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_for_an_email_is_sent_as_a_link_only() {
    let world = World::with_flags().await;
    for round in 0..9 {
        let contact = |at| {
            json!({ "external_id": format!("{round}-{at}"), "source": "large",
                "custom_fields": { "remark": "x".repeat(30_000) } })
        };
        let contacts: Vec<Value> = (0..30).map(contact).collect();
        let body = json!({ "contacts": contacts });
        let synced = world.post("maya", "/cdp/customers/sync", &body).await;
        assert_eq!(synced.data()[29]["status"], "created", "{}", synced.body);
    }
    let mut body = order("csv");
    body["selection"] = json!({ "filter": { "source": ["large"] } });
    body["fields"] = json!(["id", "custom.remark"]);
    let job = completed(&world, "maya", &body).await;
    let mails = world.aws.mailbox().list();
    assert_eq!((mails.len(), mails[0].attachments.len()), (1, 0));
    assert!(mails[0].text.as_ref().unwrap().contains(&format!("{PUBLIC_URL}/d/")));
    let view = view(&world, "maya", &job).await;
    assert_eq!((&view["email_status"], &view["rows"]), (&json!("sent"), &json!(270)));
}

#[tokio::test]
async fn an_email_that_ses_rejects_is_sent_again_with_the_link_only() {
    let (world, job) = undelivered(&json!({ "target": "ses", "status": 400, "times": 1 })).await;
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 1).await);
    let mails = world.aws.mailbox().list();
    assert_eq!((mails.len(), mails[0].attachments.len()), (1, 0));
    assert!(mails[0].text.as_ref().unwrap().contains(&format!("{PUBLIC_URL}/d/")));
    assert_eq!(email_status(&world, &job).await, "sent");
}

#[tokio::test]
async fn a_notification_waits_while_the_service_is_down_and_is_sent_once() {
    for status in [503, 429] {
        let (world, job) =
            undelivered(&json!({ "target": "notifications", "status": status })).await;
        assert!(!deliver(&world, "ExportEmail", "sinta", &job, 1).await);
        assert_eq!(world.notifications.list().len(), 0);
        assert_eq!(email_status(&world, &job).await, "sent", "the other channel does not wait");
        world.faults.clear();
        assert!(deliver(&world, "ExportEmail", "sinta", &job, 2).await);
        assert!(deliver(&world, "ExportEmail", "sinta", &job, 3).await);
        let notifications = world.notifications.list();
        assert_eq!((notifications.len(), notifications[0].duplicates), (1, 0));
        assert_eq!(world.aws.mailbox().list().len(), 1);
    }
}

#[tokio::test]
async fn a_notification_with_an_unknown_outcome_is_never_sent_again() {
    let fault = json!({ "target": "notifications", "kind": "commit_then_timeout" });
    let (world, job) = undelivered(&fault).await;
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 1).await);
    world.faults.clear();
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 2).await);
    let notifications = world.notifications.list();
    assert_eq!((notifications.len(), notifications[0].duplicates), (1, 0));
}

#[tokio::test]
async fn delivery_by_a_channel_that_keeps_failing_is_given_up_and_the_file_stays_available() {
    let (world, job) = undelivered(&json!({ "target": "ses", "kind": "throttle" })).await;
    for count in 1..16 {
        assert!(!deliver(&world, "ExportEmail", "sinta", &job, count).await, "{count}");
    }
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 16).await);
    assert_eq!(email_status(&world, &job).await, "failed");
    assert!(view(&world, "sinta", &job).await["download_url"].is_string());
}

#[tokio::test]
async fn two_concurrent_workers_send_one_email_and_one_notification() {
    let (world, job) = undelivered(&json!({ "target": "ses", "latency_ms": 200 })).await;
    let send = || deliver(&world, "ExportEmail", "sinta", &job, 1);
    // In this delivery, each worker may have taken the lease of one channel. A later delivery finds
    // that both messages were sent.
    tokio::join!(send(), send());
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 2).await);
    assert_eq!((world.aws.mailbox().list().len(), world.notifications.list().len()), (1, 1));
}

#[tokio::test]
async fn a_worker_that_dies_while_sending_leaves_the_email_unknown_and_it_is_not_sent_again() {
    let fault = json!({ "target": "ses", "kind": "commit_then_timeout", "latency_ms": 60_000 });
    let (world, job) = undelivered(&fault).await;
    let dies = deliver(&world, "ExportEmail", "sinta", &job, 1);
    assert!(tokio::time::timeout(Duration::from_secs(1), dies).await.is_err());
    world.faults.clear();
    assert!(
        !deliver(&world, "ExportEmail", "sinta", &job, 2).await,
        "the first worker may still be alive"
    );
    world.advance(SignedDuration::from_secs(91));
    assert!(deliver(&world, "ExportEmail", "sinta", &job, 3).await);
    assert_eq!(email_status(&world, &job).await, "unknown");
    assert_eq!((world.aws.mailbox().list().len(), world.notifications.list().len()), (1, 1));
}

#[tokio::test]
async fn the_email_names_the_product_the_company_and_the_reason() {
    let world = World::with_flags().await;
    completed(&world, "sinta", &order("csv")).await;
    let mail = world.aws.mailbox().list().pop().unwrap();
    let (text, html) = (mail.text.unwrap(), mail.html.unwrap());
    for body in [&text, &html] {
        assert!(body.contains("Nusantara Coffee Trading"), "{body}");
        assert!(body.contains("You receive this email because you requested"), "{body}");
    }
    assert!(html.contains("Contacts</td>") && html.contains("Download the file</a>"), "{html}");
}
