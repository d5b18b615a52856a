//! Tests of mentions with crashes, duplicate messages, race conditions and failing upstream
//! services. Each mention is delivered at most once, and exactly once if the service works again.
//! The note never changes.

use futures::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World, person};

use super::{
    mentions::{deliver, delivery, notify_message},
    scene::{Notes, notified},
    write::{codes, mention, put},
};

/// A note that mentions Budi. The message about the mention has not been delivered yet.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) notes: Notes,
    pub(super) note: String,
    pub(super) message: Value,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let world = World::with_flags().await;
        let notes = Notes::for_contact(&world, "Citra Anggraini").await;
        let note = notes.add(&world, "sinta", &mention(&person("budi"))).await;
        let message = notify_message(&notes.contact, &json!(note), "budi", 0);
        world.usage.reset();
        Self { world, notes, note, message }
    }

    /// Delivers the message and returns whether the queue will deliver it again.
    async fn deliver(&self) -> bool {
        deliver(&self.world, &self.message).await
    }

    /// Delivers the message to a worker that is killed before or after a DynamoDB call, as `when`
    /// says. The first `skip` calls of the action do not kill it.
    async fn deliver_until_killed(&self, action: &str, skip: u32, when: &str) {
        self.world
            .fault(&json!({ "target": "dynamodb", "kind": "kill", "function": "MentionNotify",
            "action": action, "skip": skip, "times": 1, "when": when }));
        let response =
            self.world.invoke_until_killed("MentionNotify", delivery(&self.message)).await;
        assert!(response.is_none(), "the worker was not killed: {response:?}");
    }

    /// Moves the clock past the end of the lease that the dead worker held.
    fn end_lease(&self) {
        self.world.advance(SignedDuration::from_secs(46));
    }

    /// Asserts that Budi was notified once, that the service received `duplicates` repeated calls,
    /// and that the note is unchanged.
    async fn assert_notified_once(&self, duplicates: u64) {
        assert_eq!(notified(&self.world), [person("budi")]);
        assert_eq!(self.world.notifications.list()[0].duplicates, duplicates);
        self.assert_note_unchanged().await;
    }

    async fn assert_note_unchanged(&self) {
        let read = self.world.get("sinta", &self.notes.both(&self.note)[0]).await;
        assert_eq!(read.data()["mentioned_user_ids"], json!([person("budi")]), "{}", read.body);
    }

    fn calls(&self, action: &str) -> u64 {
        let snapshot = self.world.usage.snapshot();
        snapshot["MentionNotify"]["actions"][action]["calls"].as_u64().unwrap_or(0)
    }
}

#[tokio::test]
async fn note_mention_d4_a_message_delivered_50_times_concurrently_and_out_of_order_notifies_once()
{
    let scene = Scene::new().await;
    let other = scene.notes.add(&scene.world, "sinta", &mention(&person("lars"))).await;
    let other = notify_message(&scene.notes.contact, &json!(other), "lars", 0);
    // The messages of both notes are delivered in turn, and they are delivered again after the
    // first deliveries are done.
    let all = (0..50).flat_map(|_| [&other, &scene.message]);
    join_all(all.map(|message| deliver(&scene.world, message))).await;
    for message in [&scene.message, &other, &scene.message] {
        assert!(!deliver(&scene.world, message).await);
    }
    scene.world.process_queues().await;
    let mut people = notified(&scene.world);
    people.sort();
    let mut expected = [person("budi"), person("lars")];
    expected.sort();
    assert_eq!(people, expected);
    assert!(scene.world.notifications.list().iter().all(|sent| sent.duplicates == 0));
}

#[tokio::test]
async fn a_worker_that_dies_before_it_takes_the_lease_is_replaced_at_once() {
    let scene = Scene::new().await;
    scene.deliver_until_killed("BatchGetItem", 0, "before").await;
    assert!(!scene.deliver().await);
    scene.assert_notified_once(0).await;
}

#[tokio::test]
async fn a_worker_that_dies_between_the_lease_and_the_call_is_replaced_after_the_lease_ends() {
    let scene = Scene::new().await;
    scene.deliver_until_killed("TransactWriteItems", 0, "after").await;
    assert!(scene.deliver().await, "another worker holds the lease");
    assert!(notified(&scene.world).is_empty());
    scene.end_lease();
    assert!(!scene.deliver().await);
    scene.assert_notified_once(0).await;
}

