//! The stories of the PRD (NOTE-MENTION-S01 to S06) that no other module tests.

use std::{sync::Arc, time::Duration};

use note_write::{App, handle};
use serde_json::{Value, json};
use shared::{
    entry::http::{body_json, respond},
    note::{InvalidMentions, NoteWriter, Site},
    outbox::Queue,
};
use tests::{Log, World, person};

use super::{
    scene::{Notes, colleague, notified, numbered_uuid, upsert},
    write::{codes, mention, put},
};

#[tokio::test]
async fn note_mention_s01_ac2_ac3_s04_ac1_a_saved_note_has_its_mentions_and_the_mentioned_people_are_notified()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let two = format!("<p>{} and {}</p>", mention(&person("budi")), mention(&person("lars")));
    let id = notes.add(&world, "sinta", &two).await;
    let read = world.get("budi", &notes.both(&id)[0]).await;
    let people = json!([person("budi"), person("lars")]);
    assert_eq!(read.data()["mentioned_user_ids"], people);
    let html = read.data()["note"].as_str().unwrap();
    let anchor =
        format!(r#"<a data-user-id="{}" data-mention="true">@Budi Hartono</a>"#, person("budi"));
    assert!(html.contains(&anchor), "{html}");
    world.process_queues().await;
    assert_eq!(json!(notified(&world)), people);
}

#[tokio::test]
async fn note_mention_s01_ac4_s02_ac4_s03_ac3_an_edit_notifies_only_people_whom_the_note_never_notified()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", &mention(&person("budi"))).await;
    world.process_queues().await;
    let mobile = format!(r#"<a href="../../../users/{}/edit_user">@x</a>"#, person("lars"));
    let both = format!("{} {mobile}", mention(&person("budi")));
    for (path, note, people) in [
        // The notes come from web and mobile: the same mention, one more mention, no mention, and
        // both mentions again (OQ-14).
        (0, mention(&person("budi")), &["budi"][..]),
        (1, both.clone(), &["budi", "lars"]),
        (1, "no mention".to_owned(), &["budi", "lars"]),
        (0, both, &["budi", "lars"]),
    ] {
        let saved = put(&world, "sinta", &notes.both(&id)[path], &json!({ "note": note })).await;
        assert_eq!(saved.status, 200, "{}", saved.body);
        world.process_queues().await;
        let expected: Vec<_> = people.iter().map(|who| person(who)).collect();
        assert_eq!(notified(&world), expected);
    }
}

#[tokio::test]
async fn note_mention_s03_ac1_ac2_ac2b_d7_d10_the_notification_opens_the_customer_page_on_every_platform()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", &mention(&person("budi"))).await;
    world.process_queues().await;
    let sent = &world.notifications.list()[0];
    let url = sent.body["click_action_url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/customers/{}", notes.contact)), "{url}");
    let company = world.directory.company(&local::demo_company::id("company", "kopi")).unwrap();
    let expected = json!({
        "sso_id": person("budi"), "title": "Sinta Maharani mentioned you in a note",
        "description": "On contact Citra Anggraini", "click_action": "OPEN_URL",
        "click_action_url": url, "extra": { "origin": "external_url" }, "notif_type": 1,
        "notif_category": "2", "event_type": "cdp_note_mention",
        "organization_id": company.launchpad_id(), "skip_fcm": false,
    });
    assert_eq!(sent.body, expected);
    assert_eq!(sent.path, "/api/v1/notifications/chat");
    assert_eq!(sent.headers["idempotency-key"], format!("{id}:{}", person("budi")));
}

#[tokio::test]
async fn note_mention_s03_boundary_a_note_with_0_1_or_10_mentions_sends_0_1_or_10_notifications() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    upsert(&world, (1..=11).map(|number| colleague(&world, number)).collect());
    let mentions =
        |count: u128| (1..=count).map(|number| mention(&numbered_uuid(number))).collect();
    let mut expected = 0;
    for count in [0, 1, 10] {
        let text: String = mentions(count);
        notes.add(&world, "sinta", &format!("<p>{text}</p>x")).await;
        world.process_queues().await;
        expected += usize::try_from(count).unwrap();
        assert_eq!(notified(&world).len(), expected);
    }
    let eleven: String = mentions(11);
    let refused = world.post("sinta", &notes.list, &json!({ "note": eleven })).await;
    assert_eq!((refused.status, refused.error()), (422, "TOO_MANY_MENTIONS"));
    // Eleven mentions of one person count as one mention.
    notes.add(&world, "sinta", &mention(&numbered_uuid(1)).repeat(11)).await;
    world.process_queues().await;
    assert_eq!(notified(&world).len(), expected + 1);
}

#[tokio::test]
async fn note_mention_s01_boundary_a_note_at_the_character_limit_can_have_ten_mentions() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    upsert(&world, (1..=10).map(|number| colleague(&world, number)).collect());
    let mentions: String = (1..=10).map(|number| mention(&numbered_uuid(number))).collect();
    let rest = 10_000 - mentions.chars().count();
    for (length, status) in [(rest, 201), (rest + 1, 422)] {
        let note = format!("{mentions}{}", "é".repeat(length));
        let saved = world.post("sinta", &notes.list, &json!({ "note": note })).await;
        assert_eq!(saved.status, status, "{}", saved.error());
    }
}

