use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use jiff::SignedDuration;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use shared::{
    contact::{Contact, digits, fold, words},
    id::ContactId,
    table::{Key, to_item},
};
use tests::{Log, Response, World};

use super::company::{contact, encoded, everything, ids, is_own, names, pages, put, rule, team};

const PERMISSION: &str = "customers_customers_searchassoc";

fn path(q: &str) -> String {
    format!("/cdp/customers/search-assoc?q={}", encoded(q))
}

async fn search(world: &World, user: &str, q: &str) -> Response {
    world.get(user, &format!("{}&limit=50", path(q))).await
}

/// Whether a search text matches a contact. This is a short implementation of the rule that does
/// not use the service's code.
fn matches(q: &str, contact: &Value) -> bool {
    let texts = |field: &str| -> Vec<String> {
        let values = contact[field].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let email = q.trim().to_lowercase();
    let by_email = texts("emails").iter().any(|it| it.to_lowercase().starts_with(&email));
    let names = words(contact["name"].as_str().unwrap_or_default());
    let typed_words = words(q);
    // One Han character is as selective as three letters.
    let is_long = |word: &String| {
        word.chars().count() >= 3
            || word.starts_with(|c: char| ('\u{4E00}'..='\u{9FFF}').contains(&c))
    };
    let whole = |word: &String| match word.chars().count() {
        _ if is_long(word) => true,
        0 | 1 => false,
        _ => names.contains(word),
    };
    let longest = typed_words.iter().rev().max_by_key(|word| (is_long(word), word.chars().count()));
    let by_name = longest.is_some_and(whole)
        && typed_words.iter().all(|word| names.iter().any(|name| name.starts_with(word)));
    let typed: String = q.chars().filter(char::is_ascii_digit).collect();
    let by_phone = texts("phones").iter().filter_map(|phone| digits(phone)).any(|phone| {
        // The number without the leading zero, and the number without the country code.
        let national = typed.strip_prefix('0').filter(|_| !q.starts_with('+'));
        let home = typed.strip_prefix("62");
        let begins = |it: &str| it.len() >= 3 && phone.national.starts_with(it);
        national.is_some_and(begins)
            || (national.is_none() && !q.starts_with('+') && begins(&typed))
            || (phone.international.starts_with("62") && home.is_some_and(begins))
    });
    let is_number = q.chars().all(|c| c.is_ascii_digit() || c == '+' || c == ' ' || c == '-');
    by_email || (!q.contains('@') && by_name) || (is_number && by_phone)
}

fn any_name() -> impl Strategy<Value = String> {
    let word =
        prop_oneof!["[aàAb]{1,4}", "(Ann|Anna|Änne|Li|Wu|佐藤|愛|Ольга|محمد|สมชาย|Putri|Putra)",];
    proptest::collection::vec(word, 1..4).prop_map(|words| words.join(" "))
}

fn any_contact() -> impl Strategy<Value = (String, Vec<String>, Vec<String>, usize)> {
    let emails = proptest::collection::vec("(ann|anna|putri|ab)(\\.[ab]{1,2})?@[ab]\\.id", 0..3);
    let phones = proptest::collection::vec("(\\+62 812|0812)-555-[0-3]{4}", 0..2);
    (any_name(), emails, phones, 0..8usize)
}

/// Creates a random contact, which may have teams, an owner and an assignee.
fn random_contact(
    world: &World,
    n: i64,
    values: (String, Vec<String>, Vec<String>, usize),
) -> Contact {
    let (name, emails, phones, at) = values;
    let teams: &[&str] = match at {
        0 | 1 => &[],
        2 => &["Jakarta SMB"],
        3 => &["Jakarta", "Support"],
        4 => &["Bandung SMB"],
        5 => &["Surabaya", "Bandung"],
        6 => &["Sales"],
        _ => &["Onboarding"],
    };
    let person = |handle: &str| tests::person(handle).parse().ok();
    Contact {
        emails,
        phones,
        owner_id: ["sinta", "lars", "andre"].get(at % 4).and_then(|handle| person(handle)),
        assignee_id: (at == 5).then(|| person("putri")).flatten(),
        team_owner_ids: teams.iter().map(|name| team(name)).collect(),
        ..contact(world, n, &name)
    }
}

/// Search texts that often match: beginnings of the contacts' values, and other texts.
fn any_search() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any_name(),
        "(ann|anna|ANNA|putri|ab)(\\.[ab]?)?(@|@a)?",
        "(\\+62 812|0812|812|\\+62812|62812)[ -]?5{0,3}-?[0-3]{0,2}",
        "(Li Wu|佐藤 愛|ольга|محم|put an|a b ann|สมช)",
    ];
    text.prop_filter("too short", |text| fold(text).chars().count() >= 3)
}

