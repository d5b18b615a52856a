//! Searches for several words of a name: their results, and what they cost (SPEC §2, "List";
//! ARCHITECTURE, "Targets").

use serde_json::Value;
use shared::contact::Contact;
use tests::{World, person, team};

use super::company::{contact, encoded, ids, pages, put};

/// The maximum read units of the first page.
const MOST_UNITS: f64 = 100.0;

fn paths(q: &str) -> [String; 2] {
    let q = encoded(q);
    [format!("/cdp/customers/search-assoc?q={q}"), format!("/cdp/customers?q={q}")]
}

/// A world with 3,000 contacts that have the word "contact", and these contacts too.
async fn world_with(more: impl Fn(&World) -> Vec<Contact>) -> World {
    let world = World::with_flags().await;
    let (table, clock) = (world.table().await, world.clock.clone());
    local::demo_contacts::load(&world.aws.database(), &table, &clock, 3_000).unwrap();
    put(&world, &more(&world)).await;
    world
}

/// The calls and read units of both functions since the last reset.
fn cost(world: &World) -> (u64, f64) {
    let usage = world.usage.snapshot();
    let functions = ["ContactSearch", "ContactList"].map(|name| usage[name]["actions"].clone());
    let actions: Vec<&Value> =
        functions.iter().filter_map(Value::as_object).flat_map(|all| all.values()).collect();
    let calls = actions.iter().filter_map(|action| action["calls"].as_u64()).sum();
    (calls, actions.iter().filter_map(|action| action["read_units"].as_f64()).sum())
}

#[tokio::test]
async fn a_rare_word_leads_to_its_contact_on_the_first_page_for_few_calls() {
    let world = world_with(|world| {
        let owner = person("agus").parse().ok();
        let teams = vec![team("Jakarta SMB").parse().unwrap()];
        let rare = contact(world, 1, "Contact Rizki O'Brien");
        vec![Contact { owner_id: owner, team_owner_ids: teams, ..rare }]
    })
    .await;
    for user in ["maya", "sinta", "agus"] {
        for q in ["contact rizki", "rizki contact", "riz cont", "contact o'brien", "obr contact"] {
            for path in paths(q) {
                world.get(user, &path).await;
                world.usage.reset();
                let found = world.get(user, &path).await;
                assert_eq!(found.ids().len(), 1, "{user} {path}: {}", found.body);
                assert!(found.body["meta"]["next_cursor"].is_null(), "{user} {path}");
                let (calls, units) = cost(&world);
                assert!(calls <= 6 && units <= 10.0, "{user} {path}: {calls} calls, {units} units");
            }
        }
    }
    // André sees neither the contact nor its team.
    for path in paths("contact rizki") {
        assert!(world.get("andre", &path).await.ids().is_empty());
    }
}

#[tokio::test]
async fn all_contacts_of_two_words_are_found_once_in_full_pages() {
    // As many contacts as a search reads at once, and more.
    for matches in [100, 200] {
        all_are_found_once(matches).await;
    }
}

async fn all_are_found_once(matches: usize) {
    let world = world_with(|world| {
        let name = |n: i64| format!("Contact {n} Seldom{}", if n % 2 == 0 { "ly" } else { "" });
        (1..=i64::try_from(matches).unwrap()).map(|n| contact(world, n, &name(n))).collect()
    })
    .await;
    for path in paths("seldom contact") {
        let found = pages(&world, "maya", &format!("{path}&limit=50")).await;
        // The last page may be empty: only the rest of the company's contacts shows the end.
        let sizes = found.iter().map(Vec::len).filter(|size| *size > 0);
        assert_eq!(sizes.collect::<Vec<_>>(), vec![50; matches / 50], "{path}");
        let mut all = ids(&found.concat());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), matches, "{path}: each contact once");
        world.usage.reset();
        let first = world.get("maya", &path).await;
        let (calls, units) = cost(&world);
        assert!(!first.ids().is_empty() && units <= MOST_UNITS, "{path}: {units} units");
        assert!(calls <= 20, "{path}: {calls} calls");
    }
}

#[tokio::test]
async fn a_search_without_a_match_of_all_words_ends_at_once() {
    let world = world_with(|world| vec![contact(world, 1, "Rizki Alone")]).await;
    for user in ["maya", "sinta"] {
        for path in paths("contact rizki") {
            let found = world.get(user, &path).await;
            assert!(found.ids().is_empty() && found.body["meta"]["next_cursor"].is_null());
        }
    }
}
