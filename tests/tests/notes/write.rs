use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, person};

pub(crate) async fn contact(world: &World, name: &str) -> String {
    let list = world.get("maya", "/cdp/customers?limit=100").await;
    let contacts = list.data().as_array().unwrap().iter();
    let found = contacts.clone().find(|contact| contact["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

pub(crate) fn mention(id: &str) -> String {
    format!(r#"<a data-user-id="{id}" data-mention="true">@Someone</a>"#)
}

pub(crate) fn codes(response: &Response) -> Vec<&str> {
    let warnings = response.body["warnings"].as_array().into_iter().flatten();
    warnings.filter_map(|warning| warning["code"].as_str()).collect()
}

pub(crate) async fn put(world: &World, user: &str, path: &str, body: &Value) -> Response {
    world.call(user, Method::PUT, path, Some(body)).await
}

#[tokio::test]
async fn note_mention_s02_ac1_ac2_d9_both_anchor_forms_are_stored_as_canonical_mentions() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let link = format!(r#"<a href="../../../users/{}/edit_user">@x</a>"#, person("lars"));
    let mobile = r#"<a href="../../../users/1002/edit_user">@Budi</a>"#;
    let upper = mention(&person("maya").to_uppercase());
    let body = json!({ "note": format!("<p>{upper} {link} {mobile}</p>") });
    let response = world.post("sinta", &path, &body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    let people = [person("maya"), person("lars"), person("budi")];
    assert_eq!(response.data()["mentioned_user_ids"], json!(people));
    let note = response.data()["note"].as_str().unwrap();
    let names = ["Maya Kusumawardani", "Lars Lindqvist", "Budi Hartono"];
    for (id, name) in people.iter().zip(names) {
        let anchor = format!(r#"<a data-user-id="{id}" data-mention="true">@{name}</a>"#);
        assert!(note.contains(&anchor), "{note}");
    }
    assert_eq!(response.data()["permission"], json!({ "update": true, "delete": true }));
}

#[tokio::test]
async fn note_mention_s04_err1_err3_s06_neg1_mentions_of_unknown_people_become_text_with_a_warning()
{
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let (inactive, foreign) = (mention(&person("tomas")), mention(&person("claire")));
    let body = json!({ "note": format!("<p>{inactive} {foreign} {}</p>", mention("no-uuid")) });
    let response = world.post("sinta", &path, &body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(response.data()["note"], "<p>@Someone @Someone @Someone</p>");
    assert_eq!(response.data()["mentioned_user_ids"], json!([]));
    assert_eq!(codes(&response), ["INVALID_MENTION"; 3]);
    world.process_queues().await;
    assert!(world.notifications.list().is_empty());
}

#[tokio::test]
async fn note_mention_s01_boundary_oq4_a_note_that_cannot_be_stored_is_422_with_its_own_code() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let many: String =
        (0..11).map(|n| mention(&format!("0190d1a2-7c3b-7abc-8def-{n:012}"))).collect();
    for (note, code) in [
        ("x".repeat(10_001), "NOTE_TOO_LONG"),
        ("<p>&nbsp;<br></p>".to_owned(), "NOTE_EMPTY"),
        (many, "TOO_MANY_MENTIONS"),
    ] {
        let response = world.post("sinta", &path, &json!({ "note": note })).await;
        assert_eq!((response.status, response.error()), (422, code));
    }
    let response = world.post("sinta", &path, &json!({ "note": "x", "attachments": [{}] })).await;
    assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn a_put_without_attachments_and_visibility_keeps_them_and_a_returned_note_can_be_sent_back()
{
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let file = json!({ "name": "q.pdf", "content_type": "application/pdf", "size": 1,
        "url": "https://files.example.com/q.pdf" });
    let body = json!({ "note": "one", "attachments": [file], "visibility": "private" });
    let created = world.post("sinta", &path, &body).await;
    let path = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    let response = put(&world, "sinta", &path, &json!({ "note": "two" })).await;
    assert_eq!((response.status, &response.data()["note"]), (200, &json!("two")));
    assert_eq!(response.data()["attachments"], json!([file]));
    assert_eq!(response.data()["visibility"], "private");
    let echoed = put(&world, "sinta", &path, response.data()).await;
    assert_eq!((echoed.status, &echoed.data()["note"]), (200, &json!("two")));
    assert_eq!(put(&world, "budi", &path, &json!({ "note": "x" })).await.status, 403);
}

#[tokio::test]
async fn a_note_near_the_length_limit_can_be_saved_again_as_it_was_returned() {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let mobile = format!(r#"<a href="/users/{}/edit_user">@B</a>"#, person("budi"));
    // The stored note is longer than the submitted one: links get a `rel` attribute, text is
    // escaped, and mentions get names and canonical tags.
    for (text, times) in [(r#"<a href="https://e.co/1">x</a>"#, 320), ("&", 9_000), (&mobile, 140)]
    {
        let created = world.post("sinta", &path, &json!({ "note": text.repeat(times) })).await;
        assert_eq!(created.status, 201, "{}", created.error());
        let path = format!("{path}/{}", created.data()["id"].as_str().unwrap());
        for format in ["web", "mobile"] {
            let read = world.get("sinta", &format!("{path}?mention_format={format}")).await;
            let answered = &read.data()["note"];
            let body = json!({ "note": answered, "visibility": "private" });
            let saved = put(&world, "sinta", &path, &body).await;
            assert_eq!((saved.status, &saved.data()["note"]), (200, &created.data()["note"]));
        }
        // The API refuses a note that its author makes longer than the limit.
        let longer = format!("{}{}", created.data()["note"].as_str().unwrap(), "x".repeat(10_001));
        let refused = put(&world, "sinta", &path, &json!({ "note": longer })).await;
        assert_eq!((refused.status, refused.error()), (422, "NOTE_TOO_LONG"));
    }
}

#[tokio::test]
async fn note_mention_s06_neg2_new_mentions_become_text_with_the_flag_off_and_existing_mentions_stay()
 {
    let world = World::with_flags().await;
    let path = format!("/v1/contacts/{}/notes", contact(&world, "Citra Anggraini").await);
    let created = world.post("sinta", &path, &json!({ "note": mention(&person("budi")) })).await;
    world.flags(true, false).await;
    let kept = created.data()["note"].as_str().unwrap();
    let body = json!({ "note": format!("{kept} {}", mention(&person("lars"))) });
    let path = format!("{path}/{}", created.data()["id"].as_str().unwrap());
    let response = put(&world, "sinta", &path, &body).await;
    assert_eq!(response.data()["note"], format!("{kept} @Someone"));
    assert_eq!(response.data()["mentioned_user_ids"], json!([person("budi")]));
    assert!(codes(&response).is_empty());
}