#[tokio::test]
async fn a_worker_that_dies_between_the_call_and_the_ledger_update_causes_no_second_notification() {
    let scene = Scene::new().await;
    scene.deliver_until_killed("TransactWriteItems", 1, "before").await;
    assert_eq!(notified(&scene.world), [person("budi")]);
    assert!(scene.deliver().await, "another worker holds the lease");
    scene.end_lease();
    assert!(!scene.deliver().await);
    // The repeated call has the same `Idempotency-Key`, so the service sends no second
    // notification.
    scene.assert_notified_once(1).await;
}

#[tokio::test]
async fn a_worker_that_dies_after_the_ledger_update_leaves_nothing_to_do() {
    let scene = Scene::new().await;
    scene.deliver_until_killed("TransactWriteItems", 1, "after").await;
    assert!(!scene.deliver().await);
    scene.assert_notified_once(0).await;
}

#[tokio::test]
async fn a_mention_is_given_up_after_four_workers_died() {
    let scene = Scene::new().await;
    for _ in 0..4 {
        scene.deliver_until_killed("TransactWriteItems", 0, "after").await;
        scene.end_lease();
    }
    assert!(!scene.deliver().await);
    assert_eq!(scene.calls("sqs.SendMessage"), 1, "one dead letter");
    assert!(notified(&scene.world).is_empty());
    scene.assert_note_unchanged().await;
}

#[tokio::test]
async fn note_mention_s03_err1_a_notification_is_sent_on_the_fourth_try_after_three_failures() {
    for fault in [
        json!({ "target": "notifications", "status": 503, "times": 3 }),
        json!({ "target": "notifications", "status": 500, "times": 3 }),
        json!({ "target": "notifications", "latency_ms": 60_000, "times": 3 }),
    ] {
        let scene = Scene::new().await;
        scene.world.fault(&fault);
        for _ in 0..3 {
            assert!(scene.deliver().await, "the message is delivered again");
            scene.assert_note_unchanged().await;
        }
        assert!(!scene.deliver().await);
        // A slow service may have accepted calls that timed out. It sends only one notification
        // nevertheless.
        assert_eq!(notified(&scene.world), [person("budi")]);
        assert_eq!(scene.calls("sqs.SendMessage"), 0, "no dead letter");
    }
}

#[tokio::test]
async fn note_mention_s03_err1_a_service_that_always_fails_leaves_a_dead_letter_and_an_event() {
    let scene = Scene::new().await;
    let log = Log::capture();
    scene.world.fault(&json!({ "target": "notifications", "status": 500 }));
    for is_redelivered in [true, true, true, false, false, false] {
        assert_eq!(scene.deliver().await, is_redelivered);
    }
    assert_eq!(scene.calls("sqs.SendMessage"), 1, "one dead letter");
    let groups = scene.world.message_groups("MentionDeadLetters").await;
    assert_eq!(groups, [local::demo_company::id("company", "kopi")]);
    let failed = log.events("cdp_note_mention_notify_failed");
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["note_id"], &failed[0]["retry_count"]), (&json!(scene.note), &json!(3)));
    assert_eq!(failed[0]["recipient_sso_id"], person("budi"));
    assert!(failed[0]["reason"].as_str().unwrap().contains("500"));
    scene.assert_note_unchanged().await;
}

#[tokio::test]
async fn note_mention_s03_err1_a_throttled_notification_waits_for_the_time_in_retry_after() {
    let scene = Scene::new().await;
    let throttled = json!({ "target": "notifications", "status": 429, "retry_after": 40,
        "times": 1 });
    scene.world.fault(&throttled);
    // The function sets the visibility time-out of the message, so the queue delays it.
    scene.world.process_queues().await;
    assert!(notified(&scene.world).is_empty());
    assert_eq!(scene.calls("sqs.ChangeMessageVisibility"), 1);
    assert_eq!(scene.world.process_queues().await, 0, "the message is not visible yet");
    assert!(!scene.deliver().await);
    scene.assert_notified_once(0).await;
}

#[tokio::test]
async fn note_mention_s03_err1_a_redriven_message_waits_for_launchpad_as_long_as_a_new_one() {
    let scene = Scene::new().await;
    let log = Log::capture();
    let (world, contact) = (&scene.world, &scene.notes.contact);
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    world.advance(SignedDuration::from_hours(25));
    assert!(!scene.deliver().await, "the mention is given up a day after the save");
    world.process_queues().await;
    let redriven = notify_message(contact, &json!(scene.note), "budi", 1);
    assert!(!deliver(world, &redriven).await, "the message is postponed");
    assert_eq!(scene.calls("sqs.SendMessage"), 1, "one dead letter");
    assert_eq!(log.events("cdp_note_mention_notify_failed").len(), 1);
    world.faults.clear();
    world.advance(SignedDuration::from_mins(2));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    scene.assert_notified_once(0).await;
}

