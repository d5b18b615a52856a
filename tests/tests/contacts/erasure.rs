//! Erasures of contacts (SPEC §2, "Retention").

use http::Method;
use jiff::{SignedDuration, Timestamp};
use local::demo_contacts;
use serde_json::{Value, json};
use shared::{
    contact::Contact,
    id::{ContactId, NoteId},
    table::{Due, DueKind, Item, Key, attribute, from_item, to_item},
};
use tests::{Log, Response, World, person, team};

use super::{
    company,
    retention::{create, delete, restore},
    table_state,
};

/// Texts of the erased person, in lower case. No other data of the world contains them.
const PERSONAL: [&str; 7] =
    ["zebedee", "quixotrix", "zq@erase.example", "81299887766", "camomile", "crm-4711", "platinum"];

fn body() -> Value {
    json!({
        "name": "Zebedee Quixotrix", "external_id": "CRM-4711", "emails": ["ZQ@erase.example"],
        "phones": ["+62 812 9988 7766"], "team_owner_ids": [team("Jakarta SMB")],
        "assignee_id": person("andre"), "custom_fields": { "card": "Platinum" },
    })
}

async fn erase(world: &World, user: &str, id: &str) -> Response {
    world.call(user, Method::DELETE, &format!("/cdp/customers/{id}?erase=true"), None).await
}

/// Runs the clean-up until the erasures are complete: at once, and again after two minutes.
async fn clean_up(world: &World) {
    for _ in 0..2 {
        loop {
            let report = world.clean_up(world.clock.now() + SignedDuration::from_millis(1)).await;
            assert_eq!(report["failed"], 0, "{report}");
            if report["erasures_left"] == false {
                break;
            }
        }
        world.advance(SignedDuration::from_mins(3));
    }
}

/// Asserts that no item of the table contains a text of the person, or is in the contact's
/// partition.
async fn assert_nothing_left(world: &World, id: &str) {
    for (key, item) in table_state::everything(world).await {
        let shown = format!("{item:?}").to_lowercase();
        for text in PERSONAL {
            assert!(!shown.contains(text), "{text} is in {key:?}: {shown}");
        }
        assert!(!key.pk.ends_with(&format!("CONTACT#{id}")), "{key:?}");
        assert!(!key.pk.starts_with("DUE#ERASURE"), "{key:?}");
    }
    table_state::assert_consistent(world).await;
}

