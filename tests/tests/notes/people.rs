use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Response, World, person, team};

use super::{
    scene::{Notes, assert_refused, call_from, colleague, numbered_uuid, set_levels, upsert},
    write::{codes, mention},
};

const ADD: &str = "customers_customernotes_add";
const MANAGE: &str = "customers_customernotes_manage";
const VIEW: &str = "customers_customernotes_view";

/// The display names of the people on a page.
fn shown(response: &Response) -> Vec<&str> {
    let people = response.data().as_array().unwrap().iter();
    people.map(|person| person["display_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn note_mention_s01_ac1_the_typeahead_lists_matching_active_users_of_the_company() {
    let world = World::with_flags().await;
    let found = world.get("sinta", "/cdp/people?query=bu").await;
    assert_eq!(found.status, 200, "{}", found.body);
    let budi = json!([{ "sso_id": person("budi"), "full_name": "Budi Hartono",
        "display_name": "Budi Hartono", "email": "budi@kopi.example", "avatar": null }]);
    assert_eq!(found.data(), &budi);
    // The query also matches an email, in upper or lower case. It never matches an inactive
    // colleague or a person of another company.
    assert_eq!(
        shown(&world.get("sinta", "/cdp/people?query=MAYA%40kopi").await),
        ["Maya Kusumawardani"]
    );
    for unknown in ["tom", "claire", "dewi"] {
        let found = world.get("sinta", &format!("/cdp/people?query={unknown}")).await;
        assert_eq!((found.status, found.data()), (200, &json!([])), "{unknown}");
    }
}

#[tokio::test]
async fn note_mention_s01_boundary_a_null_name_shows_the_email_and_a_null_avatar_stays_null() {
    let world = World::with_flags().await;
    let found = world.get("sinta", "/cdp/people?query=rina").await;
    let rina = &found.data()[0];
    assert_eq!((&rina["full_name"], &rina["avatar"]), (&Value::Null, &Value::Null));
    assert_eq!(rina["display_name"], "rina@kopi.example");
}

#[tokio::test]
async fn note_mention_s01_err2_a_query_without_matches_returns_an_empty_list_and_no_error() {
    let world = World::with_flags().await;
    let found = world.get("sinta", "/cdp/people?query=no-such-person").await;
    assert_eq!((found.status, found.data()), (200, &json!([])));
    // Launchpad's plain 404 response also means that there are no matches.
    world.fault(&json!({ "target": "launchpad.users", "status": 404 }));
    let found = world.get("sinta", "/cdp/people?query=bu").await;
    assert_eq!((found.status, found.data()), (200, &json!([])));
    assert_eq!(found.body["meta"]["next_cursor"], Value::Null);
}

#[tokio::test]
async fn note_mention_s01_err1_the_picker_is_503_when_launchpad_fails_and_notes_can_still_be_saved()
{
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    for fault in [
        json!({ "target": "launchpad.users", "status": 500 }),
        json!({ "target": "launchpad.users", "status": 429 }),
        json!({ "target": "launchpad.users", "latency_ms": 60_000 }),
    ] {
        world.fault(&fault);
        let failed = world.get("sinta", "/cdp/people?query=bu").await;
        assert_eq!((failed.status, failed.error()), (503, "DIRECTORY_UNAVAILABLE"));
        assert_eq!(failed.headers["retry-after"], "3");
        world.faults.clear();
    }
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    let saved = world.post("sinta", &notes.list, &json!({ "note": "no mention" })).await;
    assert_eq!((saved.status, codes(&saved)), (201, vec![]));
}

#[tokio::test]
async fn note_mention_s01_boundary_more_than_100_matches_are_returned_in_pages_each_once() {
    let world = World::with_flags().await;
    upsert(&world, (0..130).map(|number| colleague(&world, number)).collect());
    let (mut seen, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/cdp/people?query=colleague&cursor={next}");
        let page = world.get("sinta", &path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        seen.extend(shown(&page).into_iter().map(str::to_owned));
        pages += 1;
        match page.body["meta"]["next_cursor"].as_str() {
            Some(cursor) => next = cursor.to_owned(),
            None => break,
        }
    }
    seen.sort();
    let all: Vec<String> = (0..130).map(|number| format!("Colleague {number:03}")).collect();
    assert_eq!((seen, pages), (all, 6));
}

#[tokio::test]
async fn pages_with_only_inactive_people_are_skipped() {
    let world = World::with_flags().await;
    let mut people: Vec<_> = (0..60).map(|number| colleague(&world, number)).collect();
    for person in &mut people[..50] {
        person.status = local::upstreams::Status::Inactive;
    }
    upsert(&world, people);
    let page = world.get("sinta", "/cdp/people?query=colleague").await;
    assert_eq!(shown(&page).len(), 10);
    assert_eq!(page.body["meta"]["next_cursor"], Value::Null);
}

#[tokio::test]
async fn note_mention_s01_validation_a_query_can_contain_special_characters_and_emoji() {
    let world = World::with_flags().await;
    let mut emoji = colleague(&world, 1);
    emoji.full_name = Some("Åsa 🚀 O'Neil <b>%_\\&".to_owned());
    upsert(&world, vec![emoji]);
    for query in ["%F0%9F%9A%80", "O%27Neil", "%3Cb%3E", "%25_%5C%26"] {
        let found = world.get("sinta", &format!("/cdp/people?query={query}")).await;
        assert_eq!(shown(&found), ["Åsa 🚀 O'Neil <b>%_\\&"], "{query}");
    }
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    let note = mention(&numbered_uuid(1)).replace("Someone", "Åsa");
    let saved = world.post("sinta", &notes.list, &json!({ "note": note })).await;
    let html = saved.data()["note"].as_str().unwrap();
    assert!(html.ends_with(">@Åsa 🚀 O'Neil &lt;b&gt;%_\\&amp;</a>"), "{html}");
    for wrong in [
        "query=x&page=2",
        "query=x&query=y",
        "cursor=tampered",
        &format!("query={}", "x".repeat(101)),
    ] {
        let refused = world.get("sinta", &format!("/cdp/people?{wrong}")).await;
        assert_eq!((refused.status, refused.error()), (400, "INVALID_REQUEST"), "{wrong}");
    }
}

#[tokio::test]
async fn note_mention_s01_permission_only_users_who_can_write_notes_can_search_people() {
    let world = World::with_flags().await;
    for (add, manage, status) in
        [("own", "disabled", 200), ("disabled", "team", 200), ("disabled", "disabled", 403)]
    {
        set_levels(&world, "sinta", &[(ADD, add), (MANAGE, manage)]);
        let response = world.get("sinta", "/cdp/people?query=bu").await;
        assert_eq!(response.status, status, "{add} {manage}: {}", response.body);
    }
    assert_eq!(world.get("", "/cdp/people?query=bu").await.status, 403);
}

#[tokio::test]
async fn note_mention_s06_neg2_the_picker_and_the_card_are_404_with_the_flag_off() {
    let world = World::with_flags().await;
    world.flags(true, false).await;
    for path in ["/cdp/people?query=bu".to_owned(), format!("/cdp/people/{}", person("budi"))] {
        let off = world.get("sinta", &path).await;
        assert_eq!((off.status, off.error()), (404, "FEATURE_DISABLED"), "{path}");
    }
    // The plan of a starter company does not include the flag.
    let off = world.get("dewi", "/cdp/people?query=ru").await;
    assert_eq!((off.status, off.error()), (404, "FEATURE_DISABLED"));
}

#[tokio::test]
async fn note_mention_s05_ac1_ac2_the_card_shows_name_email_staff_level_and_all_teams() {
    let world = World::with_flags().await;
    let card = world.get("sinta", &format!("/cdp/people/{}", person("lars"))).await;
    let teams = json!([{ "id": team("Jakarta SMB"), "name": "Jakarta SMB" },
        { "id": team("Bandung"), "name": "Bandung" }]);
    let lars = json!({ "sso_id": person("lars"), "status": "active", "name": "Lars Lindqvist",
        "email": "lars@kopi.example", "avatar": null, "staff_level": "Agent", "teams": teams });
    assert_eq!((card.status, card.data()), (200, &lars));
    let nameless = world.get("sinta", &format!("/cdp/people/{}", person("rina"))).await;
    assert_eq!(nameless.data()["name"], "rina@kopi.example");
}

#[tokio::test]
async fn note_mention_s05_err1_the_card_of_an_inactive_or_unknown_person_shows_the_last_known_name()
{
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    notes.add(&world, "sinta", &mention(&person("lars"))).await;
    let card = |who: String| {
        let world = &world;
        async move { world.get("sinta", &format!("/cdp/people/{who}")).await }
    };
    let inactive = card(person("tomas")).await;
    assert_eq!(inactive.data()["status"], "inactive_or_not_found");
    assert_eq!(inactive.data()["name"], "Tomás Herrera");
    // Launchpad's plain 404 response means that the person was deleted or never existed.
    world.fault(&json!({ "target": "launchpad.users", "status": 404 }));
    world.advance(SignedDuration::from_secs(61));
    let deleted = card(person("lars")).await;
    assert_eq!(
        (deleted.status, deleted.data()["status"].as_str()),
        (200, Some("inactive_or_not_found"))
    );
    let shown = (&deleted.data()["name"], &deleted.data()["email"]);
    assert_eq!(shown, (&json!("Lars Lindqvist"), &Value::Null));
    let unknown = card(numbered_uuid(7)).await;
    assert_eq!((unknown.status, &unknown.data()["name"]), (200, &Value::Null));
}

#[tokio::test]
async fn note_mention_s05_err2_the_card_shows_the_name_and_unavailable_while_launchpad_fails() {
    let world = World::with_flags().await;
    let notes = Notes::for_contact(&world, "Citra Anggraini").await;
    notes.add(&world, "sinta", &mention(&person("lars"))).await;
    for fault in [
        json!({ "target": "launchpad.users", "status": 500 }),
        json!({ "target": "launchpad.users", "latency_ms": 60_000 }),
    ] {
        world.advance(SignedDuration::from_secs(61));
        world.fault(&fault);
        let card = world.get("sinta", &format!("/cdp/people/{}", person("lars"))).await;
        let shown = (card.status, &card.data()["status"], &card.data()["name"]);
        assert_eq!(shown, (200, &json!("unavailable"), &json!("Lars Lindqvist")));
        world.faults.clear();
    }
}

#[tokio::test]
async fn note_mention_s05_permission_users_who_can_view_notes_can_see_the_card() {
    let world = World::with_flags().await;
    let path = format!("/cdp/people/{}", person("budi"));
    set_levels(&world, "sinta", &[(ADD, "disabled"), (MANAGE, "disabled"), (VIEW, "own")]);
    assert_eq!(world.get("sinta", &path).await.status, 200);
    set_levels(&world, "sinta", &[(ADD, "everything"), (VIEW, "disabled")]);
    assert_refused(&world.get("sinta", &path).await, 403, "FORBIDDEN", "permission disabled");
    assert_eq!(world.get("budi", "/cdp/people/no-uuid").await.status, 404);
}

#[tokio::test]
async fn note_mention_s06_neg1_a_person_of_another_company_is_unknown_to_the_card_and_the_picker() {
    let world = World::with_flags().await;
    let card = world.get("sinta", &format!("/cdp/people/{}", person("claire"))).await;
    let empty_card = json!({ "sso_id": person("claire"), "status": "inactive_or_not_found",
        "name": null, "email": null, "avatar": null, "staff_level": null, "teams": [] });
    assert_eq!((card.status, card.data()), (200, &empty_card));
    assert_eq!(world.get("sinta", "/cdp/people?query=meridian").await.data(), &json!([]));
}

#[tokio::test]
async fn team_s10_ac1_the_team_picker_lists_the_viewers_direct_teams_with_their_parents() {
    let world = World::start().await;
    let own = |who: &'static str| {
        let world = &world;
        async move { world.get(who, "/cdp/me/teams").await }
    };
    let jakarta = json!([{ "id": team("Jakarta"), "name": "Jakarta", "parent_id": team("Sales") }]);
    let budi = own("budi").await;
    assert_eq!((budi.status, budi.data()), (200, &jakarta), "the list has no descendants");
    let lars = own("lars").await;
    let two = json!([{ "id": team("Jakarta SMB"), "name": "Jakarta SMB",
        "parent_id": team("Jakarta") }, { "id": team("Bandung"), "name": "Bandung",
        "parent_id": team("Sales") }]);
    assert_eq!(lars.data(), &two);
    // Users at every permission level can read their own teams.
    assert_eq!(own("yuki").await.data()[0]["name"], "Support");
    assert_eq!(own("dewi").await.data()[0]["name"], "Toko");
    assert_eq!(own("").await.status, 403);
}

#[tokio::test]
async fn team_s10_the_team_picker_of_a_viewer_without_teams_is_empty() {
    let world = World::with_flags().await;
    let none = world.get("putri", "/cdp/me/teams").await;
    assert_eq!((none.status, none.data()), (200, &json!([])));
}

#[tokio::test]
async fn team_s10_err1_the_team_picker_is_503_when_launchpad_fails() {
    for status in [500, 404, 401, 429] {
        let world = World::with_flags().await;
        world.fault(&json!({ "target": "launchpad.teams", "status": status }));
        let failed = world.get("budi", "/cdp/me/teams").await;
        let result = (failed.status, failed.error(), failed.headers["retry-after"].as_str());
        assert_eq!(result, (503, "DIRECTORY_UNAVAILABLE", "3"), "{status}");
    }
}

#[tokio::test]
async fn team_s10_the_teams_of_the_team_picker_are_cached_like_the_teams_of_the_scope() {
    let mut world = World::with_flags().await;
    assert_eq!(world.get("budi", "/cdp/me/teams").await.status, 200);
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    // The teams are cached for a minute: in the process, and in the table for other processes.
    for _ in 0..2 {
        assert_eq!(world.get("budi", "/cdp/me/teams").await.status, 200);
        world.restart_functions();
    }
    world.advance(SignedDuration::from_secs(61));
    assert_eq!(world.get("budi", "/cdp/me/teams").await.status, 503);
}

#[tokio::test]
async fn team_s11_ac1_the_team_picker_is_the_same_on_mobile_and_web() {
    let world = World::with_flags().await;
    let mut responses = Vec::new();
    for platform in ["web", "mobile"] {
        let (method, nothing) = (Method::GET, Value::Null);
        let path = "/cdp/me/teams";
        responses.push(call_from(&world, platform, "lars", method, path, &nothing).await);
    }
    assert_eq!((responses[0].status, responses[1].status), (200, 200));
    assert_eq!(responses[0].body, responses[1].body);
}
