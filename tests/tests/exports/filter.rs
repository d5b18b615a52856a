//! A filtered export contains the same contacts as a list with the same filter.

use serde_json::{Value, json};
use tests::World;

use super::{
    file::{expected, rows},
    steps::{completed, order, requested, view},
};

async fn filtered(world: &World, user: &str, filter: Value) -> Vec<Vec<String>> {
    let mut body = order("csv");
    body["selection"] = json!({ "filter": filter });
    completed(world, user, &body).await;
    let mail = world.aws.mailbox().list().pop().unwrap();
    rows("csv", &mail.attachments[0].content)
}

#[tokio::test]
async fn text_view_custom_field_and_date_filters_work_in_an_export_as_in_a_list() {
    let world = World::with_flags().await;
    let contacts = json!({ "contacts": [
        { "external_id": "1", "name": "Silver Fern", "custom_fields": { "tier": 2 } },
        { "external_id": "2", "name": "Silver Moon", "emails": ["silver@moon.example"] },
    ] });
    assert_eq!(world.post("maya", "/cdp/customers/sync", &contacts).await.status, 200);
    for (filter, query) in [
        (json!({ "q": "silver" }), "q=silver"),
        (json!({ "q": "silver", "custom": { "tier": ["2"] } }), "q=silver&custom.tier=2"),
        (json!({ "custom": { "tier": ["1", "2"] } }), "custom.tier=2"),
        (json!({ "view": "owned-by-me" }), "view=owned-by-me"),
        (json!({ "view": "teams" }), "view=teams"),
        (json!({ "view": "assigned-to-me" }), "view=assigned-to-me"),
        (
            json!({ "created_from": "2026-01-05T03:00:00Z", "created_to": "2026-01-05T08:00:00Z" }),
            "created_from=2026-01-05T03:00:00Z&created_to=2026-01-05T08:00:00Z",
        ),
    ] {
        for user in ["maya", "lars"] {
            let list = world.get(user, &format!("/cdp/customers?limit=100&{query}")).await;
            let expected_rows = expected(list.data(), "Asia/Jakarta");
            if user == "maya" && query != "view=assigned-to-me" {
                assert!(!expected_rows.is_empty(), "{query}");
            }
            assert_eq!(
                filtered(&world, user, filter.clone()).await,
                expected_rows,
                "{user} {query}"
            );
        }
    }
}

#[tokio::test]
async fn an_export_with_the_teams_view_fails_instead_of_narrowing_when_launchpad_fails() {
    // The team flag is off, so teams are needed only because the filter selects the `teams` view.
    let world = World::start().await;
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    let mut body = order("csv");
    body["selection"] = json!({ "filter": { "view": "teams" } });
    let job = requested(&world, "maya", &body).await;
    world.process_queues().await;
    let job = view(&world, "maya", &job).await;
    assert_ne!(job["status"], "completed", "{job}");
    assert_eq!(job["rows"], 0);
}

#[tokio::test]
async fn an_invalid_export_filter_is_refused_with_its_field() {
    let world = World::with_flags().await;
    for (filter, field) in [
        (json!({ "q": "si" }), "selection.filter.q"),
        (json!({ "q": 7 }), "selection.filter.q"),
        (json!({ "view": "mine" }), "selection.filter.view"),
        (json!({ "custom": { "tier": "2" } }), "selection.filter.custom.tier"),
        (json!({ "custom": { "tier": vec!["x"; 101] } }), "selection.filter.custom"),
        (json!({ "tags": ["x".repeat(300)] }), "selection.filter.tags"),
    ] {
        let mut body = order("csv");
        body["selection"] = json!({ "filter": filter });
        let response = world.post("maya", "/cdp/exports", &body).await;
        assert_eq!((response.status, response.error()), (400, "INVALID_REQUEST"), "{filter}");
        assert_eq!(response.body["details"]["field"], field, "{filter}");
    }
}