/// Creates a contact with notes that mention a person, moves it to another owner, and exports it.
async fn contact_with_traces(world: &World) -> String {
    let id = create(world, "sinta", &body()).await;
    let notes = format!("/v1/contacts/{id}/notes");
    let mention = format!(r#"<a data-user-id="{}" data-mention="true">@</a>"#, person("budi"));
    for n in 0..3 {
        let note = json!({ "note": format!("<p>Prefers camomile tea. {n} {mention}</p>") });
        assert_eq!(world.post("sinta", &notes, &note).await.status, 201);
    }
    let change = json!({ "owner_id": person("andre"), "team_owner_ids": [] });
    let path = format!("/cdp/customers/{id}");
    assert_eq!(world.call("sinta", Method::PATCH, &path, Some(&change)).await.status, 200);
    for selection in [json!({ "ids": [id] }), json!({ "filter": { "q": "Zebedee Quixotrix" } })] {
        let export = json!({ "format": "csv", "selection": selection, "fields": ["name"] });
        assert_eq!(world.post("maya", "/cdp/exports", &export).await.status, 202);
    }
    world.process_queues().await;
    id
}

#[tokio::test]
async fn after_an_erasure_no_item_of_the_table_contains_data_of_the_person() {
    for is_deleted_before in [false, true] {
        let world = World::with_flags().await;
        let log = Log::capture();
        let id = contact_with_traces(&world).await;
        if is_deleted_before {
            delete(&world, "maya", &id).await;
        }
        let response = erase(&world, "maya", &id).await;
        assert_eq!((response.status, &response.body), (200, &json!({ "data": {} })));
        // Only the notes are left until the clean-up runs.
        for (key, item) in table_state::everything(&world).await {
            let shown = format!("{item:?}").to_lowercase();
            let is_note = key.sk.starts_with("NOTE#") || key.sk.starts_with("MENTION#");
            let is_pointers = key.sk.contains("#pointers#") || shown.contains("\"u\"");
            let has_data = PERSONAL.iter().any(|text| shown.contains(text));
            assert!(!has_data || is_note || is_pointers, "{key:?}: {shown}");
        }
        clean_up(&world).await;
        assert_nothing_left(&world, &id).await;
        let events = log.events("cdp_contact_erased");
        assert_eq!(events.len(), 1);
        assert_eq!(
            (&events[0]["contact_id"], &events[0]["trigger"]),
            (&json!(id), &json!("request"))
        );
        assert_eq!(events[0]["user_sso_id"], person("maya"));
    }
}

#[tokio::test]
async fn notes_that_are_written_during_an_erasure_are_erased_too() {
    let world = World::with_flags().await;
    let id = contact_with_traces(&world).await;
    let notes = format!("/v1/contacts/{id}/notes");
    let writes = (0..8).map(|n| {
        let (world, notes) = (&world, &notes);
        async move { world.post("sinta", notes, &json!({ "note": format!("camomile {n}") })).await }
    });
    let (erased, written) =
        tokio::join!(erase(&world, "maya", &id), futures::future::join_all(writes));
    assert_eq!(erased.status, 200);
    assert!(written.iter().all(|one| [201, 404].contains(&one.status)), "{written:?}");
    assert_eq!(world.post("sinta", &notes, &json!({ "note": "camomile" })).await.status, 404);
    let mut report = world.clean_up(world.clock.now() + SignedDuration::from_millis(1)).await;
    assert_eq!((&report["failed"], &report["erasures_left"]), (&json!(0), &json!(false)));
    // A note write that had read the contact before the erasure stores its note after the sweep.
    let contact: ContactId = id.parse().unwrap();
    let late = note_item(&contact, world.clock.now(), "camomile, late");
    world.table().await.put(late).await.unwrap();
    world.advance(SignedDuration::from_secs(119));
    report = world.clean_up(world.clock.now()).await;
    assert_eq!(report["erasure_writes"], 0, "the last sweep is two minutes later: {report}");
    clean_up(&world).await;
    assert_nothing_left(&world, &id).await;
}

fn note_item(contact: &ContactId, at: Timestamp, text: &str) -> Item {
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    let id = NoteId::generate(at);
    let note = json!({
        "id": id, "contact_id": contact, "note": text, "visibility": "public",
        "owner_id": person("maya"), "owner_name": "Maya", "created_at": at, "updated_at": at,
        "version": 1,
    });
    to_item(&Key::note(&company, *contact, id), &note).unwrap()
}

#[tokio::test]
async fn a_contact_is_erased_at_the_end_of_its_retention() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let id = contact_with_traces(&world).await;
    delete(&world, "maya", &id).await;
    world.advance(SignedDuration::from_hours(24 * 30));
    world.clean_up(world.clock.now()).await;
    assert!(log.events("cdp_contact_erased").is_empty(), "the end has not passed yet");
    assert_eq!(restore(&world, "maya", &id).await.status, 404, "but it cannot be restored");
    clean_up(&world).await;
    assert_nothing_left(&world, &id).await;
    let events = log.events("cdp_contact_erased");
    assert_eq!((events.len(), &events[0]["trigger"]), (1, &json!("retention")));
    assert_eq!(events[0]["contact_id"], id);
    assert!(events[0]["user_sso_id"].is_null());
}

#[tokio::test]
async fn an_erasure_needs_the_level_everything_itself_and_answers_404_when_nothing_is_left() {
    let world = World::with_flags().await;
    let log = Log::capture();
    let id = create(&world, "sinta", &body()).await;
    for is_on in [true, false] {
        world.flags(is_on, true).await;
        for (user, id) in [("sinta", id.as_str()), ("yuki", &id), ("sinta", &person("maya"))] {
            let refused = erase(&world, user, id).await;
            assert_eq!((refused.status, refused.error()), (403, "FORBIDDEN"), "{user} {is_on}");
        }
    }
    assert_eq!(erase(&world, "claire", &id).await.status, 404, "another company");
    assert_eq!(erase(&world, "maya", &person("maya")).await.status, 404, "an unknown id");
    assert_eq!(erase(&world, "maya", &id).await.status, 200);
    let path = format!("/cdp/customers/{id}");
    assert_eq!(world.get("maya", &path).await.status, 404);
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 404);
    assert_eq!(restore(&world, "maya", &id).await.status, 404);
    let listed = world.get("maya", "/cdp/customers?view=deleted").await;
    assert!(!listed.ids().contains(&id));
    assert_eq!(erase(&world, "maya", &id).await.status, 200, "a repetition");
    assert_eq!(log.events("cdp_contact_erased").len(), 1, "a repetition changes nothing");
    clean_up(&world).await;
    assert_eq!(erase(&world, "maya", &id).await.status, 404, "nothing is left");
    assert_nothing_left(&world, &id).await;
}

