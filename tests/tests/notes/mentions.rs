use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, person};

use super::{
    scene::notified,
    write::{codes, contact, mention, put},
};

/// The event with which the mention queue delivers this message.
pub(crate) fn delivery(body: &Value) -> Value {
    let record = json!({
        "messageId": "m-1", "receiptHandle": "r", "body": json!({ "body": body }).to_string(),
        "attributes": { "ApproximateReceiveCount": "2" }, "messageAttributes": {},
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:x:0:MentionQueue",
        "awsRegion": "x", "md5OfBody": "",
    });
    json!({ "Records": [record] })
}

/// Delivers a message of the mention queue and returns whether the queue will deliver it again.
pub(crate) async fn deliver(world: &World, body: &Value) -> bool {
    let response = world.invoke("MentionNotify", delivery(body)).await;
    response["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty())
}

pub(crate) fn notify_message(contact: &str, note: &Value, who: &str, round: u32) -> Value {
    json!({ "kind": "notify", "company": local::demo_company::id("company", "kopi"),
        "contact_id": contact, "note_id": note, "sso_id": person(who), "round": round })
}

#[tokio::test]
async fn note_mention_s03_ac1_err2_a_mentioned_person_is_notified_once_and_the_actor_never() {
    let world = World::with_flags().await;
    let id = contact(&world, "Citra Anggraini").await;
    let path = format!("/v1/contacts/{id}/notes");
    let text = format!("{} {}", mention(&person("budi")), mention(&person("sinta")));
    let created = world.post("sinta", &path, &json!({ "note": text })).await;
    world.process_queues().await;
    let sent = &world.notifications.list()[0];
    assert_eq!(sent.path, "/api/v1/notifications/chat");
    assert_eq!(sent.body["title"], "Sinta Maharani mentioned you in a note");
    assert_eq!(sent.body["description"], "On contact Citra Anggraini");
    assert!(sent.body["click_action_url"].as_str().unwrap().ends_with(&format!("/customers/{id}")));
    let key = format!("{}:{}", created.data()["id"].as_str().unwrap(), person("budi"));
    assert_eq!(sent.headers["idempotency-key"], key);
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    for text in ["no mention".to_owned(), mention(&person("budi")), mention(&person("lars"))] {
        assert_eq!(put(&world, "sinta", &note, &json!({ "note": text })).await.status, 200);
        world.process_queues().await;
    }
    assert!(!deliver(&world, &notify_message(&id, &created.data()["id"], "budi", 0)).await);
    assert_eq!(notified(&world), [person("budi"), person("lars")]);
}

#[tokio::test]
async fn note_mention_oq9_a_private_note_sends_no_notification_until_it_is_public() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let text = mention(&person("budi"));
    let created =
        world.post("sinta", &path, &json!({ "note": text, "visibility": "private" })).await;
    world.process_queues().await;
    assert!(notified(&world).is_empty());
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    put(&world, "sinta", &note, &json!({ "note": text, "visibility": "public" })).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_oq9_a_note_that_was_private_for_a_moment_still_notifies_once() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let text = mention(&person("budi"));
    let created = world.post("sinta", &path, &json!({ "note": text })).await;
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    // The message is in the queue while the note is saved twice.
    for visibility in ["private", "public"] {
        let body = json!({ "note": text, "visibility": visibility });
        assert_eq!(put(&world, "sinta", &note, &body).await.status, 200);
    }
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_s03_a_recipient_who_cannot_see_the_contact_does_not_get_its_name() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Johan Setiawan").await);
    world.post("agus", &path, &json!({ "note": mention(&person("sinta")) })).await;
    world.process_queues().await;
    assert_eq!(world.notifications.list()[0].body["description"], "On a contact");
}

#[tokio::test]
async fn note_mention_s03_err1_a_failing_service_is_called_four_times_and_a_redriven_message_starts_over()
 {
    let world = World::with_flags().await;
    let id = contact(&world, "Citra Anggraini").await;
    let path = format!("/v1/contacts/{id}/notes");
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    let note = &created.data()["id"];
    world.fault(&json!({ "target": "notifications", "status": 503 }));
    for _ in 0..3 {
        assert!(
            deliver(&world, &notify_message(&id, note, "budi", 0)).await,
            "the message is delivered again"
        );
    }
    assert!(!deliver(&world, &notify_message(&id, note, "budi", 0)).await, "given up");
    world.faults.clear();
    assert!(!deliver(&world, &notify_message(&id, note, "budi", 0)).await);
    assert!(notified(&world).is_empty(), "a failed mention stays failed");
    for _ in 0..2 {
        assert!(!deliver(&world, &notify_message(&id, note, "budi", 1)).await);
    }
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_s04_timeout_a_note_is_saved_while_launchpad_is_down_and_its_mentions_are_verified_later()
 {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
    let raw = r#"<a href="../../../users/1002/edit_user">@B</a>"#;
    let text = format!("{raw} {} {}", mention(&person("lars")), mention(&person("tomas")));
    let created = world.post("sinta", &path, &json!({ "note": text })).await;
    assert_eq!((created.status, codes(&created)), (201, vec!["MENTIONS_PENDING"]));
    assert_eq!(created.data()["mentioned_user_ids"], json!([]));
    world.process_queues().await;
    assert!(notified(&world).is_empty());
    world.faults.clear();
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    let read = world.get("sinta", &note).await;
    assert_eq!(read.data()["mentioned_user_ids"], json!([person("budi"), person("lars")]));
    assert!(read.data()["note"].as_str().unwrap().ends_with(" @Someone"), "{}", read.body);
    let mut people = notified(&world);
    people.sort();
    let mut expected = [person("budi"), person("lars")];
    expected.sort();
    assert_eq!(people, expected);
}

#[tokio::test]
async fn note_mention_s04_timeout_a_mention_that_cannot_be_verified_for_a_day_becomes_text() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("lars")) })).await;
    world.process_queues().await;
    world.advance(SignedDuration::from_hours(25));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    assert_eq!(world.get("sinta", &note).await.data()["note"], "@Someone");
    assert!(notified(&world).is_empty());
}

#[tokio::test]
async fn note_mention_d8_a_message_that_was_not_sent_is_sent_by_the_clean_up() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.fault(&json!({ "target": "sqs", "status": 500 }));
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    assert_eq!(created.status, 201, "{}", created.body);
    world.faults.clear();
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_d4_a_message_delivered_many_times_at_once_notifies_once() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "sqs", "kind": "duplicate" }));
    let id = contact(&world, "Citra Anggraini").await;
    let path = format!("/v1/contacts/{id}/notes");
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    let message = notify_message(&id, &created.data()["id"], "budi", 0);
    futures::future::join_all((0..20).map(|_| deliver(&world, &message))).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
    assert_eq!(world.notifications.list()[0].duplicates, 0, "the service was called once");
}

#[tokio::test]
async fn note_mention_s03_err1_a_lost_response_of_the_service_causes_no_second_notification() {
    let world = World::with_flags().await;
    let id = contact(&world, "Citra Anggraini").await;
    let path = format!("/v1/contacts/{id}/notes");
    world.fault(&json!({ "target": "notifications", "kind": "commit_then_timeout", "times": 1 }));
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    world.process_queues().await;
    deliver(&world, &notify_message(&id, &created.data()["id"], "budi", 0)).await;
    assert_eq!(notified(&world), [person("budi")]);
}