#[tokio::test]
async fn note_mention_s04_boundary_a_colleague_of_any_role_can_be_mentioned_and_an_inactive_colleague_cannot()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    const CANNOT_SEE: Option<&str> = Some("MENTION_CANNOT_SEE_CONTACT");
    const INVALID: Option<&str> = Some("INVALID_MENTION");
    for (who, warnings) in
        [("maya", None), ("andre", CANNOT_SEE), ("yuki", CANNOT_SEE), ("tomas", INVALID)]
    {
        let body = json!({ "note": format!("x{}", mention(&person(who))) });
        let saved = world.post("sinta", &notes.list, &body).await;
        let warnings: Vec<&str> = warnings.into_iter().collect();
        assert_eq!((saved.status, codes(&saved)), (201, warnings), "{who}");
    }
}

#[tokio::test]
async fn note_mention_s04_validation_a_malformed_uuid_is_an_invalid_mention_and_launchpad_is_not_called()
 {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let id = person("budi");
    for wrong in [id.replace('-', ""), format!("{{{id}}}"), format!("{id}0"), id.replace('-', "_")]
    {
        let body = json!({ "note": mention(&wrong) });
        let saved = world.post("sinta", &notes.list, &body).await;
        assert_eq!(codes(&saved), ["INVALID_MENTION"], "{wrong}: {}", saved.body);
        assert_eq!(saved.data()["note"], "@Someone");
        assert_eq!(saved.body["warnings"][0]["invalid_sso_id"], wrong);
    }
}

#[tokio::test]
async fn note_mention_s04_err1_oq3_a_note_with_invalid_mentions_is_not_written_in_reject_mode() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let environment = world.environment("NoteWrite").await;
    let site = Site::new("https://app.example.com");
    let services = environment.services().unwrap();
    let outbox = environment.outbox(&[Queue::Mention]).unwrap();
    let strict = NoteWriter::new(services, outbox, site, InvalidMentions::Reject);
    let headers = [("content-type", "application/json")];
    let log = Log::capture();
    let both = format!("{} {}", mention(&person("budi")), mention(&person("claire")));
    let body = json!({ "note": both }).to_string().into();
    let (_, event) = world.event("sinta", http::Method::POST, &notes.list, &headers, &body);
    let event = serde_json::from_value(event).unwrap();
    let (strict, time_left) = (Arc::new(App { notes: strict }), Duration::from_secs(3600));
    let response = respond("test", event, time_left, |request| handle(strict, request)).await;
    let body = body_json(&response);
    assert_eq!((response.status_code, &body["error"]), (422, &json!("INVALID_MENTION")));
    assert_eq!(body["details"]["invalid_sso_ids"], json!([person("claire")]));
    assert!(world.get("sinta", &notes.list).await.ids().is_empty());
    world.process_queues().await;
    assert!(notified(&world).is_empty());
    let invalid = log.events("cdp_note_mention_invalid");
    assert_eq!((&invalid[0]["action"], &invalid[0]["note_id"]), (&json!("rejected"), &Value::Null));
}

#[tokio::test]
async fn note_mention_s04_err2_malicious_markup_is_removed_and_only_verified_mentions_stay() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    // The note contains Budi's id with another person's name, an event handler, a script, and an id
    // with characters that end the attribute.
    let crafted = format!(
        "<a data-user-id=\"{}\" onclick=alert(1) href=\"javascript:alert(1)\"><img src=x \
         onerror=alert(1)>@Maya</a><script>alert(1)</script><a data-user-id='\"><svg \
         onload=alert(1)>'>@x</a>",
        person("budi")
    );
    let saved = world.post("sinta", &notes.list, &json!({ "note": crafted })).await;
    let budi = format!(
        r#"<a data-user-id="{}" data-mention="true">@Budi Hartono</a>@Maya@x"#,
        person("budi")
    );
    assert_eq!(
        (saved.data()["note"].as_str(), codes(&saved)),
        (Some(&*budi), vec!["CONTENT_REMOVED", "INVALID_MENTION"])
    );
    assert_eq!(saved.body["warnings"][0]["kinds"], json!(["image", "script"]));
}

