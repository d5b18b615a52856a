//! Tests of the log lines about mentioned people whom Launchpad could not return.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World, person};

use super::{
    scene::notified,
    write::{codes, contact, mention, put},
};

/// The log lines whose message starts with this text.
fn lines(log: &Log, message: &str) -> Vec<Value> {
    let text = log.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"].as_str().unwrap_or_default().starts_with(message)).collect()
}

/// The message and the `remembered` field of each log line about a failed look-up. Asserts that all
/// of these lines are warnings with the same cause.
fn failed_look_ups(log: &Log) -> Vec<(String, bool)> {
    let lines = lines(log, "could not look up mentioned people; ");
    let result = lines.iter().map(|line| {
        assert_eq!(line["level"], "WARN", "{line}");
        assert_eq!(line["error"], "the Launchpad call `users` failed: HTTP status 500", "{line}");
        (line["message"].as_str().unwrap().to_owned(), line["remembered"].as_bool().unwrap())
    });
    result.collect()
}

#[tokio::test]
async fn a_save_logs_once_why_people_could_not_be_looked_up() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let text = format!("{} {}", mention(&person("lars")), mention(&person("tomas")));
    let log = Log::capture();
    let created = world.post("sinta", &path, &json!({ "note": text })).await;
    assert_eq!(codes(&created), ["MENTIONS_PENDING"], "{}", created.body);
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    assert_eq!(put(&world, "sinta", &note, &json!({ "note": text })).await.status, 200);
    let message = "could not look up mentioned people; known people keep their stored names, and \
        other mentions stay pending";
    // The second save is within 3 seconds, so it gets the remembered failure of the first save.
    let expected = [(message.to_owned(), false), (message.to_owned(), true)];
    assert_eq!(failed_look_ups(&log), expected);
}

#[tokio::test]
async fn a_verification_logs_why_the_mentions_stay_pending_or_become_text() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    world.post("sinta", &path, &json!({ "note": mention(&person("lars")) })).await;
    for (wait, fallback) in [
        (SignedDuration::from_secs(4), "the mentions stay pending"),
        (
            SignedDuration::from_hours(25),
            "the mentions become plain text, because retries have ended",
        ),
    ] {
        world.advance(wait);
        let log = Log::capture();
        world.clean_up(world.clock.now()).await;
        world.process_queues().await;
        let expected = format!("could not look up mentioned people; {fallback}");
        assert_eq!(failed_look_ups(&log), [(expected, false)]);
    }
}

#[tokio::test]
async fn a_notification_that_does_not_name_the_contact_logs_why() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    world.fault(&json!({ "target": "launchpad.permissions", "status": 500 }));
    let log = Log::capture();
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
    assert_eq!(world.notifications.list()[0].body["description"], "On a contact");
    let lines = lines(&log, "could not check whether the recipient may see the contact");
    let errors: Vec<_> = lines.iter().map(|line| &line["error"]).collect();
    assert_eq!(errors, ["the Launchpad call `permissions` failed: HTTP status 500"]);
}
