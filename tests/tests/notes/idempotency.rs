//! Tests of the header `Idempotency-Key` of `POST …/notes` (SPEC §3, "On write").

use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, person};

use super::{
    scene::{Notes, delete, notified, set_levels},
    write::{codes, mention, put},
};

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    world.send("sinta", Method::POST, path, &headers, body.to_string().into()).await
}

#[tokio::test]
async fn a_repeated_post_with_an_idempotency_key_creates_one_note_and_notifies_once() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let both = format!("{} {}", mention(&person("budi")), mention(&person("tomas")));
    let body = json!({ "note": both });
    world.usage.reset();
    let first = post(&world, &notes.list, "k", &body).await;
    assert_eq!((first.status, codes(&first)), (201, vec!["INVALID_MENTION"]), "{}", first.body);
    let actions = &world.usage.snapshot()["NoteWrite"]["actions"];
    for action in ["dynamodb.BatchGetItem", "dynamodb.TransactWriteItems", "sqs.SendMessageBatch"] {
        assert_eq!(actions[action]["calls"], 1, "{action}");
    }
    let path = &notes.both(first.data()["id"].as_str().unwrap())[0];
    assert_eq!(put(&world, "sinta", path, &json!({ "note": "changed" })).await.status, 200);
    // Both forms of the route count as one, and the answer shows the note as it is now.
    for list in [&notes.list, &notes.deprecated] {
        let again = post(&world, list, "k", &body).await;
        assert_eq!((again.status, codes(&again)), (201, vec!["INVALID_MENTION"]), "{}", again.body);
        assert_eq!(again.data()["id"], first.data()["id"]);
        assert_eq!(again.data()["note"], "changed");
    }
    assert_eq!(world.get("sinta", &notes.list).await.ids().len(), 1);
    // A repetition is recognized before validation: Launchpad is not called.
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    assert_eq!(codes(&post(&world, &notes.list, "k", &body).await), ["INVALID_MENTION"]);
    world.faults.clear();
    let other = Notes::for_contact(&world, "Johan Setiawan").await;
    for (list, body) in [(&notes.list, json!({ "note": "other" })), (&other.list, body.clone())] {
        let reused = post(&world, list, "k", &body).await;
        assert!(matches!(reused.status, 403 | 422), "{}", reused.body);
    }
    let reused = post(&world, &notes.list, "k", &json!({ "note": "" })).await;
    assert_eq!((reused.status, reused.error()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let malformed = post(&world, &notes.list, &"k".repeat(256), &body).await;
    assert_eq!((malformed.status, malformed.error()), (400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn a_repeated_post_is_answered_under_the_present_scope() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": "x" });
    let first = post(&world, &notes.list, "k", &body).await;
    set_levels(&world, "sinta", &[("customers_customernotes_add", "disabled")]);
    assert_eq!(post(&world, &notes.list, "k", &body).await.status, 403);
    set_levels(&world, "sinta", &[("customers_customernotes_add", "team")]);
    assert_eq!(post(&world, &notes.list, "k", &body).await.status, 201);
    let path = &notes.both(first.data()["id"].as_str().unwrap())[0];
    assert_eq!(delete(&world, "sinta", path).await.status, 200);
    let gone = post(&world, &notes.list, "k", &body).await;
    assert_eq!((gone.status, gone.error()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_post_that_answered_503_after_its_commit_can_be_repeated() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": mention(&person("budi")) });
    // The transaction is committed, but every answer is lost.
    world.fault(&json!({ "target": "dynamodb", "kind": "commit_then_timeout",
        "function": "NoteWrite", "action": "TransactWriteItems" }));
    let lost = post(&world, &notes.list, "k", &body).await;
    world.faults.clear();
    let repeated = post(&world, &notes.list, "k", &body).await;
    assert_eq!(repeated.status, 201, "{} after {}", repeated.body, lost.status);
    assert_eq!(world.get("sinta", &notes.list).await.ids(), [repeated.data()["id"].clone()]);
    world.advance(jiff::SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn two_concurrent_posts_with_one_idempotency_key_create_one_note() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": mention(&person("budi")) });
    let saves = tokio::join!(
        post(&world, &notes.list, "k", &body),
        post(&world, &notes.deprecated, "k", &body)
    );
    assert_eq!((saves.0.status, saves.1.status), (201, 201), "{}", saves.1.body);
    assert_eq!(saves.0.data()["id"], saves.1.data()["id"]);
    assert_eq!(world.get("sinta", &notes.list).await.ids().len(), 1);
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}
