use serde_json::json;
use tests::{World, person};

use super::write::{contact, mention};

#[tokio::test]
async fn note_pages_are_newest_first_and_full_although_private_notes_of_others_are_skipped() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let mut expected = Vec::new();
    for n in 0..12 {
        world.advance(jiff::SignedDuration::from_secs(1));
        let visibility = if n % 3 == 0 { "public" } else { "private" };
        let body = json!({ "note": format!("note {n}"), "visibility": visibility });
        let created = world.post("sinta", &path, &body).await;
        if n % 3 == 0 {
            expected.insert(0, created.data()["id"].as_str().unwrap().to_owned());
        }
    }
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = world.get("budi", &format!("{path}?limit=2&cursor={next}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        seen.extend(page.ids());
        match page.body["meta"]["next_cursor"].as_str() {
            Some(cursor) => next = cursor.to_owned(),
            None => break,
        }
        assert_eq!(page.ids().len(), 2);
    }
    assert_eq!(seen, expected);
    assert_eq!(world.get("sinta", &format!("{path}?limit=100")).await.ids().len(), 12);
}

#[tokio::test]
async fn note_mention_s02_ac3_a_note_can_be_read_in_either_mention_format_and_on_either_route() {
    let world = World::with_flags().await;
    let id = contact(&world, "Citra Anggraini").await;
    let path = format!("/v1/contacts/{id}/notes");
    let created = world
        .post(
            "sinta",
            &path,
            &json!({ "note": mention(&person("budi")).replace("Someone", "Budi") }),
        )
        .await;
    let note = created.data()["id"].as_str().unwrap();
    let read = world.get("budi", &format!("/v1/contacts/notes/{id}/{note}")).await;
    assert_eq!((read.status, read.data()), (200, created.data()));
    let mobile = world.get("budi", &format!("{path}/{note}?mention_format=mobile")).await;
    let anchor =
        format!(r#"<a href="../../../users/{}/edit_user">@Budi Hartono</a>"#, person("budi"));
    assert_eq!(mobile.data()["note"], anchor);
    assert_eq!(world.get("budi", &format!("{path}/{note}?x=1")).await.status, 400);
}

#[tokio::test]
async fn notes_can_be_read_only_if_the_contact_can_be_read() {
    let world = World::with_flags().await;
    let id = contact(&world, "Johan Setiawan").await;
    let path = format!("/v1/contacts/{id}/notes");
    let created = world.post("agus", &path, &json!({ "note": "hidden" })).await;
    let note = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    for denied in [world.get("sinta", &path).await, world.get("sinta", &note).await] {
        assert_eq!((denied.status, denied.error()), (403, "FORBIDDEN"));
        assert_eq!(denied.body["message"], "parent contact out of scope");
    }
    for missing in [world.get("claire", &path).await, world.get("claire", &note).await] {
        assert_eq!((missing.status, missing.error()), (404, "NOT_FOUND"));
    }
    world.flags(false, false).await;
    assert_eq!(world.get("sinta", &path).await.ids().len(), 1);
    assert_eq!(world.get("yuki", &path).await.status, 403);
}
