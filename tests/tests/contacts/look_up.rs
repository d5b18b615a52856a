use serde_json::{Value, json};
use shared::{
    contact::Contact,
    table::{Item, Key, to_item},
};
use tests::{Log, Response, World};

use super::company::{contact, contacts, encoded, everything, put, rule, team};

const EMAIL: &str = "shared+box@twins.example";
const PHONE: &str = "+62 811-7777-888";

async fn by_email(world: &World, user: &str, email: &str) -> Response {
    world.get(user, &format!("/cdp/customers/by-email/{}", encoded(email))).await
}

async fn by_phone(world: &World, user: &str, phone: &str) -> Response {
    world.get(user, &format!("/cdp/customers/by-phone/{}", encoded(phone))).await
}

/// A contact of team Surabaya with this email and this owner.
fn surabaya_contact(world: &World, n: i64, email: &str, owner: &str) -> Contact {
    Contact {
        emails: vec![email.to_owned()],
        owner_id: tests::person(owner).parse().ok(),
        team_owner_ids: vec![team("Surabaya")],
        ..contact(world, n, "Many")
    }
}

/// Stores contacts of several teams and owners with the same email and phone, newest last.
async fn twins(world: &World) -> Vec<Contact> {
    let owner = |handle: &str| tests::person(handle).parse().ok();
    let twin = |n: i64, who: &str, teams: &[&str]| Contact {
        emails: vec!["Shared+Box@Twins.example".to_owned()],
        phones: vec![if n % 2 == 0 { PHONE } else { "0811 7777 888" }.to_owned()],
        owner_id: owner(who),
        team_owner_ids: teams.iter().map(|name| team(name)).collect(),
        ..contact(world, n, &format!("Twin {n}"))
    };
    let twins = vec![
        twin(1, "sinta", &["Jakarta SMB"]),
        twin(2, "andre", &["Bandung SMB"]),
        twin(3, "budi", &["Jakarta"]),
        twin(4, "hendra", &["Sales"]),
        twin(5, "rina", &["Support"]),
    ];
    put(world, &twins).await;
    twins
}

#[tokio::test]
async fn team_s02_a_look_up_returns_the_newest_contact_in_scope_at_every_level() {
    let world = World::with_flags().await;
    let twins = twins(&world).await;
    let all = everything(&world).await;
    let record = |id: String| all.iter().find(|contact| contact["id"] == id.as_str()).unwrap();
    for handle in ["maya", "hendra", "budi", "sinta", "lars", "putri", "rina", "andre", "agus"] {
        let visible = |twin: &&Contact| {
            rule(&world, handle, "customers_customers_view", record(twin.id.to_string()))
        };
        let newest = twins.iter().rev().find(visible).map(|twin| json!(twin.id));
        let responses = [
            by_email(&world, handle, EMAIL).await,
            by_email(&world, handle, " SHARED+BOX@twins.EXAMPLE").await,
            by_phone(&world, handle, PHONE).await,
            by_phone(&world, handle, "08117777888").await,
            by_phone(&world, handle, "628117777888").await,
        ];
        for response in responses {
            match &newest {
                Some(id) => {
                    assert_eq!((response.status, &response.data()["id"]), (200, id), "{handle}");
                    assert!(response.data()["permission"]["update"].as_bool().unwrap());
                }
                None => {
                    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"), "{handle}");
                    assert_eq!(response.body["message"], "out of your team scope");
                }
            }
        }
    }
    assert_eq!(by_email(&world, "yuki", EMAIL).await.body["message"], "permission disabled");
}

#[tokio::test]
async fn a_look_up_of_an_unknown_or_invalid_address_is_404() {
    let world = World::with_flags().await;
    let huge = "x".repeat(3_000);
    for email in ["unknown@twins.example", "%41", "a/b", " ", &huge] {
        let response = by_email(&world, "maya", email).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{email}");
    }
    for phone in ["0899999999", "none", "+", "0", &huge] {
        let response = by_phone(&world, "maya", phone).await;
        assert_eq!((response.status, response.error()), (404, "NOT_FOUND"), "{phone}");
    }
    // The email and the phone of another company's contact do not find a contact.
    twins(&world).await;
    assert_eq!(by_email(&world, "claire", EMAIL).await.status, 404);
    assert_eq!(by_phone(&world, "claire", PHONE).await.status, 404);
}