#[tokio::test]
async fn team_s08_ac1_a_search_finds_each_contact_in_scope_that_matches_the_text_once() {
    let world = World::with_flags().await;
    let mut runner = TestRunner::deterministic();
    let all: Vec<Contact> = (0..70)
        .map(|n| random_contact(&world, n, any_contact().new_tree(&mut runner).unwrap().current()))
        .collect();
    put(&world, &all).await;
    let all = everything(&world).await;
    let mut found = 0;
    for round in 0..60 {
        let q = any_search().new_tree(&mut runner).unwrap().current();
        let limit = 1 + round % 9;
        for handle in ["maya", "lars", "sinta", "putri", "andre"] {
            let admitted = |contact: &&Value| {
                rule(&world, handle, PERMISSION, contact) && matches(&q, contact)
            };
            let expected: BTreeSet<String> = ids(all.iter().filter(admitted)).into_iter().collect();
            let whole =
                ids(&pages(&world, handle, &format!("{}&limit=50", path(&q))).await.concat());
            let small =
                pages(&world, handle, &format!("{}&limit={limit}", path(&q))).await.concat();
            assert_eq!(ids(&small), whole, "{handle} {q:?} in pages of {limit}");
            let distinct: BTreeSet<String> = whole.iter().cloned().collect();
            assert_eq!(distinct.len(), whole.len(), "{handle} {q:?} returns a contact twice");
            assert_eq!(distinct, expected, "{handle} {q:?}");
            // A list with the same text returns the same contacts.
            let list = format!("/cdp/customers?q={}&limit=7", encoded(&q));
            assert_eq!(ids(&pages(&world, handle, &list).await.concat()), whole, "{handle} {q:?}");
            found += whole.len();
        }
    }
    assert!(found > 1_000, "the searches found only {found} contacts");
}

#[tokio::test]
async fn names_emails_and_phones_are_found_by_three_characters() {
    let world = World::with_flags().await;
    for (q, name) in [
        ("anggr", "Citra Anggraini"),
        ("CIT", "Citra Anggraini"),
        ("angg cit", "Citra Anggraini"),
        ("lea", "Léa Fontaine"),
        ("citraanggraini@cust", "Citra Anggraini"),
        ("0274", "Puspa Dewi"),
        ("+62 274", "Puspa Dewi"),
        ("361-5", "Made Wirawan"),
        ("+33 1 00 00", "Léa Fontaine"),
        ("lea-fon", "Léa Fontaine"),
    ] {
        assert_eq!(names(&search(&world, "maya", q).await), [name], "{q}");
    }
    let mobiles = names(&search(&world, "maya", "812").await).len();
    assert_eq!(mobiles, 3, "all phones that begin with 0812 or +62 812");
    assert_eq!(search(&world, "maya", "zzz").await.ids().len(), 0);
}

