use serde_json::{Value, json};
use shared::contact::Contact;
use tests::{Log, World, person};

use super::company::{contact, everything, ids, pages, put, rule};

const TEAMS: usize = 60;

/// Adds a person who is in sixty teams, and 400 contacts. These teams own `share` percent of the
/// contacts.
async fn company(world: &World, share: usize) {
    let company = local::demo_company::id("company", "kopi");
    let team = |n: usize| local::demo_company::team_id("kopi", &format!("Team {n}"));
    let upserts = json!({
        "teams": (0..=TEAMS).map(|n| json!({
            "id": team(n), "company_sso_id": company, "name": format!("Team {n}"), "parent_id": null
        })).collect::<Vec<_>>(),
        "people": [{
            "sso_id": person("wide"), "handle": "wide", "company_sso_id": company,
            "full_name": "Wide Scope", "email": "wide@kopi.example", "status": "active",
            "staff_level": "Agent", "team_ids": (0..TEAMS).map(team).collect::<Vec<_>>(),
            "levels": local::demo_company::PERMISSIONS.iter()
                .map(|permission| ((*permission).to_owned(), json!("team")))
                .collect::<serde_json::Map<_, _>>(),
        }]
    });
    world.directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
    let contacts: Vec<Contact> = (0..400usize)
        .map(|n| {
            let is_own_team = n % 100 < share;
            let owner = if is_own_team { team(n % TEAMS) } else { team(TEAMS) };
            Contact {
                team_owner_ids: vec![owner.parse().unwrap()],
                ..contact(world, i64::try_from(n).unwrap(), &format!("Wide {}", (n * 7) % 400))
            }
        })
        .collect();
    put(world, &contacts).await;
}

#[tokio::test]
async fn a_viewer_of_many_teams_gets_the_contacts_of_the_rule_by_the_cheaper_plan() {
    for (share, plans) in [(95, vec!["walk"]), (2, vec!["walk_then_merge", "merge", "walk"])] {
        let world = World::with_flags().await;
        company(&world, share).await;
        let all = everything(&world).await;
        let admitted = |contact: &&Value| rule(&world, "wide", "customers_customers_view", contact);
        let expected = ids(all.iter().filter(admitted));
        let log = Log::capture();
        let found = pages(&world, "wide", "/cdp/customers?limit=25").await;
        assert_eq!(ids(&found.concat()), expected, "{share} percent");
        assert!(
            found.iter().rev().skip(1).all(|page| page.len() == 25),
            "pages before the last are full"
        );
        let logged: Vec<Value> =
            log.responses().iter().map(|line| line["read_plan"].clone()).collect();
        assert!(logged.iter().all(|plan| plans.iter().any(|one| plan == one)), "{logged:?}");
        assert_eq!(logged[0], plans[0], "{share} percent");
        let by_name = pages(&world, "wide", "/cdp/customers?limit=40&order_by=name").await.concat();
        let mut sorted = ids(&by_name);
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(sorted, expected, "the same contacts by name");
    }
}

#[tokio::test]
async fn a_walk_is_cheaper_than_a_query_per_team_for_a_viewer_of_many_teams() {
    let world = World::with_flags().await;
    company(&world, 95).await;
    world.get("wide", "/cdp/customers?limit=25").await;
    world.usage.reset();
    assert_eq!(world.get("wide", "/cdp/customers?limit=25").await.ids().len(), 25);
    let actions = &world.usage.snapshot()["ContactList"]["actions"];
    println!("25 contacts of a viewer of {TEAMS} teams by a walk: {actions}");
    assert!(actions["dynamodb.Query"]["calls"].as_u64().unwrap() <= 2, "{actions}");
}