#[tokio::test]
async fn an_erasure_continues_after_a_crash_at_any_step() {
    for when in ["before", "after"] {
        // The calls of an erasure after its retention: the tombstone, the sweep, the due item of the
        // last sweep, and the deletion of the tombstone.
        for (action, skip) in [
            ("TransactWriteItems", 0),
            ("BatchWriteItem", 0),
            ("TransactWriteItems", 1),
            ("TransactWriteItems", 2),
        ] {
            let mut world = World::with_flags().await;
            let id = contact_with_traces(&world).await;
            delete(&world, "maya", &id).await;
            world.advance(SignedDuration::from_hours(24 * 31));
            // Everything else is cleaned up first, so that the fault hits the erasure.
            world.fault(&json!({ "target": "dynamodb", "kind": "kill", "function": "CleanUp",
                "action": action, "skip": skip, "when": when, "times": 1 }));
            let mut was_killed = false;
            for _ in 0..6 {
                let tick = json!({ "time": world.clock.now() });
                if world.invoke_until_killed("CleanUp", tick).await.is_none() {
                    was_killed = true;
                    world.restart_functions();
                }
                world.advance(SignedDuration::from_mins(3));
            }
            assert!(was_killed, "{when} {action} {skip}");
            assert_nothing_left(&world, &id).await;
        }
    }
}

#[tokio::test]
async fn a_repeated_step_of_an_erasure_is_harmless() {
    let world = World::with_flags().await;
    let id = create(&world, "sinta", &body()).await;
    let other = create(&world, "sinta", &json!({ "name": "Live" })).await;
    delete(&world, "maya", &id).await;
    // Its retention would have ended at the same time.
    delete(&world, "maya", &other).await;
    assert_eq!(restore(&world, "maya", &other).await.status, 200);
    let due_items = async || {
        let items = table_state::everything(&world).await.into_iter();
        items.filter(|(key, _)| key.pk.starts_with("DUE#ERASURE")).collect::<Vec<_>>()
    };
    let mut seen = due_items().await;
    world.advance(SignedDuration::from_hours(24 * 31));
    for _ in 0..3 {
        world.clean_up(world.clock.now()).await;
        seen.extend(due_items().await);
        world.advance(SignedDuration::from_mins(3));
    }
    assert!(seen.len() >= 2, "{seen:?}");
    assert!(due_items().await.is_empty());
    // The due items come back, also ones about a contact that was restored.
    for (_, item) in seen {
        let about_other: Item = item
            .iter()
            .map(|(name, value)| {
                let text = value.as_s().map(|text| text.replace(&id, &other));
                (name.clone(), text.map_or_else(|_| value.clone(), |text| attribute(text).unwrap()))
            })
            .collect();
        world.table().await.put(item).await.unwrap();
        // The shard of the key follows from the id.
        let about_other = from_item::<Due>(about_other).unwrap().item().unwrap();
        world.table().await.put(about_other).await.unwrap();
    }
    let report = world.clean_up(world.clock.now()).await;
    assert_eq!((&report["failed"], &report["erasures_left"]), (&json!(0), &json!(false)));
    assert_nothing_left(&world, &id).await;
    assert_eq!(world.get("sinta", &format!("/cdp/customers/{other}")).await.status, 200);
}

#[tokio::test]
async fn a_contact_with_fifty_thousand_notes_is_erased_over_several_runs() {
    let world = World::with_flags().await;
    let id = create(&world, "sinta", &body()).await;
    let contact: ContactId = id.parse().unwrap();
    let now = world.clock.now();
    let notes = (0..50_000).map(|_| note_item(&contact, now, "camomile")).collect();
    let table = world.table().await;
    demo_contacts::import(&world.aws.database(), table.name(), notes).unwrap();
    assert_eq!(erase(&world, "maya", &id).await.status, 200);
    let mut runs = 0;
    loop {
        world.advance(SignedDuration::from_mins(1));
        let report = world.clean_up(world.clock.now()).await;
        let writes = report["erasure_writes"].as_u64().unwrap();
        assert!(writes <= 2_500 + 200, "one contact does not use up a run: {report}");
        runs += 1;
        if report["erasures_left"] == false {
            break;
        }
    }
    assert!((20..=22).contains(&runs), "{runs} runs");
    clean_up(&world).await;
    assert_nothing_left(&world, &id).await;
}

