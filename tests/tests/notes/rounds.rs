//! Tests of notifications that failed or were dropped, when the note is saved again.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::person;

use super::{
    mentions::{deliver, notify_message},
    resilience::Scene,
    scene::notified,
    write::{mention, put},
};

impl Scene {
    /// Tries the notification four times under this fault, and then removes the fault.
    async fn fail(&self, fault: &Value) {
        self.world.fault(fault);
        for is_redelivered in [true, true, true, false] {
            assert_eq!(deliver(&self.world, &self.message).await, is_redelivered);
        }
        self.world.faults.clear();
    }

    async fn save(&self, user: &str, note: &str) {
        let path = &self.notes.both(&self.note)[0];
        let saved = put(&self.world, user, path, &json!({ "note": note })).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
    }

    /// Saves the note with the mention and delivers the messages.
    async fn mention_again(&self, user: &str) {
        self.save(user, &format!("{} again", mention(&person("budi")))).await;
        self.world.process_queues().await;
    }

    fn notification_calls(&self) -> u64 {
        self.world.notifications.list().iter().map(|sent| 1 + sent.duplicates).sum()
    }
}

#[tokio::test]
async fn a_save_starts_a_new_round_for_a_refused_notification_in_the_first_authors_name_once_an_hour()
 {
    let scene = Scene::new().await;
    let down = json!({ "target": "notifications", "status": 503 });
    scene.fail(&down).await;
    // The service is still down in the round of the first save.
    scene.world.fault(&down);
    scene.save("maya", &format!("{} again", mention(&person("budi")))).await;
    let message = notify_message(&scene.notes.contact, &json!(scene.note), "budi", 1);
    for is_redelivered in [true, true, true, false] {
        assert_eq!(deliver(&scene.world, &message).await, is_redelivered);
    }
    scene.world.faults.clear();
    scene.world.advance(SignedDuration::from_mins(59));
    scene.mention_again("maya").await;
    assert!(notified(&scene.world).is_empty(), "at most one round an hour");
    scene.world.advance(SignedDuration::from_mins(1));
    scene.mention_again("maya").await;
    assert_eq!(notified(&scene.world), [person("budi")]);
    let title = scene.world.notifications.list()[0].body["title"].clone();
    assert!(title.as_str().unwrap().starts_with("Sinta"), "{title}");
    scene.world.advance(SignedDuration::from_hours(2));
    scene.mention_again("sinta").await;
    assert_eq!(scene.notification_calls(), 1, "a notification that was sent is never repeated");
}

#[tokio::test]
async fn a_save_by_the_mentioned_person_starts_no_new_round() {
    let scene = Scene::new().await;
    scene.fail(&json!({ "target": "notifications", "status": 429 })).await;
    scene.mention_again("budi").await;
    assert!(notified(&scene.world).is_empty());
    scene.mention_again("maya").await;
    assert_eq!(notified(&scene.world), [person("budi")]);
}

#[tokio::test]
async fn a_notification_with_an_unknown_outcome_is_repeated_only_by_an_operator() {
    let scene = Scene::new().await;
    // One attempt timed out; the others were refused.
    scene.world.fault(&json!({ "target": "notifications", "latency_ms": 60_000, "times": 1 }));
    assert!(deliver(&scene.world, &scene.message).await);
    scene.world.faults.clear();
    let calls = scene.notification_calls();
    scene.world.fault(&json!({ "target": "notifications", "status": 503 }));
    for is_redelivered in [true, true, false] {
        assert_eq!(deliver(&scene.world, &scene.message).await, is_redelivered);
    }
    scene.world.faults.clear();
    for user in ["sinta", "maya"] {
        scene.world.advance(SignedDuration::from_hours(2));
        scene.mention_again(user).await;
        // Not even a mention that was removed and added again starts a new round.
        scene.save("sinta", "removed").await;
        scene.mention_again(user).await;
    }
    assert_eq!(scene.notification_calls(), calls);
    let redriven = notify_message(&scene.notes.contact, &json!(scene.note), "budi", 1);
    assert!(!deliver(&scene.world, &redriven).await);
    assert_eq!(scene.notification_calls(), calls + 1);
    assert_eq!(notified(&scene.world), [person("budi")]);
}

#[tokio::test]
async fn a_notification_whose_workers_died_is_not_repeated_by_a_save() {
    let scene = Scene::new().await;
    for _ in 0..4 {
        scene.world.fault(&json!({ "target": "dynamodb", "kind": "kill",
            "function": "MentionNotify", "action": "TransactWriteItems", "times": 1,
            "when": "after" }));
        let event = super::mentions::delivery(&scene.message);
        assert!(scene.world.invoke_until_killed("MentionNotify", event).await.is_none());
        scene.world.advance(SignedDuration::from_secs(46));
    }
    assert!(!deliver(&scene.world, &scene.message).await);
    scene.world.advance(SignedDuration::from_hours(2));
    scene.mention_again("maya").await;
    assert!(notified(&scene.world).is_empty());
}

#[tokio::test]
async fn a_mention_that_was_removed_before_it_was_sent_is_dropped_and_new_when_it_is_added_again() {
    // The mention is added again after, or before, a worker has seen that it was removed.
    for is_seen in [true, false] {
        let scene = Scene::new().await;
        scene.save("sinta", "removed").await;
        if is_seen {
            scene.world.process_queues().await;
            assert!(notified(&scene.world).is_empty());
        }
        scene.mention_again("maya").await;
        assert!(!deliver(&scene.world, &scene.message).await);
        assert_eq!(notified(&scene.world), [person("budi")]);
        let sent = scene.world.notifications.list();
        let title = sent[0].body["title"].as_str().unwrap();
        assert!(title.starts_with("Maya"), "{title}");
        assert_eq!(sent[0].duplicates, 0);
    }
}