#[tokio::test]
async fn names_are_found_as_people_write_them() {
    let world = World::with_flags().await;
    let all: Vec<Contact> = ["Łukasz O’Brien", "王芳", "佐藤 愛", "김민수", "Sørensen", "Groß"]
        .into_iter()
        .zip(0..)
        .map(|(name, n)| contact(&world, n, name))
        .collect();
    put(&world, &all).await;
    for (q, name) in [
        ("lukasz", "Łukasz O’Brien"),
        ("O'Br", "Łukasz O’Brien"),
        ("obrien", "Łukasz O’Brien"),
        ("brien luk", "Łukasz O’Brien"),
        ("王", "王芳"),
        ("王芳", "王芳"),
        ("芳", "王芳"),
        ("佐", "佐藤 愛"),
        ("김", "김민수"),
        ("민수", "김민수"),
        ("sorens", "Sørensen"),
        ("GROSS", "Groß"),
    ] {
        assert_eq!(names(&search(&world, "maya", q).await), [name], "{q}");
        let list = format!("/cdp/customers?q={}", encoded(q));
        assert_eq!(names(&world.get("maya", &list).await), [name], "{q}");
    }
    let by_name = world.get("maya", "/cdp/customers?order_by=name&limit=100").await;
    let sorted = names(&by_name);
    let place = |name: &str| sorted.iter().position(|other| *other == name);
    assert!(place("Łukasz O’Brien") < place("Made Wirawan"), "{sorted:?}");
}

#[tokio::test]
async fn team_s08_a_disabled_viewer_is_refused() {
    let world = World::with_flags().await;
    let response = search(&world, "yuki", "citra").await;
    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
    assert_eq!(response.body["message"], "permission disabled");
}

#[tokio::test]
async fn team_s09_ac1_the_search_is_the_same_on_mobile_and_web() {
    let world = World::with_flags().await;
    let headers = |platform| [("x-platform", platform)];
    for handle in ["maya", "lars", "sinta", "andre"] {
        let (web, mobile) = (headers("web"), headers("mobile"));
        let web = world.send(handle, Method::GET, &path("812"), &web, Bytes::new()).await;
        let mobile = world.send(handle, Method::GET, &path("812"), &mobile, Bytes::new()).await;
        assert_eq!(web.body, mobile.body, "{handle}");
    }
}

#[tokio::test]
async fn a_viewer_at_level_team_searches_the_whole_company_with_the_flag_off() {
    let world = World::start().await;
    let everything = search(&world, "maya", "customers").await.ids();
    assert_eq!(search(&world, "sinta", "customers").await.ids(), everything);
    let found = search(&world, "sinta", "kartika").await;
    assert_eq!(names(&found), ["Kartika Putri"]);
}

#[tokio::test]
async fn a_search_narrows_to_own_contacts_and_reports_the_fallback_when_launchpad_fails() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let log = Log::capture();
    let response = search(&world, "sinta", "812").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body["meta"]["team_scope"], "owned_only_fallback");
    assert_eq!(response.headers["x-team-permission-fallback"], "owned-only");
    let contacts = response.data().as_array().unwrap();
    assert!(contacts.len() == 2 && contacts.iter().all(|contact| is_own("sinta", contact)));
    let events = log.events("cdp_team_permission_fallback");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["permission_name"], PERMISSION);
    let line = log.responses().pop().unwrap();
    assert_eq!(
        (&line["permission_level"], &line["viewer_team_count"]),
        (&json!("team"), &json!(0))
    );
}