#[tokio::test]
async fn ten_thousand_due_erasures_do_not_delay_a_message() {
    let world = World::with_flags().await;
    let contacts = company::contacts(&world).await;
    let at = world.clock.now();
    let due = at + SignedDuration::from_mins(1);
    let deleted = |n: i64| Contact {
        deleted_at: Some(at),
        erased_after: Some(due),
        version: 2,
        ..company::contact(&world, n, "Zebedee")
    };
    let items = (0..10_000).flat_map(|n| contacts.items(&deleted(n)).unwrap()).collect();
    let table = world.table().await;
    demo_contacts::import(&world.aws.database(), table.name(), items).unwrap();
    // The message is younger than all erasures.
    world.advance(SignedDuration::from_mins(2));
    let id = create(&world, "sinta", &json!({ "name": "A" })).await;
    world.fault(&json!({ "target": "sqs", "status": 500 }));
    let mention =
        format!(r#"<p><a data-user-id="{}" data-mention="true">@</a></p>"#, person("budi"));
    let notes = format!("/v1/contacts/{id}/notes");
    assert_eq!(world.post("sinta", &notes, &json!({ "note": mention })).await.status, 201);
    world.faults.clear();
    world.advance(SignedDuration::from_mins(3));
    // The run is killed in the middle of its first erasure: the message was sent before.
    world.fault(&json!({ "target": "dynamodb", "kind": "kill", "function": "CleanUp",
        "action": "TransactWriteItems", "when": "before", "times": 1 }));
    let run = world.invoke_until_killed("CleanUp", json!({ "time": world.clock.now() })).await;
    assert!(run.is_none(), "{run:?}");
    world.process_queues().await;
    assert_eq!(world.notifications.list().len(), 1);
    let report = world.clean_up(world.clock.now()).await;
    let writes = report["erasure_writes"].as_u64().unwrap();
    assert!((10_000..10_100).contains(&writes), "a run is limited: {report}");
    assert_eq!((&report["failed"], &report["erasures_left"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_run_stops_erasing_while_the_table_throttles_it() {
    let world = World::with_flags().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        let id = create(&world, "sinta", &json!({ "name": "Zebedee" })).await;
        let notes = format!("/v1/contacts/{id}/notes");
        assert_eq!(world.post("sinta", &notes, &json!({ "note": "camomile" })).await.status, 201);
        assert_eq!(erase(&world, "maya", &id).await.status, 200);
        ids.push(id);
    }
    world.advance(SignedDuration::from_mins(1));
    world.fault(&json!({ "target": "dynamodb", "kind": "throttle", "function": "CleanUp",
        "action": "BatchWriteItem" }));
    let report = world.clean_up(world.clock.now()).await;
    assert_eq!((&report["erasures_left"], &report["stopped_early"]), (&json!(true), &json!(false)));
    let failed = report["failed"].as_u64().unwrap();
    assert!((5..=8).contains(&failed), "{report}");
    world.faults.clear();
    clean_up(&world).await;
    for id in ids {
        assert_nothing_left(&world, &id).await;
    }
}

#[tokio::test]
async fn a_due_item_that_cannot_be_read_does_not_stop_other_erasures() {
    let world = World::with_flags().await;
    let id = create(&world, "sinta", &body()).await;
    let broken = Due::new(DueKind::Erasure, world.clock.now(), "broken", &"no erasure").unwrap();
    world.table().await.put(broken.item().unwrap()).await.unwrap();
    assert_eq!(erase(&world, "maya", &id).await.status, 200);
    for _ in 0..2 {
        world.advance(SignedDuration::from_mins(3));
        let report = world.clean_up(world.clock.now()).await;
        assert_eq!(report["failed"], 1, "{report}");
    }
    world.table().await.complete_due(&broken.key()).await.unwrap();
    assert_nothing_left(&world, &id).await;
}