#[tokio::test]
async fn text_behind_a_name_in_a_mention_is_kept_and_an_image_only_note_is_refused() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    for open in [
        format!(r#"<a data-user-id="{}" data-mention="true">"#, person("budi")),
        format!(r#"<a href="../../../users/{}/edit_user">"#, person("budi")),
        format!(r#"<span class="mention" data-id="{}" data-value="x">"#, person("budi")),
    ] {
        let close = if open.starts_with("<a") { "</a>" } else { "</span>" };
        let text = format!("<p>Hi {open}@Budi Hartono please call<br>today{close}</p>");
        let saved = world.post("sinta", &notes.list, &json!({ "note": text })).await;
        let chip = format!(
            r#"<a data-user-id="{}" data-mention="true">@Budi Hartono</a>"#,
            person("budi")
        );
        assert_eq!(saved.data()["note"], format!("<p>Hi {chip} please call<br>today</p>"));
        assert_eq!(codes(&saved), Vec::<String>::new());
    }
    let image = r#"<p><img src="data:image/png;base64,iVBORw0KGgo=" alt="screenshot"></p>"#;
    let refused = world.post("sinta", &notes.list, &json!({ "note": image })).await;
    assert_eq!((refused.status, refused.error()), (422, "NOTE_EMPTY"));
    assert_eq!(refused.body["details"], json!({ "kinds": ["image"] }));
    assert!(refused.body["message"].as_str().unwrap().contains("image"), "{}", refused.body);
}

#[tokio::test]
async fn note_mention_s06_neg1_a_person_of_another_company_is_never_mentioned_or_notified() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let foreign = format!("x {} {}", mention(&person("claire")), mention(&person("dewi")));
    let saved = world.post("sinta", &notes.list, &json!({ "note": foreign })).await;
    assert_eq!(codes(&saved), ["INVALID_MENTION"; 2]);
    assert_eq!(saved.data()["mentioned_user_ids"], json!([]));
    world.process_queues().await;
    assert!(notified(&world).is_empty());
}

#[tokio::test]
async fn note_mention_s06_neg2_notes_work_as_before_with_the_flag_off_and_no_notification_is_sent()
{
    let world = World::start().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let body = json!({ "note": format!("<p>{}<script>x</script></p>", mention(&person("budi"))) });
    let saved = world.post("sinta", &notes.list, &body).await;
    assert_eq!((saved.status, codes(&saved)), (201, vec!["CONTENT_REMOVED"]));
    assert_eq!(saved.data()["note"], "<p>@Someone</p>");
    assert_eq!(saved.data()["mentioned_user_ids"], json!([]));
    world.process_queues().await;
    assert!(notified(&world).is_empty());
}

#[tokio::test]
async fn prd_11_events_have_their_properties_and_log_lines_contain_no_user_text() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let log = Log::capture();
    let text = format!("confidential {} {}", mention(&person("budi")), mention(&person("tomas")));
    let id = notes.add(&world, "sinta", &text).await;
    let more = format!("{text} {}", mention(&person("lars")));
    put(&world, "sinta", &notes.both(&id)[0], &json!({ "note": more })).await;
    world.process_queues().await;
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let headers = [("x-platform", "mobile")];
    let failed = "/cdp/people?query=confidential";
    world.send("sinta", http::Method::GET, failed, &headers, "".into()).await;

    let company = local::demo_company::id("company", "kopi");
    let added = log.events("cdp_note_mention_added");
    let properties = |event: &Value| {
        ["event", "mention_count", "new_mention_count"].map(|name| event[name].clone())
    };
    assert_eq!(properties(&added[0]), [json!("create"), json!(1), json!(1)]);
    assert_eq!(properties(&added[1]), [json!("edit"), json!(2), json!(1)]);
    for event in &added {
        assert_eq!((&event["note_id"], &event["contact_id"]), (&json!(id), &json!(notes.contact)));
        assert_eq!(event["author_sso_id"], person("sinta"));
        assert_eq!(event["company_sso_id"], company);
    }
    let sent = log.events("cdp_note_mention_notify_sent");
    let recipients: Vec<_> = sent.iter().map(|event| event["recipient_sso_id"].clone()).collect();
    assert_eq!(recipients, [person("budi"), person("lars")]);
    assert!(
        sent.iter().all(|event| event["notification_id"].is_string() && event["note_id"] == id)
    );
    let invalid = &log.events("cdp_note_mention_invalid")[0];
    assert_eq!(
        (&invalid["invalid_sso_id"], &invalid["action"]),
        (&json!(person("tomas")), &json!("dropped"))
    );
    let picker = &log.events("cdp_note_mention_picker_failed")[0];
    assert_eq!(
        (&picker["company_sso_id"], &picker["platform"]),
        (&json!(company), &json!("mobile"))
    );
    for private in ["confidential", "Sinta", "Budi", "Citra", "@kopi.example", "Someone"] {
        assert!(!log.text().contains(private), "{private} in the log");
    }
}

#[tokio::test]
async fn note_mention_d6_removing_a_mention_does_not_recall_its_notification() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let id = notes.add(&world, "sinta", &mention(&person("budi"))).await;
    world.process_queues().await;
    put(&world, "sinta", &notes.both(&id)[0], &json!({ "note": "never mind" })).await;
    world.process_queues().await;
    assert_eq!(notified(&world), [person("budi")]);
}

#[tokio::test]
async fn note_mention_d1_raw_ids_of_the_mobile_editor_are_stored_as_sso_uuids() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let raw = r#"<a href="../../../users/1002/edit_user">@B</a>"#;
    let saved = world.post("sinta", &notes.list, &json!({ "note": raw })).await;
    assert_eq!(saved.data()["mentioned_user_ids"], json!([person("budi")]));
    assert!(!saved.data()["note"].as_str().unwrap().contains("1002"));
}
