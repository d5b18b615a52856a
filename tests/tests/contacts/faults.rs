use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use tests::{Response, World, team};

use super::table_state;

const CALLERS: usize = 6;
const KEYS: usize = 8;

/// The kinds of DynamoDB faults. Each has its probability from 0 to 1 and the error codes that a
/// caller may get.
const KINDS: [(&str, f64, &[&str]); 6] = [
    ("conflict", 0.3, &["CONFLICT"]),
    ("throttle", 0.15, &["THROTTLED", "UNAVAILABLE"]),
    ("unprocessed", 0.5, &["THROTTLED"]),
    ("commit_then_timeout", 0.1, &["UNAVAILABLE", "CONFLICT"]),
    ("stale_read", 1.0, &[]),
    ("gsi_lag", 1.0, &[]),
];

fn rows(caller: usize) -> Value {
    let row = |n: usize| {
        let teams = [vec![], vec![team("Sales")]][(caller + n) % 2].clone();
        json!({ "external_id": format!("K{n}"), "name": format!("By {caller}"),
            "emails": [format!("k{n}@faults.example")], "team_owner_ids": teams })
    };
    json!({ "contacts": (0..KEYS).map(row).collect::<Vec<_>>() })
}

/// Every error code in a response, including the codes of its rows.
fn errors(response: &Response) -> Vec<String> {
    let rows = response.data().as_array().into_iter().flatten();
    let row_errors = rows.filter_map(|row| row["error"]["error"].as_str());
    let whole = Some(response.error()).filter(|code| !code.is_empty());
    row_errors.chain(whole).map(str::to_owned).collect()
}

/// The number of live contacts with each external id.
async fn contacts_by_external_id(world: &World) -> BTreeMap<String, usize> {
    let items = table_state::everything(world).await;
    let mut contacts_by_external_id = BTreeMap::new();
    for (_, contact) in table_state::live(&items).into_values() {
        if let Some(id) = contact.external_id {
            *contacts_by_external_id.entry(id).or_default() += 1;
        }
    }
    contacts_by_external_id
}

#[tokio::test]
async fn a_unique_key_creates_one_contact_and_no_pointer_is_orphaned_under_any_fault() {
    for (kind, rate, codes) in KINDS {
        let world = World::with_flags().await;
        world.fault(&json!({ "target": "dynamodb", "kind": kind, "rate": rate }));
        for _ in 0..2 {
            let calls = (0..CALLERS).map(|caller| {
                let world = &world;
                async move { world.post("maya", "/cdp/customers/sync", &rows(caller)).await }
            });
            for response in futures::future::join_all(calls).await {
                assert!([200, 409, 429, 503].contains(&response.status), "{kind}: {response:?}");
                for error in errors(&response) {
                    assert!(codes.contains(&error.as_str()), "{kind}: {response:?}");
                }
            }
        }
        world.faults.clear();
        // A sync without faults repeats the rows and finds the existing contacts.
        let after = world.post("maya", "/cdp/customers/sync", &rows(0)).await;
        assert!(errors(&after).is_empty(), "{kind}: {after:?}");
        let expected = (0..KEYS).map(|n| (format!("K{n}"), 1)).collect();
        assert_eq!(contacts_by_external_id(&world).await, expected, "{kind}");
        table_state::clean_up(&world).await;
        table_state::assert_consistent(&world).await;
    }
}

#[tokio::test]
async fn single_writes_return_a_clear_result_and_leave_a_consistent_table_under_any_fault() {
    for (kind, rate, codes) in KINDS {
        let world = World::with_flags().await;
        let ids: Vec<String> = {
            let rows = world.post("maya", "/cdp/customers/sync", &rows(0)).await;
            rows.ids()
        };
        world.fault(&json!({ "target": "dynamodb", "kind": kind, "rate": rate }));
        let change = |n: usize| match n % 4 {
            0 => json!({ "team_owner_ids": [] }),
            1 => json!({ "team_owner_ids": [team("Sales")], "name": format!("N{n}") }),
            2 => json!({ "tags": [format!("t{n}")], "owner_id": tests::person("sinta") }),
            _ => json!({ "owner_id": tests::person("lars"), "emails": [format!("{n}@f.example")] }),
        };
        let calls = (0..32).map(|n| {
            let (world, path) = (&world, format!("/cdp/customers/{}", ids[n % ids.len()]));
            async move {
                if n % 16 == 15 {
                    world.call("maya", Method::DELETE, &path, None).await
                } else {
                    world.call("maya", Method::PATCH, &path, Some(&change(n))).await
                }
            }
        });
        for response in futures::future::join_all(calls).await {
            let fine = [200, 404].contains(&response.status);
            assert!(fine || codes.contains(&response.error()), "{kind}: {response:?}");
        }
        world.faults.clear();
        table_state::clean_up(&world).await;
        table_state::assert_consistent(&world).await;
    }
}

#[tokio::test]
async fn a_staged_update_leaves_a_consistent_table_under_any_fault() {
    for (kind, rate, codes) in KINDS {
        let world = World::with_flags().await;
        let (many, teams) = super::delete::with_many_teams(&world);
        let body = json!({ "name": "Wide", "team_owner_ids": teams });
        let created = world.post(&many, "/cdp/customers", &body).await;
        let path = format!("/cdp/customers/{}", created.data()["id"].as_str().unwrap());
        world.fault(&json!({ "target": "dynamodb", "kind": kind, "rate": rate }));
        let part = |n: usize| match n % 3 {
            0 => json!({ "team_owner_ids": teams[..2] }),
            1 => json!({ "team_owner_ids": teams }),
            _ => json!({ "team_owner_ids": teams[40..] }),
        };
        let changes = (0..6).map(|n| {
            let (world, many, path) = (&world, &many, &path);
            async move { world.call(many, Method::PATCH, path, Some(&part(n))).await }
        });
        for response in futures::future::join_all(changes).await {
            let fine = response.status == 200;
            assert!(fine || codes.contains(&response.error()), "{kind}: {response:?}");
        }
        world.faults.clear();
        table_state::clean_up(&world).await;
        table_state::assert_consistent(&world).await;
        assert_eq!(world.get(&many, &path).await.status, 200);
    }
}

#[tokio::test]
async fn a_staged_update_succeeds_once_its_record_is_written_even_if_its_pointers_fail() {
    let world = World::with_flags().await;
    let (many, teams) = super::delete::with_many_teams(&world);
    // The code that repairs the pointers reads the contact first. This read fails.
    world.fault(&json!({ "target": "dynamodb", "action": "GetItem", "status": 400 }));
    let body = json!({ "name": "Wide", "team_owner_ids": teams });
    let created = world.post(&many, "/cdp/customers", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let row = json!({ "external_id": "W", "name": "Wide", "team_owner_ids": teams });
    let rows = json!({ "contacts": [row] });
    let synced = world.post(&many, "/cdp/customers/sync", &rows).await;
    assert_eq!(synced.data()[0]["status"], "created", "{synced:?}");
    let path = format!("/cdp/customers/{}", created.data()["id"].as_str().unwrap());
    let deleted = world.call(&many, Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    world.faults.clear();
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
}
