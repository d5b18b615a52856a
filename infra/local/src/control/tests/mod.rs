mod web_console;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::Response;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::export::Files;
use tower::ServiceExt as _;

use super::*;
use crate::aws::Faults;
use crate::demo_company;
use crate::identity::{DEFAULT_LIFETIME, Identity, TokenLifetime};
use crate::record::{Events, Invocation, Mailbox, Notifications, Requests, Usage};
use crate::upstreams::Directory;

const ISSUER: &str = "http://127.0.0.1:3000/";

struct Control {
    router: Router,
    state: ControlState,
    cleaned_up_at: Arc<Mutex<Vec<Timestamp>>>,
}

/// A bucket at an address where no server listens.
fn unreachable_bucket() -> Files {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_s3::config::Region::new("local"))
        .endpoint_url("http://127.0.0.1:9")
        .build();
    Files::new(aws_sdk_s3::Client::from_conf(config), "bucket")
}

fn control() -> Control {
    let directory = Directory::new();
    directory.upsert(demo_company::directory()).unwrap();
    let cleaned_up_at: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let clock = Clock::manual("2026-11-21T08:00:00Z".parse().unwrap());
    let clean_up: CleanUp = {
        let times = Arc::clone(&cleaned_up_at);
        Arc::new(move |time| {
            times.lock().unwrap().push(time);
            Box::pin(async { Ok(json!({ "swept": 1 })) })
        })
    };
    let state = ControlState {
        identity: Identity::start(None, clock.clone()).unwrap(),
        lifetime: TokenLifetime::new(DEFAULT_LIFETIME),
        issuer: ISSUER.to_owned(),
        audience: "contact-service".to_owned(),
        directory,
        mailbox: Mailbox::new(clock.clone()),
        notifications: Notifications::new(clock.clone()),
        events: Events::new(),
        requests: Requests::new(),
        usage: Usage::new(),
        faults: Faults::new(),
        files: unreachable_bucket(),
        flags: Arc::new(|company| {
            let on = company == demo_company::id("company", "kopi");
            let flags = json!({ "cdp_team_permission_enabled": on });
            Box::pin(async move { flags.as_object().cloned().unwrap_or_default() })
        }),
        clean_up,
        clock,
    };
    let endpoints = router(state.clone()).merge(analytics_router(state.clone()));
    Control { router: Router::new().nest("/_local", endpoints), state, cleaned_up_at }
}

impl Control {
    async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_local{path}"))
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

#[tokio::test]
async fn a_token_is_issued_by_handle_email_and_id() {
    let control = control();
    let maya = demo_company::id("person", "maya");
    for user in ["maya", "maya@kopi.example", &maya] {
        let body = control.get(&format!("/token?user={user}")).await;
        let audience = ["contact-service".to_owned()];
        let token = body["token"].as_str().unwrap();
        let claims = control.state.identity.verify(token, ISSUER, &audience).unwrap();
        assert_eq!(claims["sub"], maya);
        assert_eq!(claims["company_sso_id"], demo_company::id("company", "kopi"));
    }
}

#[tokio::test]
async fn the_error_for_an_unknown_user_lists_the_known_users() {
    let control = control();
    let (status, body) = control.call("GET", "/token?user=unknown", "").await;
    assert_eq!(status, 404);
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with("Unknown user `unknown`. Known users: "), "{message}");
    assert!(message.contains("maya"));
    let (status, body) = control.call("GET", "/token", "").await;
    assert_eq!((status, &body["error"]), (400, &json!("INVALID_REQUEST")));
}

#[tokio::test]
async fn users_are_shown_with_plan_levels_flags_and_teams() {
    let control = control();
    let body = control.get("/users").await;
    let users = body["data"].as_array().unwrap();
    let budi = users.iter().find(|user| user["handle"] == "budi").unwrap();
    insta::assert_json_snapshot!(budi);
    let rudi = users.iter().find(|user| user["handle"] == "rudi").unwrap();
    assert_eq!(rudi["flags"], json!({ "cdp_team_permission_enabled": false }));
}

