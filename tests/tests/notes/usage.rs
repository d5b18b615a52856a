//! The cost of saving a note (ARCHITECTURE, "Targets").

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::World;

use super::{
    scene::{Notes, colleague, numbered_uuid, upsert},
    write::{mention, put},
};

/// Adds ten people and returns the text of a note that mentions all of them.
fn ten_mentions(world: &World) -> String {
    upsert(world, (1..=10).map(|number| colleague(world, number)).collect());
    (1..=10).map(|number| mention(&numbered_uuid(number))).collect()
}

fn calls(world: &World) -> Value {
    let snapshot = world.usage.snapshot();
    let actions = snapshot["NoteWrite"]["actions"].as_object().unwrap();
    actions.iter().map(|(name, cost)| (name.clone(), cost["calls"].clone())).collect()
}

#[tokio::test]
async fn a_save_with_10_mentions_of_cached_people_takes_one_read_one_transaction_and_one_batch() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let note = ten_mentions(&world);
    notes.add(&world, "sinta", &note).await;

    world.usage.reset();
    let id = notes.add(&world, "sinta", &note).await;
    let one_each = json!({ "dynamodb.BatchGetItem": 1, "dynamodb.TransactWriteItems": 1,
        "sqs.SendMessageBatch": 1 });
    assert_eq!(calls(&world), one_each);

    let path = &notes.both(&notes.add(&world, "sinta", "no mention yet").await)[0];
    world.usage.reset();
    assert_eq!(put(&world, "sinta", path, &json!({ "note": note })).await.status, 200);
    assert_eq!(calls(&world), one_each, "an edit costs the same");

    // People who were already notified need no new message.
    world.usage.reset();
    let again = json!({ "note": format!("{note} again") });
    assert_eq!(put(&world, "sinta", &notes.both(&id)[0], &again).await.status, 200);
    let no_batch = json!({ "dynamodb.BatchGetItem": 1, "dynamodb.TransactWriteItems": 1 });
    assert_eq!(calls(&world), no_batch);
}

#[tokio::test]
async fn people_who_are_not_cached_are_looked_up_concurrently_and_the_save_waits_for_nothing_else()
{
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let ten = ten_mentions(&world);
    upsert(&world, vec![colleague(&world, 11)]);
    notes.add(&world, "sinta", "levels and teams are known").await;
    world.fault(&json!({ "target": "launchpad.users", "latency_ms": 400 }));
    world.fault(&json!({ "target": "notifications", "latency_ms": 60_000 }));
    let one = time_to_mention(&world, &notes, &mention(&numbered_uuid(11)), 1).await;
    let ten = time_to_mention(&world, &notes, &ten, 10).await;
    assert!(ten < one * 4, "one takes {one:?}, ten take {ten:?}");
}

async fn time_to_mention(world: &World, notes: &Notes, note: &str, people: usize) -> Duration {
    let started = Instant::now();
    let created = world.post("sinta", &notes.list, &json!({ "note": note })).await;
    assert_eq!(created.data()["mentioned_user_ids"].as_array().map(Vec::len), Some(people));
    started.elapsed()
}
