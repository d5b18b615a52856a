//! The restore of the table, as `docs/runbook.md`, "Restore the table", describes it.

use http::Method;
use serde_json::json;
use shared::table::Table;
use tests::World;

/// Copies all items, as a restore to a point in time does.
async fn copy(from: &Table, to: &Table) -> usize {
    let (mut copied, mut after) = (0, None);
    loop {
        let page = from.scan(after.as_ref()).await.unwrap();
        for item in page.items {
            to.put(item).await.unwrap();
            copied += 1;
        }
        after = page.last;
        if after.is_none() {
            return copied;
        }
    }
}

#[tokio::test]
async fn the_functions_continue_with_a_restored_table() {
    let damaged = World::with_flags().await;
    let restored = World::with_restored_table("contact-service-20261126").await;
    assert_eq!(restored.table().await.name(), "contact-service-20261126");
    // The state to return to, and a loss after it.
    let before = damaged.get("maya", "/cdp/customers?limit=100").await;
    assert!(copy(&damaged.table().await, &restored.table().await).await > 100);
    let lost = before.ids().remove(0);
    let path = format!("/cdp/customers/{lost}");
    assert_eq!(damaged.call("maya", Method::DELETE, &path, None).await.status, 200);

    // After the switch, functions read and write the restored table, with their ordinary roles.
    assert_eq!(restored.get("maya", "/cdp/customers?limit=100").await.body, before.body);
    assert_eq!(restored.get("maya", &path).await.status, 200);
    let name = json!({ "name": "Restored" });
    let changed = restored.call("maya", Method::PATCH, &path, Some(&name)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let named = restored.get("maya", "/cdp/customers?order_by=name&limit=100").await;
    assert_eq!(named.ids().len(), before.ids().len(), "the index was restored too");
    let note = json!({ "note": "<p>After the restore</p>" });
    let notes = format!("/v1/contacts/{lost}/notes");
    assert_eq!(restored.post("maya", &notes, &note).await.status, 201);
    let export = json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name"] });
    assert_eq!(restored.post("maya", "/cdp/exports", &export).await.status, 202);
    restored.process_queues().await;
    let report = restored.clean_up(restored.clock.now()).await;
    assert_eq!(report["failed"], 0, "{report}");
    assert_eq!(restored.get("maya", "/cdp/exports").await.data()[0]["status"], "completed");
    // The damaged table is kept as it was.
    assert_eq!(damaged.get("maya", &path).await.status, 404);
}
