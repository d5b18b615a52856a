//! Tests of the warning about mentioned people who cannot open the contact.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;
use tests::{World, person};

use super::{
    scene::Notes,
    write::{codes, mention, put},
};

#[tokio::test]
async fn the_author_gets_a_warning_about_a_newly_mentioned_person_who_cannot_open_the_contact() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Johan Setiawan").await;
    let raw = r#"<a href="../../../users/1002/edit_user">@B</a>"#;
    for (text, who) in [(mention(&person("sinta")), Some("sinta")), (raw.to_owned(), None)] {
        // Nothing is cached. Launchpad answers all calls in the same time.
        world.advance(SignedDuration::from_secs(61));
        for call in ["users", "permissions", "teams"] {
            world.fault(&json!({ "target": format!("launchpad.{call}"), "latency_ms": 20 }));
        }
        let created = world.post("agus", &notes.list, &json!({ "note": text })).await;
        world.faults.clear();
        assert_eq!(created.status, 201, "{}", created.body);
        if let Some(who) = who {
            assert_eq!(codes(&created), ["MENTION_CANNOT_SEE_CONTACT"], "{}", created.body);
            assert_eq!(created.body["warnings"][0]["sso_id"], person(who));
            assert_eq!(created.data()["mentioned_user_ids"], json!([person(who)]));
            // The mention is not new in the next save, so there is no second warning.
            let path = &notes.both(created.data()["id"].as_str().unwrap())[0];
            let saved = put(&world, "agus", path, created.data()).await;
            assert_eq!((saved.status, codes(&saved)), (200, vec![]));
        }
    }
    // Sinta can open this contact.
    let mine = Notes::for_contact(&world, "Citra Anggraini").await;
    let seen = world.post("budi", &mine.list, &json!({ "note": mention(&person("sinta")) })).await;
    assert_eq!((seen.status, codes(&seen)), (201, vec![]));
}

#[tokio::test]
async fn a_save_does_not_wait_for_the_access_of_mentioned_people() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Johan Setiawan").await;
    notes.add(&world, "agus", "levels and teams of the author are known").await;
    for fault in [json!({ "latency_ms": 60_000 }), json!({ "status": 500 })] {
        for call in ["permissions", "teams"] {
            let mut fault = fault.clone();
            fault["target"] = json!(format!("launchpad.{call}"));
            world.fault(&fault);
        }
        let started = Instant::now();
        let body = json!({ "note": mention(&person("sinta")) });
        let created = world.post("agus", &notes.list, &body).await;
        assert_eq!((created.status, codes(&created)), (201, vec![]), "{}", created.body);
        assert_eq!(created.data()["mentioned_user_ids"], json!([person("sinta")]));
        assert!(started.elapsed() < Duration::from_millis(450), "{:?}", started.elapsed());
        world.faults.clear();
    }
}
