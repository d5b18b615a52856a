use serde_json::{Value, json};
use shared::clock::Clock;

use super::*;
use crate::aws::Rule;
use crate::{demo_company, testing};

struct Services {
    upstreams: Upstreams,
    notifications: Notifications,
    faults: Faults,
}

impl Services {
    async fn start() -> Self {
        let directory = Directory::new();
        directory.upsert(demo_company::directory()).unwrap();
        let notifications = Notifications::new(Clock::System);
        let faults = Faults::new();
        let upstreams =
            Upstreams::start(directory, notifications.clone(), faults.clone()).await.unwrap();
        Self { upstreams, notifications, faults }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = testing::client()
            .get(format!("{}{path}", self.upstreams.launchpad_url()))
            .basic_auth(LAUNCHPAD_USER, Some(LAUNCHPAD_PASSWORD))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn notify(&self, key: &str, body: &Value) -> (u16, Value) {
        let url = self.upstreams.notifications_url();
        let response = testing::client()
            .post(format!("{url}/api/v1/notifications/chat"))
            .header("x-api-key", NOTIFICATION_API_KEY)
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn fault(&self, rule: &Value) {
        self.faults.add(Rule::parse(rule.to_string().as_bytes()).unwrap()).unwrap();
    }
}

fn person(handle: &str) -> String {
    demo_company::id("person", handle)
}

fn company(handle: &str) -> String {
    demo_company::id("company", handle)
}

#[tokio::test]
async fn responses_have_the_form_of_the_contract() {
    let services = Services::start().await;
    let budi = person("budi");
    let kopi = company("kopi");
    let paths = [
        format!("/private/users/{budi}/teams?include_descendants=true"),
        format!("/private/users/{budi}/teams"),
        format!("/private/users/{}/teams?include_descendants=true", person("putri")),
        format!("/private/users/{}/permissions", person("yuki")),
        format!("/private/companies/{kopi}"),
        format!("/iag/v1/users/{}?company_sso_id={kopi}", person("rina")),
        format!("/iag/v1/users?company_sso_id={kopi}&query=AN&page=1&per_page=2"),
        format!("/iag/v1/teams?company_sso_id={kopi}&page=2&per_page=5"),
    ];
    let mut responses = serde_json::Map::new();
    for path in paths {
        let (status, body) = services.get(&path).await;
        assert_eq!(status, 200, "{path}");
        responses.insert(path, body);
    }
    insta::assert_json_snapshot!(responses);
}

#[tokio::test]
async fn an_unknown_person_or_company_is_a_404() {
    let services = Services::start().await;
    let stranger = demo_company::id("person", "stranger");
    for path in [
        format!("/private/users/{stranger}/teams?include_descendants=true"),
        format!("/private/users/{stranger}/permissions"),
        format!("/private/companies/{stranger}"),
        format!("/iag/v1/users/{stranger}"),
        format!("/iag/v1/users/{}?company_sso_id={}", person("maya"), company("senja")),
        "/private/users/1001/teams".to_owned(),
        "/somewhere".to_owned(),
    ] {
        assert_eq!(services.get(&path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_person_is_found_by_the_legacy_mobile_id() {
    let services = Services::start().await;
    let (_, body) = services.get("/iag/v1/users/1001").await;
    assert_eq!(body["data"]["sso_id"], person("maya"));
}

#[tokio::test]
async fn a_wrong_service_token_is_refused() {
    let services = Services::start().await;
    let url = format!("{}/private/companies/x", services.upstreams.launchpad_url());
    let client = testing::client();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    let wrong = client.get(&url).basic_auth(LAUNCHPAD_USER, Some("wrong")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
}

#[tokio::test]
async fn a_fault_applies_to_its_target_only() {
    let services = Services::start().await;
    services.fault(&json!({"target": "launchpad.teams", "status": 503}));
    let maya = person("maya");
    assert_eq!(services.get(&format!("/private/users/{maya}/teams")).await.0, 503);
    assert_eq!(services.get(&format!("/private/users/{maya}/permissions")).await.0, 200);
    services.faults.clear();
    assert_eq!(services.get(&format!("/private/users/{maya}/teams")).await.0, 200);
}

#[tokio::test]
async fn one_idempotency_key_makes_one_notification() {
    let services = Services::start().await;
    let body = json!({"sso_id": person("maya"), "title": "t", "description": "d"});
    let (status, first) = services.notify("note:maya", &body).await;
    assert_eq!(status, 200);
    assert_eq!(services.notify("note:maya", &body).await.1, first);
    let list = services.notifications.list();
    assert_eq!((list.len(), list[0].duplicates), (1, 1));
    assert_eq!(list[0].path, "/api/v1/notifications/chat");
    assert_eq!(list[0].headers["idempotency-key"], "note:maya");
    assert!(!list[0].headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn a_notification_whose_response_is_lost_was_accepted() {
    let services = Services::start().await;
    services.fault(&json!({"target": "notifications", "kind": "commit_then_timeout", "times": 1}));
    let url = format!("{}/notif/v1/notifications", services.upstreams.notifications_url());
    let post = || {
        testing::client()
            .post(&url)
            .header("x-api-key", NOTIFICATION_API_KEY)
            .header("idempotency-key", "job")
            .json(&json!({"sso_id": "x", "title": "t", "description": "d"}))
            .send()
    };
    let lost = match post().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(lost);
    let id = post().await.unwrap().json::<Value>().await.unwrap()["notification_id"].clone();
    let list = services.notifications.list();
    assert_eq!((list.len(), list[0].duplicates), (1, 1));
    assert_eq!(json!(list[0].notification_id), id);
}

#[tokio::test]
async fn a_notification_needs_a_key_and_its_fields() {
    let services = Services::start().await;
    let url = services.upstreams.notifications_url();
    let unauthorized =
        testing::client().post(format!("{url}/notif/v1/notifications")).send().await.unwrap();
    assert_eq!(unauthorized.status(), 401);
    let (status, body) = services.notify("k", &json!({"sso_id": "x", "title": "t"})).await;
    assert_eq!((status, &body["message"]), (400, &json!("description is required")));
    services.fault(&json!({"target": "notifications", "status": 500}));
    let whole = json!({"sso_id": "x", "title": "t", "description": "d"});
    assert_eq!(services.notify("k", &whole).await.0, 500);
    assert!(services.notifications.list().is_empty());
}

#[test]
fn a_cycle_of_teams_does_not_loop_forever() {
    let directory = Directory::new();
    let [a, b] = [demo_company::id("team", "a"), demo_company::id("team", "b")];
    let upserts = json!({
        "teams": [
            {"id": a, "company_sso_id": "c", "name": "A", "parent_id": b},
            {"id": b, "company_sso_id": "c", "name": "B", "parent_id": a},
        ],
        "people": [{"sso_id": person("x"), "company_sso_id": "c", "email": "x@c.example",
                    "team_ids": [a]}],
    });
    directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap();
    let person = directory.find("x@c.example").unwrap();
    assert_eq!(directory.expanded_team_ids(&person), [a, b]);
}

#[test]
fn upserts_are_applied_as_a_whole_or_not_at_all() {
    let directory = Directory::new();
    let upserts = json!({
        "companies": [{"company_sso_id": "c", "name": "C", "plan": "growth"}],
        "people": [{"sso_id": "no-uuid", "company_sso_id": "c", "email": "x@c.example"}],
    });
    let error = directory.upsert(serde_json::from_value(upserts).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "people.sso_id: `no-uuid` is not a UUID");
    assert!(directory.company("c").is_none());
}
