use http::Method;
use serde_json::json;
use shared::{
    id::CompanyId,
    note::{LedgerEntry, MentionState},
    table::{Key, from_item},
};
use tests::{World, person};

use super::{
    scene::{Notes, assert_refused, delete, notified},
    write::{mention, put},
};

/// The ledger entry of a person and a note, read from the table; `None` if there is no entry.
async fn entry(world: &World, notes: &Notes, note: &str, who: &str) -> Option<LedgerEntry> {
    let company: CompanyId = local::demo_company::id("company", "kopi").parse().unwrap();
    let (contact, note) = (notes.contact.parse().unwrap(), note.parse().unwrap());
    let key = Key::mention(&company, contact, note, &person(who));
    let mut items = world.table().await.batch_get(std::slice::from_ref(&key), true).await.unwrap();
    items.remove(&key).map(|item| from_item(item).unwrap())
}

#[tokio::test]
async fn a_deleted_note_is_404_for_every_method_and_is_not_listed() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    for group in 0..2 {
        let id = notes.add(&world, "sinta", "to be deleted").await;
        let path = &notes.both(&id)[group];
        let gone = delete(&world, "sinta", path).await;
        assert_eq!((gone.status, &gone.body), (200, &json!({ "data": {} })));
        let after = [
            world.get("sinta", path).await,
            put(&world, "sinta", path, &json!({ "note": "again" })).await,
            delete(&world, "sinta", path).await,
        ];
        for response in after {
            assert_eq!((response.status, response.error()), (404, "NOT_FOUND"));
        }
    }
    assert!(world.get("sinta", &notes.list).await.ids().is_empty());
}

#[tokio::test]
async fn a_note_that_does_not_belong_to_the_contact_and_company_is_404() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let other = Notes::for_contact(&world, "Dimas Wicaksono").await;
    let id = notes.add(&world, "sinta", "stays").await;
    let unknown = "019b8be1-f9e8-7c11-9f00-6f4c1d2a7b31";
    for path in [&other.both(&id)[0], &notes.both(unknown)[0], &notes.both("no-id")[0]] {
        assert_eq!(delete(&world, "sinta", path).await.status, 404, "{path}");
    }
    assert_eq!(delete(&world, "claire", &notes.both(&id)[0]).await.status, 404);
    assert_eq!(world.get("sinta", &notes.both(&id)[0]).await.status, 200);
}

#[tokio::test]
async fn a_private_note_can_be_deleted_only_by_its_author() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    for team_flag in [true, false] {
        world.flags(team_flag, true).await;
        let id = notes.add_private(&world, "sinta", "mine").await;
        for path in notes.both(&id) {
            for other in ["maya", "budi"] {
                let denied = delete(&world, other, &path).await;
                assert_refused(&denied, 403, "FORBIDDEN", "the note is private");
            }
        }
        assert_eq!(delete(&world, "sinta", &notes.both(&id)[0]).await.status, 200);
    }
}

#[tokio::test]
async fn the_ledger_outlives_a_deleted_note_and_the_worker_drops_pending_notifications() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", &mention(&person("budi"))).await;
    assert_eq!(delete(&world, "sinta", &notes.both(&id)[0]).await.status, 200);
    let pending = entry(&world, &notes, &id, "budi").await.unwrap();
    assert_eq!(pending.state, MentionState::Pending);
    world.process_queues().await;
    let dropped = entry(&world, &notes, &id, "budi").await.unwrap();
    assert_eq!(dropped.state, MentionState::Dropped);
    assert!(notified(&world).is_empty());
}

#[tokio::test]
async fn deleting_a_note_does_not_recall_a_sent_notification() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", &mention(&person("budi"))).await;
    world.process_queues().await;
    assert_eq!(delete(&world, "sinta", &notes.both(&id)[0]).await.status, 200);
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
    let sent = entry(&world, &notes, &id, "budi").await.unwrap();
    assert_eq!(sent.state, MentionState::Sent);
}

#[tokio::test]
async fn a_deletion_that_competes_with_edits_of_the_same_note_succeeds() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", "version 1").await;
    let path = &notes.both(&id)[0];
    let edits = (0..3).map(|n| {
        let body = json!({ "note": format!("edit {n}") });
        async { put(&world, "budi", path, &{ body }).await }
    });
    let (deleted, edited) =
        tokio::join!(delete(&world, "sinta", path), futures::future::join_all(edits));
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    for edit in edited {
        assert!([200, 404].contains(&edit.status), "{}", edit.body);
    }
    assert_eq!(world.get("sinta", path).await.status, 404);
}

#[tokio::test]
async fn a_deletion_succeeds_after_a_conflict_or_a_lost_response() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    for kind in ["conflict", "commit_then_timeout"] {
        let id = notes.add(&world, "sinta", "x").await;
        world.fault(&json!({ "target": "dynamodb", "kind": kind, "function": "NoteDelete",
            "action": "TransactWriteItems", "times": 1 }));
        let path = &notes.both(&id)[0];
        assert_eq!(delete(&world, "sinta", path).await.status, 200, "{kind}");
        assert_eq!(world.get("sinta", path).await.status, 404);
    }
}

#[tokio::test]
async fn a_disabled_viewer_cannot_delete_a_note_or_find_out_whether_it_exists() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", "x").await;
    for note in [id.as_str(), "019b8be1-f9e8-7c11-9f00-6f4c1d2a7b31"] {
        let denied = world.call("yuki", Method::DELETE, &notes.both(note)[0], None).await;
        assert_refused(&denied, 403, "FORBIDDEN", "permission disabled");
    }
}
