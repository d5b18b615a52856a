use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::contact::{Contact, StalePointers};
use tests::World;

use super::company::{contact, contacts, ids, pages, put, team};

#[tokio::test]
async fn a_page_ends_at_three_megabytes_and_the_next_page_continues() {
    let world = World::with_flags().await;
    let large = |n: i64| {
        let text = "x".repeat(31 * 1024);
        Contact {
            custom_fields: json!({ "text": text }).as_object().unwrap().clone(),
            ..contact(&world, n, &format!("Large {n:03}"))
        }
    };
    let all: Vec<Contact> = (0..105).map(large).collect();
    put(&world, &all).await;
    for path in [
        "/cdp/customers?limit=100",
        "/cdp/customers?limit=100&order_by=name&source=test",
        "/cdp/customers?limit=100&source=test",
        "/cdp/customers?limit=100&q=large",
    ] {
        let found = pages(&world, "maya", path).await;
        let longest = found.iter().map(|page| json!(page).to_string().len()).max().unwrap();
        assert!(found.len() > 1 && longest < 4 * 1024 * 1024, "{path}: {longest}");
        assert!(found[0].len() < 100, "{path}: {}", found[0].len());
        let found = ids(found.iter().flatten());
        let large: BTreeSet<String> = all.iter().map(|it| it.id.to_string()).collect();
        let times = |id: &String| found.iter().filter(|found| *found == id).count();
        assert!(large.iter().all(|id| times(id) == 1), "{path}");
    }
}

#[tokio::test]
async fn unchanged_contacts_are_listed_exactly_once_while_others_write() {
    let world = World::with_flags().await;
    let stable: Vec<Contact> = (0..40)
        .map(|n| Contact {
            team_owner_ids: vec![team(["Jakarta SMB", "Bandung"][usize::try_from(n % 2).unwrap()])],
            ..contact(&world, 2 * n, &format!("Stable {n:02}"))
        })
        .collect();
    put(&world, &stable).await;
    let store = contacts(&world).await;
    for path in [
        "/cdp/customers?limit=7",
        "/cdp/customers?limit=7&order_by=name",
        "/cdp/customers?limit=7&q=stable",
        "/cdp/customers?limit=7&source=test&direction=asc",
    ] {
        let (mut seen, mut cursor, mut page) = (Vec::new(), String::new(), 0);
        loop {
            let response = world.get("lars", &format!("{path}&cursor={cursor}")).await;
            seen.extend(response.ids());
            // Between two pages, contacts are added and deleted before and after the cursor. Some
            // of them match the search text and some do not.
            for n in 0..4 {
                let at = 2 * ((page * 13 + n * 5) % 40) + 1;
                let name = ["Stable too", "Another"][usize::try_from(n % 2).unwrap()];
                let mut other = contact(&world, at, name);
                store.write(None, &other, StalePointers::Delete).await.unwrap();
                if n > 1 {
                    let before = other.clone();
                    other.deleted_at = Some(world.clock.now());
                    other.version += 1;
                    store.write(Some(&before), &other, StalePointers::Keep).await.unwrap();
                }
            }
            page += 1;
            match response.body["meta"]["next_cursor"].as_str() {
                Some(next) if page < 60 => next.clone_into(&mut cursor),
                Some(_) => panic!("the pages do not end: {path}"),
                None => break,
            }
        }
        for contact in &stable {
            let id = contact.id.to_string();
            assert_eq!(
                seen.iter().filter(|seen| **seen == id).count(),
                1,
                "{path} {:?}",
                contact.name
            );
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{path}");
    }
}

#[tokio::test]
async fn team_s03_ac1_the_list_is_the_same_on_mobile_and_web() {
    let world = World::with_flags().await;
    for handle in ["maya", "lars", "sinta", "putri", "andre"] {
        let mut bodies: Vec<Value> = Vec::new();
        for platform in ["web", "mobile"] {
            let path = "/cdp/customers?limit=100";
            let headers = [("x-platform", platform)];
            bodies.push(world.send(handle, Method::GET, path, &headers, Bytes::new()).await.body);
        }
        assert_eq!(bodies[0], bodies[1], "{handle}");
    }
}

#[tokio::test]
async fn team_s03_a_deep_link_to_a_contact_out_of_scope_is_refused_on_mobile() {
    let world = World::with_flags().await;
    let kartika = world.get("maya", "/cdp/customers?q=kartika").await.ids()[0].clone();
    let path = format!("/cdp/customers/{kartika}");
    let headers = [("x-platform", "mobile")];
    let response = world.send("sinta", Method::GET, &path, &headers, Bytes::new()).await;
    assert_eq!((response.status, response.error()), (403, "FORBIDDEN"));
}
