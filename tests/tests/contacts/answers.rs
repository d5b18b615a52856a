//! Tests that answers are accurate: what a refusal says about the fallback, and that no answer shows
//! more of a contact than the permission to view contacts allows (SPEC §2).

use http::Method;
use jiff::SignedDuration;
use local::upstreams::Upserts;
use serde_json::{Value, json};
use shared::contact::Contact;
use tests::{Response, World, person};

use super::company::{contact, names, put, team};

const VIEW: &str = "customers_customers_view";
const MANAGE: &str = "customers_customers_manage";
const SEARCH: &str = "customers_customers_searchassoc";

/// Changes levels of a person in the simulated Launchpad.
pub(super) fn set_levels(world: &World, who: &str, levels: &[(&str, &str)]) {
    let mut changed = world.directory.find(who).unwrap();
    for (permission, level) in levels {
        changed.levels.insert((*permission).to_owned(), (*level).to_owned());
    }
    let people = vec![changed];
    world.directory.upsert(Upserts { people, ..Upserts::default() }).unwrap();
}

/// A contact of team Surabaya, which is in no team scope but that of the head of sales.
async fn surabaya_contact(world: &World) -> Contact {
    let contact = Contact {
        emails: vec!["hidden.person@surabaya.example".to_owned()],
        phones: vec!["+62 812-7777-0001".to_owned()],
        owner_id: person("agus").parse().ok(),
        team_owner_ids: vec![team("Surabaya")],
        ..contact(world, 1, "Hidden Person")
    };
    put(world, std::slice::from_ref(&contact)).await;
    contact
}

/// The requests of user sinta that a scope refuses for this contact.
async fn refused_requests(world: &World, contact: &Contact) -> Vec<(String, Response)> {
    let id = contact.id;
    let notes = format!("/v1/contacts/{id}/notes");
    let requests = [
        (Method::GET, format!("/cdp/customers/{id}"), Value::Null),
        (Method::GET, format!("/cdp/customers/by-email/{}", contact.emails[0]), Value::Null),
        (Method::GET, "/cdp/customers/by-phone/081277770001".to_owned(), Value::Null),
        (Method::PATCH, format!("/cdp/customers/{id}"), json!({ "name": "Other" })),
        (Method::DELETE, format!("/cdp/customers/{id}"), Value::Null),
        (Method::GET, notes.clone(), Value::Null),
        (Method::POST, notes, json!({ "note": "x" })),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in requests {
        let response = world
            .call("sinta", method.clone(), &path, Some(&body).filter(|body| !body.is_null()))
            .await;
        answers.push((format!("{method} {path}"), response));
    }
    answers
}

#[tokio::test]
async fn a_refusal_reports_the_fallback_if_the_narrowed_scope_decided_it_and_only_then() {
    let world = World::with_flags().await;
    let contact = surabaya_contact(&world).await;
    for is_narrowed in [false, true] {
        if is_narrowed {
            world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
            world.advance(SignedDuration::from_secs(61));
        }
        for (request, response) in refused_requests(&world, &contact).await {
            assert_eq!((response.status, response.error()), (403, "FORBIDDEN"), "{request}");
            let scope = &response.body["details"]["team_scope"];
            let header = response.headers.get("x-team-permission-fallback").map(String::as_str);
            let expected = match is_narrowed {
                true => (&json!("owned_only_fallback"), Some("owned-only")),
                false => (&Value::Null, None),
            };
            assert_eq!((scope, header), expected, "{request}");
        }
        let row = json!({ "contacts": [{ "emails": contact.emails, "name": "Other" }] });
        let synced = world.post("sinta", "/cdp/customers/sync", &row).await;
        let error = &synced.data()[0]["error"];
        assert_eq!(error["error"], "FORBIDDEN");
        assert_eq!(error["details"]["team_scope"].is_string(), is_narrowed, "{error}");
        assert_eq!(synced.headers.contains_key("x-team-permission-fallback"), is_narrowed);
    }
    // A refusal that the level decides is the same while Launchpad fails.
    set_levels(&world, "sinta", &[(VIEW, "own"), (MANAGE, "disabled")]);
    world.advance(SignedDuration::from_secs(11));
    for (method, body) in [(Method::GET, Value::Null), (Method::PATCH, json!({}))] {
        let path = format!("/cdp/customers/{}", contact.id);
        let response =
            world.call("sinta", method, &path, Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!((response.status, &response.body["details"]), (403, &json!({})));
        assert!(!response.headers.contains_key("x-team-permission-fallback"));
    }
}

#[tokio::test]
async fn an_answer_shows_no_more_than_the_viewer_may_view() {
    let world = World::with_flags().await;
    let contact = surabaya_contact(&world).await;
    for view in ["disabled", "own", "team"] {
        set_levels(
            &world,
            "sinta",
            &[(VIEW, view), (MANAGE, "everything"), (SEARCH, "everything")],
        );
        world.advance(SignedDuration::from_secs(11));
        let path = format!("/cdp/customers/{}", contact.id);
        let patched = world.call("sinta", Method::PATCH, &path, Some(&json!({}))).await;
        let shown = json!({ "id": contact.id, "version": 1 });
        assert_eq!((patched.status, patched.data()), (200, &shown), "{view}");
        let found = world.get("sinta", "/cdp/customers/search-assoc?q=hidden").await;
        let shown = json!([{ "id": contact.id, "version": 1, "name": "Hidden Person" }]);
        assert_eq!(found.data(), &shown, "{view}");
        let created = json!({ "name": "New", "emails": ["new@x.example"],
            "owner_id": person("agus"), "assignee_id": null });
        let created = world.post("sinta", "/cdp/customers", &created).await;
        let fields = created.data().as_object().unwrap().len();
        // An unassigned contact is in the scope of the level `team`.
        assert_eq!((created.status, fields == 2), (201, view != "team"), "{}", created.body);
    }
    let full = world.get("agus", "/cdp/customers/search-assoc?q=hidden").await;
    assert_eq!(full.data()[0]["emails"], json!(contact.emails));
}

#[tokio::test]
async fn a_contact_that_the_viewer_may_not_view_is_found_by_name_or_by_a_whole_address_only() {
    let world = World::with_flags().await;
    surabaya_contact(&world).await;
    let searches = [
        ("hidden", true),
        ("person%20hid", true),
        ("hidden.person%40surabaya.example", true),
        ("Hidden.Person%40surabaya.EXAMPLE", true),
        ("%2B62812-7777-0001", true),
        ("081277770001", true),
        ("hidden.person%40", false),
        ("hidden.person%40surabaya.exampl", false),
        ("0812777700", false),
        ("81277770", false),
    ];
    for (level, sees_all) in [("disabled", false), ("own", false), ("everything", true)] {
        set_levels(&world, "sinta", &[(VIEW, level), (SEARCH, "everything")]);
        world.advance(SignedDuration::from_secs(11));
        for (q, is_found) in searches {
            let found =
                world.get("sinta", &format!("/cdp/customers/search-assoc?q={q}&limit=50")).await;
            let is_there = names(&found).contains(&"Hidden Person");
            assert_eq!(is_there, is_found || sees_all, "{level} {q}: {}", found.body);
        }
    }
}