#[tokio::test]
async fn a_permanent_rejection_by_the_notification_service_fails_without_a_retry() {
    for status in [400, 401, 404, 422] {
        let scene = Scene::new().await;
        scene.world.fault(&json!({ "target": "notifications", "status": status }));
        assert!(!scene.deliver().await, "{status}");
        assert_eq!(scene.calls("sqs.SendMessage"), 1, "{status}");
        scene.world.faults.clear();
        assert!(!scene.deliver().await);
        assert!(notified(&scene.world).is_empty());
        scene.assert_note_unchanged().await;
    }
}

#[tokio::test]
async fn note_mention_s04_concurrency_two_saves_of_one_note_notify_the_people_of_the_last_one() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let note = notes.add(&world, "sinta", "first").await;
    let path = &notes.both(&note)[0];
    let same = mention(&person("putri"));
    let (one, two) = (
        json!({ "note": format!("{} {same}", mention(&person("lars"))) }),
        json!({ "note": format!("{} {same}", mention(&person("hendra"))) }),
    );
    world.fault(&json!({ "target": "dynamodb", "kind": "conflict", "times": 2 }));
    let saves = tokio::join!(put(&world, "sinta", path, &one), put(&world, "maya", path, &two));
    assert_eq!((saves.0.status, saves.1.status), (200, 200));
    let read = world.get("sinta", path).await;
    let kept = &read.data()["mentioned_user_ids"];
    let either = [["lars", "putri"], ["hendra", "putri"]].map(|who| json!(who.map(person)));
    assert!(either.contains(kept), "the mentions of the last save: {kept}");
    world.process_queues().await;
    let mut people = notified(&world);
    people.sort();
    let mut expected: Vec<String> = serde_json::from_value(kept.clone()).unwrap();
    expected.sort();
    assert_eq!(people, expected, "the mention that the last save removed is not delivered");
}

#[tokio::test]
async fn note_mention_s01_s02_s03_concurrency_web_and_mobile_can_create_notes_on_a_contact_concurrently()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let mobile = format!(r#"<a href="../../../users/{}/edit_user">@x</a>"#, person("budi"));
    let bodies = [json!({ "note": mention(&person("budi")) }), json!({ "note": mobile })];
    let saves = (0..10).map(|n| {
        let (who, path) =
            if n % 2 == 0 { ("sinta", &notes.list) } else { ("maya", &notes.deprecated) };
        world.post(who, path, &bodies[n % 2])
    });
    for save in join_all(saves).await {
        assert_eq!((save.status, codes(&save)), (201, vec![]), "{}", save.body);
        assert_eq!(save.data()["mentioned_user_ids"], json!([person("budi")]));
    }
    world.process_queues().await;
    // Each note causes one notification.
    assert_eq!(notified(&world), vec![person("budi"); 10]);
    let keys = world.notifications.list();
    let mut keys: Vec<_> = keys.iter().map(|sent| &sent.headers["idempotency-key"]).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 10);
}

/// Saves a note that mentions three people while the writer has a fault. The fault may kill the
/// writer.
async fn save_with_fault(fault: &Value) -> (World, Notes) {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    world.fault(fault);
    let three = ["budi", "lars", "putri"].map(|who| mention(&person(who))).concat();
    let body = json!({ "note": three }).to_string().into();
    let headers = [("content-type", "application/json")];
    let (function, event) = world.event("sinta", Method::POST, &notes.list, &headers, &body);
    if let Some(response) = world.invoke_until_killed(&function, event).await {
        assert_eq!(response["statusCode"], 201, "{response}");
    }
    world.faults.clear();
    (world, notes)
}

async fn assert_all_three_are_notified_after_one_clean_up(world: &World, notes: &Notes) {
    assert_eq!(world.get("sinta", &notes.list).await.ids().len(), 1);
    world.process_queues().await;
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    let mut people = notified(world);
    people.sort();
    let mut expected = ["budi", "lars", "putri"].map(person);
    expected.sort();
    assert_eq!(people, expected);
    assert!(world.notifications.list().iter().all(|sent| sent.duplicates == 0));
}