#[tokio::test]
async fn companies_teams_and_people_are_upserted() {
    let control = control();
    let id = demo_company::id("person", "new");
    let body = json!({"people": [{"sso_id": id, "company_sso_id": "c", "full_name": "New",
        "email": "new@c.example", "status": "active", "team_ids": [],
        "levels": {"customers_customers_view": "own"}}]});
    let (status, body) = control.call("POST", "/directory", &body.to_string()).await;
    assert_eq!((status, body), (200, json!({"data": {"companies": 0, "teams": 0, "people": 1}})));
    assert_eq!(control.state.directory.find(&id).unwrap().full_name.as_deref(), Some("New"));

    let bad = json!({"people": [{"sso_id": id, "company_sso_id": "c", "email": "e",
        "levels": {"customers_customers_view": "all"}}]});
    let (status, body) = control.call("POST", "/directory", &bad.to_string()).await;
    assert_eq!(
        (status, body["message"].as_str().unwrap()),
        (400, "levels: `all` is not one of disabled, own, team, everything")
    );
}

#[tokio::test]
async fn mail_notifications_and_events_are_shown() {
    let control = control();
    let raw = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: Hi\r\n\r\nBody\r\n".to_vec();
    let mail = control.state.mailbox.parse(raw, None, Vec::new()).unwrap();
    control.state.mailbox.keep(mail);
    let _ = control.state.notifications.accept("/p", [].into(), json!({"title": "t"}));
    control.state.events.push("NoteWrite", json!({"event_name": "cdp_note_mention_added"}));
    control.state.events.push("NoteWrite", json!({"event_name": "other"}));

    let mail = control.get("/mail").await;
    assert_eq!(mail["data"][0]["subject"], "Hi");
    assert_eq!(mail["data"][0]["sent_at"], "2026-11-21T08:00:00Z");
    assert_eq!(control.get("/notifications").await["data"][0]["body"]["title"], "t");
    let events = control.get("/events?name=cdp_note_mention_added").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    assert_eq!(control.get("/events").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn usage_is_shown_and_reset() {
    let control = control();
    let _ = control.state.usage.finish_invocation(Invocation {
        function: "ContactList".to_owned(),
        access_key_id: "k".to_owned(),
        cold: true,
        duration: std::time::Duration::from_millis(7),
        cpu: std::time::Duration::ZERO,
        peak_memory_bytes: 5,
        status: "ok".to_owned(),
    });
    assert_eq!(control.get("/usage").await["data"]["ContactList"]["invocations"], 1);
    assert_eq!(control.call("DELETE", "/usage", "").await, (200, json!({"data": {}})));
}

#[tokio::test]
async fn faults_are_added_listed_and_cleared() {
    let control = control();
    let rule = json!({"target": "launchpad.teams", "latency_ms": 800, "status": null,
                      "rate": 1.0, "kind": null});
    let (status, body) = control.call("POST", "/faults", &rule.to_string()).await;
    assert_eq!((status, &body["data"][0]["latency_ms"]), (200, &json!(800)));
    assert_eq!(control.get("/faults").await, body);
    let (status, body) =
        control.call("POST", "/faults", r#"{"target":"s3","kind":"gsi_lag"}"#).await;
    assert_eq!(
        (status, body),
        (
            400,
            json!({"error": "INVALID_REQUEST",
                     "message": "kind `gsi_lag` does not apply to target `s3`"})
        )
    );
    assert_eq!(control.call("DELETE", "/faults", "").await, (200, json!({"data": []})));
    assert_eq!(control.call("POST", "/faults", "{").await.0, 400);
}

#[tokio::test]
async fn the_clean_up_runs_now_or_as_if_at_another_time() {
    let control = control();
    let (status, body) = control.call("POST", "/clean-up", "").await;
    assert_eq!((status, body), (200, json!({"data": {"swept": 1}})));
    control.call("POST", "/clean-up", r#"{"time":"2026-11-23T09:00:00Z"}"#).await;
    let times: Vec<String> =
        control.cleaned_up_at.lock().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(times, ["2026-11-21T08:00:00Z", "2026-11-23T09:00:00Z"]);
    assert_eq!(control.call("POST", "/clean-up", r#"{"time":"soon"}"#).await.0, 400);
}

#[tokio::test]
async fn an_unknown_endpoint_and_a_wrong_method_are_errors() {
    let control = control();
    assert_eq!(control.call("GET", "/nothing", "").await.0, 404);
    assert_eq!(control.call("PUT", "/usage", "").await.0, 405);
}