#[tokio::test]
async fn path_values_are_decoded_once() {
    let world = World::with_flags().await;
    let given = ["plus+tag@x.example", "per%41cent@x.example", "per%cent@x.example", "ü@x.example"];
    let contacts: Vec<Contact> = (0..)
        .zip(given)
        .map(|(n, email)| Contact {
            emails: vec![email.to_owned()],
            ..contact(&world, n, "Decoded")
        })
        .collect();
    put(&world, &contacts).await;
    for contact in &contacts {
        let response = by_email(&world, "maya", &contact.emails[0]).await;
        assert_eq!(response.data()["id"], json!(contact.id), "{}", contact.emails[0]);
    }
    let plain = world.get("maya", "/cdp/customers/by-email/plus+tag@x.example").await;
    assert_eq!(
        plain.data()["id"],
        json!(contacts[0].id),
        "a plus sign in a path does not mean a space"
    );
}

#[tokio::test]
async fn a_look_up_of_an_address_that_the_contact_no_longer_has_is_404() {
    let world = World::with_flags().await;
    let twins = twins(&world).await;
    let company = local::demo_company::id("company", "kopi").parse().unwrap();
    // A reader can see these items while an update is written in stages.
    let table = world.table().await;
    let stale = [
        Key::email(&company, "former@twins.example", twins[4].id),
        Key::phone(&company, "62811999999", twins[4].id),
    ];
    for key in &stale {
        table.put(to_item(key, &json!({})).unwrap()).await.unwrap();
    }
    for handle in ["maya", "agus"] {
        assert_eq!(by_email(&world, handle, "former@twins.example").await.status, 404);
        assert_eq!(by_phone(&world, handle, "0811999999").await.status, 404);
    }
}

