//! The steps of `docs/runbook.md` for a company that leaves and for a person's request about their
//! data.

use jiff::SignedDuration;
use local::demo_company;
use serde_json::{Value, json};
use shared::table::{Query, from_item};
use tests::{World, person};

fn company(name: &str) -> String {
    demo_company::id("company", name)
}

/// All items of the table as text. Items of a removal run are left out.
async fn items(world: &World) -> Vec<String> {
    let table = world.table().await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = table.scan(after.as_ref()).await.unwrap();
        let texts =
            page.items.into_iter().map(|item| from_item::<Value>(item).unwrap().to_string());
        found.extend(texts);
        after = page.last;
        if after.is_none() {
            found.retain(|item| !item.contains("REMOVAL#"));
            found.sort();
            return found;
        }
    }
}

/// The keys of all files in the bucket.
async fn keys(world: &World) -> Vec<String> {
    let files = world.files().await;
    let list = files.client().list_objects_v2().bucket(files.bucket()).send().await.unwrap();
    list.contents().iter().filter_map(|file| file.key().map(str::to_owned)).collect()
}

async fn run(world: &World, request: &Value) -> Value {
    let answer = world.invoke("CompanyRemoval", request.clone()).await;
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

/// A world in which the growth company has everything that is stored about a company: contacts,
/// notes, ledger, an export with its link, idempotency records, due items, and files.
async fn used() -> World {
    let world = World::with_flags().await;
    let key = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let body = json!({ "name": "Leaving", "emails": ["leaving@example.com"] }).to_string();
    let created =
        world.send("sinta", http::Method::POST, "/cdp/customers", &key, body.into()).await;
    let id = created.data()["id"].as_str().unwrap().to_owned();
    let note = format!("<p><a data-user-id=\"{}\">@x</a> secret</p>", person("budi"));
    let path = format!("/v1/contacts/{id}/notes");
    assert_eq!(world.post("sinta", &path, &json!({ "note": note })).await.status, 201);
    // Enough contacts for several pages of the table.
    for batch in 0..3 {
        let row = |n: u32| {
            let id = batch * 90 + n;
            let email = format!("many{id}@example.com");
            json!({ "name": format!("Many {id}"), "external_id": id.to_string(), "emails": [email] })
        };
        let rows: Vec<Value> = (0..90).map(row).collect();
        let many = world.post("maya", "/cdp/customers/sync", &json!({ "contacts": rows })).await;
        assert_eq!(many.data()[89]["status"], "created", "{}", many.body);
    }
    let export = json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name"] });
    assert_eq!(world.post("budi", "/cdp/exports", &export).await.status, 202);
    world.process_queues().await;
    world.call("sinta", http::Method::DELETE, &format!("/cdp/customers/{id}"), None).await;
    world
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let world = used().await;
    let before = (items(&world).await, keys(&world).await);
    let request = json!({ "company_sso_id": company("kopi"), "units_per_second": 1e6 });
    let answer = run(&world, &request).await;
    assert_eq!((&answer["mode"], &answer["state"]), (&json!("dry_run"), &json!("completed")));
    let own = before.0.iter().filter(|item| item.contains(&company("kopi"))).count();
    assert_eq!(answer["items"], own, "{answer}");
    assert!(answer["contacts"].as_u64() > Some(5) && answer["notes"] == 1, "{answer}");
    assert!(answer["files"].as_u64() >= Some(1), "{answer}");
    assert_eq!(before, (items(&world).await, keys(&world).await));
}

#[tokio::test]
async fn an_export_has_every_item_of_the_company_and_of_no_other_one() {
    let world = used().await;
    let request = json!({
        "company_sso_id": company("kopi"), "mode": "export", "units_per_second": 1e6,
    });
    let answer = run(&world, &request).await;
    let part = format!(
        "private/removal/{}/{}/00001.jsonl",
        company("kopi"),
        answer["run_id"].as_str().unwrap()
    );
    let lines = world.files().await.read(&part).await.unwrap();
    let lines: Vec<Value> = String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answer["items"], lines.len());
    assert!(lines.iter().all(|line| line.to_string().contains(&company("kopi"))));
    assert!(lines.iter().any(|line| line["sk"] == "PROFILE" && line["name"] == "Leaving"));
}

#[tokio::test]
async fn a_removal_leaves_nothing_of_the_company_and_everything_of_the_others() {
    let world = used().await;
    let is_own = |text: &String| text.contains(&company("kopi"));
    let mut others = items(&world).await;
    others.retain(|item| !is_own(item));
    assert!(others.len() > 20, "{}", others.len());

    let mut request = json!({ "company_sso_id": company("kopi"), "mode": "remove" });
    let refused = world.invoke("CompanyRemoval", request.clone()).await;
    assert_eq!(refused["error"], "INVALID_REQUEST", "not confirmed: {refused}");
    request["confirm"] = json!(company("kopi"));
    request["units_per_second"] = json!(1e6);
    // Each invocation reads one page, as if the table were much larger.
    world.limit_time(Some(SignedDuration::ZERO));
    let mut runs = 1;
    let mut answer = run(&world, &request).await;
    while answer["state"] == "running" {
        let next = run(&world, &request).await;
        assert_eq!(next["run_id"], answer["run_id"], "the run continues");
        (answer, runs) = (next, runs + 1);
    }
    assert!(runs > 1, "the table has several pages");

    let left = items(&world).await;
    let mine: Vec<&String> = left.iter().filter(|item| is_own(item)).collect();
    assert!(mine.is_empty(), "{mine:#?}");
    assert_eq!(left, others, "the items of the other companies are unchanged");
    assert_eq!(keys(&world).await, Vec::<String>::new());
    let again = json!({ "company_sso_id": company("kopi"), "units_per_second": 1e6 });
    world.limit_time(None);
    assert_eq!(run(&world, &again).await["items"], 0);
    // Nothing is left to do for the clean-up.
    let later = world.clock.now() + SignedDuration::from_hours(24 * 60);
    assert_eq!(world.clean_up(later).await["failed"], 0);
}

#[tokio::test]
async fn everything_about_one_person_is_in_the_partition_of_the_contact() {
    let world = used().await;
    let id = world.get("maya", "/cdp/customers/by-email/leaving@example.com").await;
    assert_eq!(id.status, 404, "the contact is deleted, and its data is still stored");
    let deleted = world.get("maya", "/cdp/customers?view=deleted").await;
    let id = deleted.ids().remove(0);
    let partition = format!("CO#{}#CONTACT#{id}", company("kopi"));
    let found = world.table().await.query(&Query::partition(partition)).await.unwrap();
    let kinds: Vec<String> = found
        .items
        .iter()
        .map(|item| item["sk"].as_s().unwrap().split('#').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["MENTION", "NOTE", "PROFILE"], "ledger, note and contact");
    // The erasure of the person removes them.
    let path = format!("/cdp/customers/{id}?erase=true");
    let erased = world.call("maya", http::Method::DELETE, &path, None).await;
    assert_eq!(erased.status, 200, "{}", erased.body);
    for minutes in [1, 10, 20] {
        world.clean_up(world.clock.now() + SignedDuration::from_mins(minutes)).await;
    }
    let left = items(&world).await;
    let left: Vec<&String> = left.iter().filter(|item| item.contains(&id)).collect();
    assert!(left.iter().all(|item| !item.contains("Leaving")), "{left:#?}");
}
