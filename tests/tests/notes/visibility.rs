//! Tests of who may change who can see a note, and of the form of answers and attachments.

use serde_json::json;
use tests::{World, person};

use super::{
    scene::{Notes, assert_refused},
    write::{mention, put},
};

#[tokio::test]
async fn only_the_owner_of_a_note_can_change_its_visibility() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", "public").await;
    for path in notes.both(&id) {
        let private = json!({ "note": "x", "visibility": "private" });
        let hidden = put(&world, "maya", &path, &private).await;
        let message = "only the note's owner can change its visibility";
        assert_refused(&hidden, 403, "FORBIDDEN", message);
        // Clients send back what they have read.
        let public = json!({ "note": "x", "visibility": "public" });
        assert_eq!(put(&world, "maya", &path, &public).await.status, 200);
    }
    let path = &notes.both(&id)[0];
    for visibility in ["private", "public"] {
        let body = json!({ "note": "x", "visibility": visibility });
        let own = put(&world, "sinta", path, &body).await;
        assert_eq!((own.status, own.data()["visibility"].as_str()), (200, Some(visibility)));
    }
}

#[tokio::test]
async fn the_answers_of_post_and_put_have_the_requested_mention_format() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": mention(&person("budi")).replace("@Someone", "@Budi Hartono") });
    let link = format!("<a href=\"../../../users/{}/edit_user\">@Budi Hartono</a>", person("budi"));
    for list in [&notes.list, &notes.deprecated] {
        let path = format!("{list}?mention_format=mobile");
        let created = world.post("sinta", &path, &body).await;
        assert_eq!((created.status, created.data()["note"].as_str()), (201, Some(&*link)));
        let note = format!("{list}/{}", created.data()["id"].as_str().unwrap());
        let path = format!("{note}?mention_format=mobile");
        let saved = put(&world, "sinta", &path, created.data()).await;
        assert_eq!((saved.status, saved.data()["note"].as_str()), (200, Some(&*link)));
        let web = put(&world, "sinta", &note, saved.data()).await;
        assert!(web.data()["note"].as_str().unwrap().contains("data-mention=\"true\""));
        let wrong = put(&world, "sinta", &format!("{note}?mention_format=x"), &body).await;
        let message = "mention_format: must be web or mobile";
        assert_refused(&wrong, 400, "INVALID_REQUEST", message);
    }
}

#[tokio::test]
async fn the_url_of_an_attachment_is_stored_parsed_and_escaped() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let file = |url: &str| {
        json!({ "note": "x", "attachments": [{ "name": "q.pdf", "content_type": "application/pdf",
            "size": 1, "url": url }] })
    };
    let submitted = "HTTPS://Files.Example.com:443/a/../b'?q='x#'";
    let created = world.post("sinta", &notes.list, &file(submitted)).await;
    let stored = "https://files.example.com/b%27?q=%27x#%27";
    assert_eq!(created.data()["attachments"][0]["url"], stored, "{}", created.body);
    let path = notes.both(created.data()["id"].as_str().unwrap());
    let again = put(&world, "sinta", &path[0], created.data()).await;
    assert_eq!(again.data()["attachments"][0]["url"], stored);
}