#[tokio::test]
async fn note_mention_d8_a_crash_between_commit_and_send_is_repaired_by_the_next_clean_up() {
    for (target, action, when) in [
        ("dynamodb", "TransactWriteItems", "after"),
        ("sqs", "SendMessageBatch", "before"),
        ("sqs", "SendMessageBatch", "after"),
    ] {
        let (world, notes) = save_with_fault(&json!({ "target": target, "kind": "kill",
            "function": "NoteWrite", "action": action, "when": when, "times": 1 }))
        .await;
        assert_all_three_are_notified_after_one_clean_up(&world, &notes).await;
    }
}

#[tokio::test]
async fn note_mention_d8_messages_that_the_queue_loses_duplicates_or_rejects_are_delivered_once() {
    for kind in ["batch_partial", "duplicate", "throttle", "commit_then_timeout"] {
        let (world, notes) = save_with_fault(&json!({ "target": "sqs", "kind": kind,
            "function": "NoteWrite" }))
        .await;
        assert_all_three_are_notified_after_one_clean_up(&world, &notes).await;
    }
}

#[tokio::test]
async fn a_lost_response_or_a_conflict_of_the_table_creates_one_note_and_notifies_once() {
    for kind in ["commit_then_timeout", "conflict"] {
        let (world, notes) = save_with_fault(&json!({ "target": "dynamodb", "kind": kind,
            "function": "NoteWrite", "action": "TransactWriteItems", "times": 1 }))
        .await;
        assert_all_three_are_notified_after_one_clean_up(&world, &notes).await;
    }
}

#[tokio::test]
async fn a_crash_before_the_commit_leaves_nothing_behind() {
    let (world, notes) = save_with_fault(&json!({ "target": "dynamodb", "kind": "kill",
        "function": "NoteWrite", "action": "TransactWriteItems", "when": "before", "times": 1 }))
    .await;
    assert!(world.get("sinta", &notes.list).await.ids().is_empty());
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    assert!(notified(&world).is_empty());
}

#[tokio::test]
async fn note_mention_s04_timeout_a_slow_launchpad_loses_neither_the_note_nor_the_mention() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let log = Log::capture();
    world.fault(&json!({ "target": "launchpad.users", "latency_ms": 60_000 }));
    let both = format!("{} {}", mention(&person("budi")), mention(&person("tomas")));
    let created = world.post("sinta", &notes.list, &json!({ "note": both })).await;
    assert_eq!((created.status, codes(&created)), (201, vec!["MENTIONS_PENDING"]));
    assert!(log.events("cdp_note_mention_added").is_empty(), "no mention is verified yet");
    // Launchpad is still slow when the worker calls it, so the worker tries again later.
    world.process_queues().await;
    world.faults.clear();
    for _ in 0..2 {
        world.advance(SignedDuration::from_mins(3));
        world.clean_up(world.clock.now()).await;
        world.process_queues().await;
    }
    assert_eq!(notified(&world), [person("budi")]);
    let read = world.get("sinta", &notes.both(created.data()["id"].as_str().unwrap())[0]).await;
    assert!(read.data()["note"].as_str().unwrap().ends_with(" @Someone"), "{}", read.body);
    let added = log.events("cdp_note_mention_added");
    assert_eq!(added.len(), 1);
    assert_eq!((&added[0]["event"], &added[0]["new_mention_count"]), (&json!("create"), &json!(1)));
    assert_eq!(added[0]["author_sso_id"], person("sinta"));
    let invalid = log.events("cdp_note_mention_invalid");
    assert_eq!((invalid.len(), &invalid[0]["action"]), (1, &json!("dropped")));
}

#[tokio::test]
async fn a_mention_that_is_added_again_while_it_is_sent_is_neither_dropped_nor_sent_twice() {
    let scene = Scene::new().await;
    let [path, _] = scene.notes.both(&scene.note);
    // The worker has marked the entry as being sent, and dies before the call.
    scene.deliver_until_killed("TransactWriteItems", 0, "after").await;
    for note in ["<p>Later.</p>".to_owned(), mention(&person("budi"))] {
        let body = json!({ "note": note });
        assert_eq!(put(&scene.world, "sinta", &path, &body).await.status, 200);
    }
    scene.end_lease();
    assert!(!scene.deliver().await);
    scene.assert_notified_once(0).await;
}
