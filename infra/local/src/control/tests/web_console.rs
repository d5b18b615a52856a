//! Tests of the endpoints that the web console uses: mail, notifications, analytics and requests.

use super::*;
use crate::record::ReceivedRequest;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_person_has_their_own_notifications_and_reads_them() {
    let control = control();
    let accept = |person: &str| {
        control.state.notifications.accept("/p", [].into(), json!({ "sso_id": person }))
    };
    let (first, _other, second) = (accept("a"), accept("b"), accept("a"));
    let path = format!("/notifications/{second}");
    let (status, read) = control.call("PUT", &path, r#"{"read": true}"#).await;
    assert_eq!((status, &read["data"]["read_at"]), (200, &json!("2026-11-21T08:00:00Z")));

    let own = control.get("/notifications?user=a").await;
    let own = own["data"].as_array().unwrap();
    let shown: Vec<_> = own.iter().map(|one| (&one["notification_id"], &one["read_at"])).collect();
    let (first, second) = (json!(first), json!(second));
    assert_eq!(shown, [(&first, &Value::Null), (&second, &json!("2026-11-21T08:00:00Z"))]);
    assert_eq!(control.get("/notifications").await["data"].as_array().unwrap().len(), 3);
    assert_eq!(control.get("/notifications?user=c").await, json!({ "data": [] }));

    let (_, unread) = control.call("PUT", &path, r#"{"read": false}"#).await;
    assert_eq!(unread["data"]["read_at"], Value::Null);
}

#[tokio::test]
async fn an_unknown_notification_and_an_invalid_mark_are_refused() {
    let control = control();
    for id in [UNKNOWN, "x"] {
        let path = format!("/notifications/{id}");
        let (status, body) = control.call("PUT", &path, r#"{"read": true}"#).await;
        assert_eq!((status, &body["error"]), (404, &json!("NOT_FOUND")), "{id}");
    }
    let id = control.state.notifications.accept("/p", [].into(), json!({}));
    for body in ["", "{}", r#"{"read": "yes"}"#, r#"{"read": true, "seen": true}"#] {
        let (status, _) = control.call("PUT", &format!("/notifications/{id}"), body).await;
        assert_eq!(status, 400, "{body}");
    }
}

#[tokio::test]
async fn the_html_of_a_mail_is_a_page_that_runs_nothing() {
    let control = control();
    let keep = |content_type: &str| {
        let raw = format!("Subject: Hi\r\nContent-Type: {content_type}\r\n\r\n<p>Hi</p>\r\n");
        let mail = control.state.mailbox.parse(raw.into_bytes(), None, Vec::new()).unwrap();
        control.state.mailbox.keep(mail);
    };
    keep("text/html");
    keep("text/plain");
    let mails = control.get("/mail").await;
    let path =
        |index: usize| format!("/mail/{}/html", mails["data"][index]["id"].as_str().unwrap());

    let page = control.send("GET", &path(0), "").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert_eq!(
        page.headers()["content-security-policy"],
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    );
    let body = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    assert_eq!(std::str::from_utf8(&body).unwrap().trim(), "<p>Hi</p>");

    for missing in [path(1), format!("/mail/{UNKNOWN}/html"), "/mail/x/html".to_owned()] {
        assert_eq!(control.call("GET", &missing, "").await.0, 404, "{missing}");
    }
}

#[tokio::test]
async fn an_analytics_event_is_listed_with_the_events_of_functions() {
    let control = control();
    let event = json!({
        "name": "cdp_team_filter_view_loaded",
        "properties": { "latency_ms": 12, "function": "forged", "event_name": "forged" },
    });
    let answer = control.send("POST", "/analytics", &event.to_string()).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let answer = control.send("POST", "/analytics", r#"{"name": "cdp_2"}"#).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);

    assert_eq!(
        control.get("/events?name=cdp_team_filter_view_loaded").await["data"],
        json!([{
            "timestamp": "2026-11-21T08:00:00Z",
            "level": "INFO",
            "event_name": "cdp_team_filter_view_loaded",
            "function": "console",
            "latency_ms": 12,
        }])
    );
    assert_eq!(control.get("/events").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_invalid_analytics_event_is_refused() {
    let control = control();
    let long = "x".repeat(101);
    for name in ["", "with space", "über", "a.b", &long] {
        let body = json!({ "name": name, "properties": {} }).to_string();
        assert_eq!(control.call("POST", "/analytics", &body).await.0, 400, "{name}");
    }
    for body in ["", "[]", "{}", r#"{"name": "a", "properties": 1}"#, r#"{"name": "a", "x": 1}"#] {
        assert_eq!(control.call("POST", "/analytics", body).await.0, 400, "{body}");
    }
    let event = |length: usize| {
        let event = json!({ "name": "a", "properties": { "p": "" } }).to_string();
        event.replace(r#""p":"""#, &format!(r#""p":"{}""#, "x".repeat(length - event.len())))
    };
    let largest = control.send("POST", "/analytics", &event(16 * 1024)).await;
    assert_eq!(largest.status(), StatusCode::NO_CONTENT);
    let (status, body) = control.call("POST", "/analytics", &event(16 * 1024 + 1)).await;
    assert_eq!((status, &body["error"]), (413, &json!("INVALID_REQUEST")));
    assert_eq!(control.state.events.list(None).len(), 1);
}

#[tokio::test]
async fn requests_are_listed_by_person_and_cleared() {
    let control = control();
    for (id, person) in [("a", "maya"), ("b", "sinta"), ("c", "maya")] {
        let (method, path) = ("GET".to_owned(), "/cdp/me".to_owned());
        let started_at = control.state.clock.now();
        control.state.requests.receive(ReceivedRequest {
            id: id.to_owned(),
            method,
            path,
            started_at,
        });
        control.state.requests.sign_in(id, person);
        control.state.requests.answer(id, 200, std::time::Duration::from_millis(3));
    }
    let ids = async |query: &str| {
        let listed = control.get(&format!("/requests{query}")).await;
        let listed = listed["data"].as_array().unwrap().iter();
        listed.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["c", "b", "a"]);
    assert_eq!(ids("?user=maya&limit=200").await, ["c", "a"]);
    assert_eq!(ids("?limit=1").await, ["c"]);
    for limit in ["0", "201", "-1", "x"] {
        let path = format!("/requests?limit={limit}");
        assert_eq!(control.call("GET", &path, "").await.0, 400, "{limit}");
    }
    assert_eq!(control.call("DELETE", "/requests", "").await, (200, json!({ "data": [] })));
    assert!(ids("").await.is_empty());
}
