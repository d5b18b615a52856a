//! Tests of mentions that a save keeps: people who left, pending mentions, and names.

use jiff::SignedDuration;
use local::upstreams::{Person, Status};
use serde_json::{Value, json};
use tests::{World, person};

use super::{
    scene::{Notes, colleague, notified, numbered_uuid, upsert},
    write::{codes, mention, put},
};

fn leave(world: &World, handle: &str) {
    let person = Person { status: Status::Inactive, ..world.directory.find(handle).unwrap() };
    upsert(world, vec![person]);
    world.advance(SignedDuration::from_secs(61));
}

/// The body that a client sends to change the note that it has read.
fn edited(note: &Value) -> Value {
    json!({ "note": format!("{} edited", note["note"].as_str().unwrap()) })
}

#[tokio::test]
async fn a_mention_of_a_person_who_left_stays_with_the_stored_name() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": mention(&person("lars")) });
    let created = world.post("sinta", &notes.list, &body).await;
    world.process_queues().await;
    leave(&world, "lars");
    let path = &notes.both(created.data()["id"].as_str().unwrap())[0];
    let saved = put(&world, "maya", path, &edited(created.data())).await;
    assert_eq!((saved.status, codes(&saved)), (200, vec![]), "{}", saved.body);
    assert_eq!(saved.data()["mentioned_user_ids"], json!([person("lars")]));
    assert!(saved.data()["note"].as_str().unwrap().contains("@Lars Lindqvist</a>"));
    // The same anchor in another note is a new mention.
    let copied = world.post("sinta", &notes.list, &json!({ "note": saved.data()["note"] })).await;
    assert_eq!(codes(&copied), ["INVALID_MENTION"]);
    // A mention that was removed is new when it is added again.
    put(&world, "sinta", path, &json!({ "note": "removed" })).await;
    let again = put(&world, "sinta", path, &body).await;
    assert_eq!(codes(&again), ["INVALID_MENTION"]);
    world.process_queues().await;
    assert_eq!(notified(&world), [person("lars")]);
}

#[tokio::test]
async fn a_note_made_public_notifies_only_people_who_are_still_active() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let both = format!("{} {}", mention(&person("lars")), mention(&person("budi")));
    let id = notes.add_private(&world, "sinta", &both).await;
    leave(&world, "lars");
    let path = &notes.both(&id)[0];
    let read = world.get("sinta", path).await;
    let mut public = edited(read.data());
    public["visibility"] = json!("public");
    // Launchpad is down when the worker validates the people, so it tries again later.
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let saved = put(&world, "sinta", path, &public).await;
    assert_eq!(saved.data()["mentioned_user_ids"], json!([person("lars"), person("budi")]));
    world.process_queues().await;
    assert!(notified(&world).is_empty());
    world.faults.clear();
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
    // Later saves do not change that.
    put(&world, "maya", path, &edited(saved.data())).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn a_pending_mention_that_another_user_keeps_is_delivered_in_its_authors_name() {
    let raw = r#"<a href="../../../users/1002/edit_user">@B</a>"#.to_owned();
    for (text, next) in [
        (raw.clone(), "maya"),
        (mention(&person("budi")), "maya"),
        // The next save is by the mentioned person.
        (raw, "budi"),
        (mention(&person("budi")), "budi"),
    ] {
        let world = World::with_flags().await;
        let notes = Notes::for_contact(&world, "Citra Anggraini").await;
        world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
        let created = world.post("sinta", &notes.list, &json!({ "note": text })).await;
        assert_eq!(codes(&created), ["MENTIONS_PENDING"]);
        let path = &notes.both(created.data()["id"].as_str().unwrap())[0];
        // Another user saves the note, first while Launchpad is down, then when it works again.
        let kept = put(&world, "maya", path, &edited(created.data())).await;
        assert_eq!(codes(&kept), ["MENTIONS_PENDING"], "{}", kept.body);
        world.faults.clear();
        world.advance(SignedDuration::from_secs(4));
        let saved = put(&world, next, path, &edited(kept.data())).await;
        assert_eq!(saved.data()["mentioned_user_ids"], json!([person("budi")]), "{}", saved.body);
        world.process_queues().await;
        assert_eq!(notified(&world), [person("budi")], "{text} {next}");
        let title = world.notifications.list()[0].body["title"].clone();
        assert!(title.as_str().unwrap().starts_with("Sinta"), "{title}");
    }
}

#[tokio::test]
async fn bidirectional_control_characters_do_not_enter_anchors_and_notifications() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let mut odd = colleague(&world, 1);
    odd.full_name = Some("Ana\u{202e}\u{2067}nA\u{200f}".to_owned());
    let mut only_controls = colleague(&world, 2);
    only_controls.full_name = Some("\u{202e} ".to_owned());
    let author = Person {
        full_name: Some("Sin\u{202e}ta".to_owned()),
        ..world.directory.find("sinta").unwrap()
    };
    upsert(&world, vec![odd, only_controls, author]);
    let both = format!("{} {}", mention(&numbered_uuid(1)), mention(&numbered_uuid(2)));
    let created = world.post("sinta", &notes.list, &json!({ "note": both })).await;
    let html = created.data()["note"].as_str().unwrap();
    assert!(html.contains(">@AnanA</a>"), "{html}");
    assert!(html.contains(">@colleague002@kopi.example</a>"), "{html}");
    world.process_queues().await;
    let sent = world.notifications.list();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|sent| !sent.body["title"].as_str().unwrap().contains('\u{202e}')));
}
