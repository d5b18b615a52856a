//! Tests in which the flag is turned off while notes have mentions, and on again (PRD
//! NOTE-MENTION-S06/NEG-2).

use jiff::SignedDuration;
use serde_json::json;
use tests::{Log, World, person};

use super::{
    scene::{Notes, notified},
    write::{codes, mention, put},
};

/// The title of the only notification. The title contains the name of the mention's author.
fn title(world: &World) -> String {
    let list = world.notifications.list();
    assert_eq!(list.len(), 1);
    list[0].body["title"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn note_mention_s06_neg2_a_note_made_public_with_the_flag_off_notifies_only_after_a_save_with_the_flag_on()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let text = mention(&person("budi"));
    let path = &notes.both(&notes.add_private(&world, "sinta", &text).await)[0];
    world.flags(true, false).await;
    let log = Log::capture();
    let public = json!({ "note": text, "visibility": "public" });
    let saved = put(&world, "sinta", path, &public).await;
    assert_eq!(saved.data()["mentioned_user_ids"], json!([person("budi")]), "the mention stays");
    world.process_queues().await;
    assert!(notified(&world).is_empty());
    assert!(log.events("cdp_note_mention_added").is_empty());
    world.flags(true, true).await;
    put(&world, "maya", path, &json!({ "note": format!("{text}, corrected") })).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
    assert_eq!(title(&world), "Sinta Maharani mentioned you in a note");
}

#[tokio::test]
async fn note_mention_s06_neg2_a_mention_that_is_queued_when_the_flag_goes_off_is_not_delivered() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let text = mention(&person("budi"));
    let path = &notes.both(&notes.add(&world, "sinta", &text).await)[0];
    for on in [false, true] {
        world.flags(true, on).await;
        world.process_queues().await;
        assert!(notified(&world).is_empty(), "the queued mention is dropped");
    }
    put(&world, "sinta", path, &json!({ "note": format!("{text} again") })).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_s06_neg2_a_pending_mention_is_verified_with_the_flag_off_and_delivered_after_a_save_with_the_flag_on()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
    let text = mention(&person("lars"));
    let path = &notes.both(&notes.add(&world, "sinta", &text).await)[0];
    world.flags(true, false).await;
    let log = Log::capture();
    let pending = world.get("sinta", path).await.data()["note"].as_str().unwrap().to_owned();
    let edited = put(&world, "sinta", path, &json!({ "note": format!("{pending} x") })).await;
    assert_eq!((edited.status, codes(&edited)), (200, vec![]));
    world.faults.clear();
    world.advance(SignedDuration::from_mins(3));
    world.clean_up(world.clock.now()).await;
    world.process_queues().await;
    let read = world.get("sinta", path).await;
    assert_eq!(read.data()["mentioned_user_ids"], json!([person("lars")]), "{}", read.body);
    assert!(notified(&world).is_empty());
    assert!(log.events("cdp_note_mention_added").is_empty());
    world.flags(true, true).await;
    put(&world, "maya", path, &json!({ "note": format!("{text}, corrected") })).await;
    world.process_queues().await;
    assert_eq!(title(&world), "Sinta Maharani mentioned you in a note");
}

#[tokio::test]
async fn note_mention_s03_err2_an_authors_mention_of_themselves_sends_no_notification_when_another_user_saves()
 {
    for on in [true, false] {
        let world = World::with_flags().await;
        let notes = Notes::for_contact(&world, "Citra Anggraini").await;
        let text = mention(&person("sinta"));
        let path = &notes.both(&notes.add(&world, "sinta", &text).await)[0];
        world.flags(true, on).await;
        let corrected = json!({ "note": format!("{text}, corrected") });
        assert_eq!(put(&world, "maya", path, &corrected).await.status, 200);
        world.process_queues().await;
        assert!(notified(&world).is_empty(), "{on}");
    }
}

#[tokio::test]
async fn note_mention_s04_timeout_a_pending_mention_is_delivered_in_its_authors_name_and_never_to_its_author()
 {
    for (who, expected) in
        [("lars", vec!["Maya Kusumawardani mentioned you in a note"]), ("maya", vec![])]
    {
        let world = World::with_flags().await;
        let notes = Notes::for_contact(&world, "Citra Anggraini").await;
        world.fault(&json!({ "target": "launchpad.users", "status": 503 }));
        let text = mention(&person(who));
        let path = &notes.both(&notes.add(&world, "sinta", &text).await)[0];
        // The author removes the mention before any notification, and another user adds it again.
        for (author, note) in [("sinta", "no mention"), ("maya", &*text)] {
            let saved = put(&world, author, path, &json!({ "note": note })).await;
            assert_eq!(saved.status, 200, "{}", saved.body);
        }
        world.faults.clear();
        world.advance(SignedDuration::from_mins(3));
        world.clean_up(world.clock.now()).await;
        world.process_queues().await;
        let sent = world.notifications.list();
        let titles: Vec<_> = sent.iter().map(|sent| sent.body["title"].clone()).collect();
        assert_eq!(titles, expected, "{who}");
    }
}