#[tokio::test]
async fn the_log_of_a_search_contains_its_scope_and_not_its_text() {
    let world = World::with_flags().await;
    let log = Log::capture();
    search(&world, "lars", "citraangg").await;
    search(&world, "lars", "0812-3456-7890").await;
    let line = log.responses().pop().unwrap();
    assert_eq!(line["permission_level"], "team");
    assert_eq!(line["viewer_team_count"], 3, "the expanded team set: {line}");
    assert_eq!(line["read_plan"], "search");
    assert_eq!(line["span"]["route"], "GET /cdp/customers/search-assoc");
    let text = log.text().to_lowercase();
    // Shorter numbers can be part of the time of a line.
    for private in ["citra", "0812-3456", "81234567890"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[tokio::test]
async fn an_invalid_search_parameter_is_refused_with_its_field() {
    let world = World::with_flags().await;
    let long = "x".repeat(400);
    for (query, field) in [
        ("", "q"),
        ("q=", "q"),
        ("q=an", "q"),
        ("q=%20a%CC%81n%20", "q"),
        ("q=%FF%FE", "q"),
        (&format!("q={long}"), "q"),
        ("q=ann&q=ben", "q"),
        ("q=ann&limit=0", "limit"),
        ("q=ann&limit=51", "limit"),
        ("q=ann&limit=x", "limit"),
        ("q=ann&limit=1&limit=2", "limit"),
        ("q=ann&cursor=x", "cursor"),
        ("q=ann&order_by=name", "order_by"),
    ] {
        let response = world.get("maya", &format!("/cdp/customers/search-assoc?{query}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{query}");
        assert_eq!(response.body["details"]["field"], field, "{query}");
    }
    let short = search(&world, "maya", "an").await;
    assert!(short.body["message"].as_str().unwrap().contains("at least 3"), "{}", short.body);
}

#[tokio::test]
async fn a_search_cursor_is_only_a_position_and_never_widens_the_scope() {
    let world = World::with_flags().await;
    let page = world.get("maya", &format!("{}&limit=1", path("812"))).await;
    let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
    for (handle, q) in [("sinta", "812"), ("claire", "812"), ("maya", "citra"), ("andre", "has")] {
        let whole = search(&world, handle, q).await.ids();
        let rest = world.get(handle, &format!("{}&cursor={cursor}", path(q))).await;
        assert_eq!(rest.status, 200);
        assert!(rest.ids().iter().all(|id| whole.contains(id)), "{handle} {q}");
    }
    // A search refuses the cursor of a list, and a list refuses the cursor of a search.
    let list = world.get("maya", "/cdp/customers?limit=1").await;
    let other = list.body["meta"]["next_cursor"].as_str().unwrap();
    for (path, cursor) in [(path("812"), other), ("/cdp/customers?limit=2".to_owned(), cursor)] {
        let response = world.get("maya", &format!("{path}&cursor={cursor}")).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{path}");
    }
    for broken in ["%00", &cursor[2..], "e30", "eyJvIjoibWF0Y2giLCJrIjoiIn0"] {
        let response = world.get("maya", &format!("{}&cursor={broken}", path("812"))).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{broken}");
    }
}

#[tokio::test]
async fn a_word_that_a_contact_no_longer_has_finds_nothing() {
    let world = World::with_flags().await;
    let id: ContactId = search(&world, "maya", "citra").await.ids()[0].parse().unwrap();
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    // A reader can see this item while a writer writes the words of the contact.
    let stale = to_item(&Key::word(&company, "former", id), &json!({})).unwrap();
    world.table().await.put(stale).await.unwrap();
    assert_eq!(search(&world, "maya", "former").await.ids().len(), 0);
    // A word of a contact that does not exist in this company does not find a contact either.
    let strange = Key::word(&company, "strange", ContactId::generate(world.clock.now()));
    world.table().await.put(to_item(&strange, &json!({})).unwrap()).await.unwrap();
    assert_eq!(search(&world, "maya", "strange").await.ids().len(), 0);
}

#[tokio::test]
async fn a_renamed_contact_is_found_only_by_its_new_name() {
    let world = World::with_flags().await;
    let row = |name: &str| json!({ "contacts": [{ "external_id": "R", "name": name }] });
    world.post("maya", "/cdp/customers/sync", &row("Bambang Susilo")).await;
    assert_eq!(search(&world, "maya", "bamb").await.ids().len(), 1);
    world.post("maya", "/cdp/customers/sync", &row("Zulkifli Susilo")).await;
    assert_eq!(search(&world, "maya", "bamb").await.ids().len(), 0);
    assert_eq!(search(&world, "maya", "zulk sus").await.ids().len(), 1);
}

#[tokio::test]
async fn a_search_does_not_read_contacts_out_of_scope() {
    let world = World::with_flags().await;
    search(&world, "sinta", "kartika").await;
    world.usage.reset();
    assert_eq!(search(&world, "sinta", "kartika").await.ids().len(), 0);
    let actions = &world.usage.snapshot()["ContactSearch"]["actions"];
    assert_eq!(actions["dynamodb.Query"]["calls"], 1, "{actions}");
    assert_eq!(actions["dynamodb.BatchGetItem"]["calls"], 1, "the flags alone: {actions}");
}

#[tokio::test]
async fn a_search_costs_the_same_in_a_company_of_any_size() {
    let world = World::with_flags().await;
    add_person_in_five_teams(&world);
    let (table, clock) = (world.table().await, world.clock.clone());
    let mut costs = Vec::new();
    for more in [1_000, 4_000] {
        local::demo_contacts::load(&world.aws.database(), &table, &clock, more).unwrap();
        for q in ["citra", "contact00001", "contact1@"] {
            search(&world, "five", q).await;
            world.usage.reset();
            let found = world.get("five", &path(q)).await.ids().len();
            let actions = world.usage.snapshot()["ContactSearch"]["actions"].clone();
            println!("{q}: {found} found with {actions}");
            costs.push((q, actions));
        }
    }
    for (q, actions) in &costs {
        let calls = |action: &str| actions[action]["calls"].as_u64().unwrap_or(0);
        assert!(
            calls("dynamodb.Query") <= 4 && calls("dynamodb.BatchGetItem") <= 4,
            "{q} {actions}"
        );
    }
    let calls = |at: usize| costs[at].1["dynamodb.Query"]["calls"].clone();
    assert_eq!(calls(0), calls(3), "a name that few contacts have");
}

#[tokio::test]
async fn the_first_page_of_a_search_has_the_only_match_in_scope() {
    let world = World::with_flags().await;
    let (table, clock) = (world.table().await, world.clock.clone());
    local::demo_contacts::load(&world.aws.database(), &table, &clock, 3_000).unwrap();
    let last = Contact {
        owner_id: tests::person("andre").parse().ok(),
        ..contact(&world, 1, "Contactina")
    };
    put(&world, std::slice::from_ref(&last)).await;
    // Each of the 3,000 contacts has two words with this beginning, and none of the contacts is in
    // scope.
    let found = pages(&world, "andre", &format!("{}&limit=5", path("contact"))).await;
    assert_eq!(found.len(), 1);
    assert_eq!(ids(&found.concat()), [last.id.to_string()]);
}

/// Adds a person in five teams.
fn add_person_in_five_teams(world: &World) {
    let teams = ["Jakarta SMB", "Jakarta Enterprise", "Bandung SMB", "Surabaya", "Onboarding"];
    let person = json!({ "people": [{
        "sso_id": tests::person("five"), "handle": "five", "full_name": "Five Teams",
        "company_sso_id": local::demo_company::id("company", "kopi"),
        "email": "five@kopi.example", "status": "active", "staff_level": "Agent",
        "team_ids": teams.map(tests::team),
        "levels": local::demo_company::PERMISSIONS.iter()
            .map(|permission| ((*permission).to_owned(), json!("team")))
            .collect::<serde_json::Map<_, _>>(),
    }] });
    world.directory.upsert(serde_json::from_value(person).unwrap()).unwrap();
}

#[tokio::test]
async fn a_search_on_a_throttled_table_is_429_and_never_500() {
    let world = World::with_flags().await;
    search(&world, "maya", "citra").await;
    world.advance(SignedDuration::from_secs(1));
    world.fault(&json!({ "target": "dynamodb", "kind": "throttle" }));
    let response = search(&world, "maya", "citra").await;
    assert_eq!((response.status, response.error()), (429, "THROTTLED"));
}