#[tokio::test]
async fn a_refusal_by_team_scope_is_logged_without_the_address() {
    let world = World::with_flags().await;
    let twins = twins(&world).await;
    let log = Log::capture();
    assert_eq!(by_email(&world, "putri", EMAIL).await.status, 403);
    assert_eq!(by_phone(&world, "putri", PHONE).await.status, 403);
    let denied = log.events("cdp_team_permission_denied");
    assert_eq!(denied.len(), 2);
    assert_eq!(denied[0]["contact_id"], json!(twins[4].id), "the newest contact with the address");
    assert_eq!(denied[0]["permission_name"], "customers_customers_view");
    assert_eq!(denied[0]["viewer_team_count"], 0, "the viewer has no team");
    // The service does not log a refusal at level `own` as a denial by team scope.
    assert_eq!(by_email(&world, "agus", EMAIL).await.status, 403);
    assert_eq!(log.events("cdp_team_permission_denied").len(), 2);
    let routes: Vec<Value> =
        log.responses().iter().map(|line| line["span"]["route"].clone()).collect();
    assert_eq!(routes[0], "GET /cdp/customers/by-email/{email}");
    let text = log.text().to_lowercase();
    for private in ["twins", "811-7777", "8117777888"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[tokio::test]
async fn a_look_up_finds_only_own_contacts_and_logs_no_denial_when_launchpad_fails() {
    let world = World::with_flags().await;
    let twins = twins(&world).await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let log = Log::capture();
    let own = by_email(&world, "budi", EMAIL).await;
    assert_eq!(own.data()["id"], json!(twins[2].id));
    assert_eq!(own.headers["x-team-permission-fallback"], "owned-only");
    assert_eq!(by_email(&world, "lars", EMAIL).await.status, 403);
    assert_eq!(log.events("cdp_team_permission_denied").len(), 0);
    assert_eq!(log.events("cdp_team_permission_fallback").len(), 2);
}

#[tokio::test]
async fn a_look_up_reads_a_bounded_amount_and_a_single_match_costs_one_query() {
    let world = World::with_flags().await;
    let shared = |n: i64, owner: &str| surabaya_contact(&world, n, "info@many.example", owner);
    let mut many: Vec<Contact> = (1..90).map(|n| shared(n, "agus")).collect();
    // Only the oldest of the contacts is in the viewer's scope.
    many.push(shared(0, "andre"));
    put(&world, &many).await;
    world.usage.reset();
    let found = by_email(&world, "andre", "info@many.example").await;
    assert_eq!(found.data()["id"], json!(many.last().unwrap().id));
    let cost = |world: &World| world.usage.snapshot()["ContactRead"]["actions"].clone();
    let calls = |cost: &Value, action: &str| cost[action]["calls"].as_u64().unwrap_or(0);
    let actions = cost(&world);
    assert!(calls(&actions, "dynamodb.Query") <= 4, "{actions}");
    assert!(calls(&actions, "dynamodb.BatchGetItem") <= 3, "{actions}");
    world.usage.reset();
    by_email(&world, "lars", "kartikaputri@customers.example").await;
    let actions = cost(&world);
    println!("by-email for a team viewer: {actions}");
    assert_eq!(calls(&actions, "dynamodb.Query"), 1, "{actions}");
}

#[tokio::test]
async fn a_look_up_finds_the_viewers_own_contact_among_many_with_the_same_address() {
    let world = World::with_flags().await;
    let shared =
        |n: i64, owner: &str| surabaya_contact(&world, n, "switchboard@many.example", owner);
    let (own, newest) = (shared(0, "andre"), shared(1_000, "agus"));
    put(&world, &[own.clone(), newest]).await;
    // The items between the two contacts are only look-up items without contacts, because the
    // function does not read records that are out of scope.
    let (table, store) = (world.table().await, contacts(&world).await);
    let others: Vec<Item> = (1..=600)
        .flat_map(|n| store.items(&shared(n, "agus")).unwrap())
        .filter(|item| Key::from_item(item).unwrap().pk.contains("#EMAIL#"))
        .collect();
    assert_eq!(others.len(), 600);
    for some in others.chunks(50) {
        futures::future::try_join_all(some.iter().map(|item| table.put(item.clone())))
            .await
            .unwrap();
    }
    world.usage.reset();
    let found = by_email(&world, "andre", "switchboard@many.example").await;
    assert_eq!(found.data()["id"], json!(own.id), "{found:?}");
    let actions = world.usage.snapshot()["ContactRead"]["actions"].clone();
    assert!(actions["dynamodb.Query"]["calls"].as_u64().unwrap() <= 8, "{actions}");
    assert!(actions["dynamodb.BatchGetItem"]["calls"].as_u64().unwrap() <= 3, "{actions}");
}

#[tokio::test]
async fn a_phone_number_is_found_by_every_notation_by_which_a_search_finds_it() {
    let world = World::with_flags().await;
    let stored = [
        (
            "+62 812-7777-0001",
            vec!["006281277770001", "6281277770001", "81277770001", "٠٨١٢٧٧٧٧٠٠٠١"],
        ),
        (
            "006281277770002",
            vec!["+62 812-7777-0002", "081277770002", "+６２ ８１２ ７７７７ ０００２"],
        ),
        ("+33 1 42 68 53 00", vec!["0033142685300", "0142685300", "142685300"]),
        ("٠٨١٢٧٧٧٧٠٠٠٣", vec!["+62 812 7777 0003", "0062 812 7777 0003"]),
    ];
    for (n, (phone, notations)) in (0..).zip(&stored) {
        let phones = vec![(*phone).to_owned()];
        let one = Contact { phones, ..contact(&world, n, &format!("Phone {n}")) };
        put(&world, std::slice::from_ref(&one)).await;
        for typed in notations.iter().chain([phone]) {
            let response = by_phone(&world, "maya", typed).await;
            assert_eq!(response.data()["id"], json!(one.id), "{typed} for {phone}");
            let found = world.get("maya", &format!("/cdp/customers?q={}", encoded(typed))).await;
            assert_eq!(found.ids(), [one.id.to_string()], "{typed} for {phone}");
        }
    }
    for typed in ["8127777000", "+61812777700001", "+34142685300", "00812777700019"] {
        assert_eq!(by_phone(&world, "maya", typed).await.status, 404, "{typed}");
    }
}
