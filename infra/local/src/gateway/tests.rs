use http::Method;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::template::example_parameters;

fn template() -> Template {
    let text = include_str!("../../../../template.yaml");
    Template::parse(text, &example_parameters()).unwrap()
}

fn event(request: http::Request<&'static [u8]>, claims: Option<&Map<String, Value>>) -> Value {
    let routes = Routes::new(&template());
    let (parts, body) = request.into_parts();
    let matched = routes.find(&parts.method, parts.uri.path()).unwrap();
    event::Request {
        parts: &parts,
        body: &Bytes::from_static(body),
        matched: &matched,
        claims,
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "0f6a7e9c",
        time: "2026-11-21T08:09:10.011Z".parse::<Timestamp>().unwrap(),
    }
    .to_event()
}

#[test]
fn a_request_is_sent_as_a_version_2_event() {
    let request = http::Request::builder()
        .method(Method::POST)
        .uri("/v1/contacts/c%201/notes?tag=a&tag=b%26c&q=")
        .header("Host", "127.0.0.1:3000")
        .header("User-Agent", "curl/8")
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Many", "1")
        .header("X-Many", "2")
        .header("Cookie", "a=1; b=2")
        .body(&br#"{"note":"<p>hi</p>"}"#[..])
        .unwrap();
    let claims = json!({"sub": "u1", "exp": 1_800_000_000, "aud": ["a", "b"], "ok": true});
    insta::assert_json_snapshot!(event(request, claims.as_object()));
}

#[test]
fn an_empty_request_has_no_optional_fields() {
    let request = http::Request::builder().uri("/nowhere").body(&b""[..]).unwrap();
    let event = event(request, None);
    for absent in ["body", "cookies", "queryStringParameters", "pathParameters"] {
        assert_eq!(event.get(absent), None, "{absent}");
    }
    assert_eq!(event["routeKey"], "$default");
    assert_eq!(event["rawQueryString"], "");
    assert_eq!(event["requestContext"].get("authorizer"), None);
}

#[test]
fn a_binary_body_is_base64() {
    let request = http::Request::builder()
        .uri("/nowhere")
        .header("content-type", "application/octet-stream")
        .body(&b"\x00\xff"[..])
        .unwrap();
    let event = event(request, None);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
}

#[test]
fn a_token_is_accepted_with_or_without_the_scheme() {
    assert_eq!(bearer("Bearer abc"), "abc");
    assert_eq!(bearer("bearer  abc"), "abc");
    assert_eq!(bearer("abc"), "abc");
    assert_eq!(bearer("Bearer "), "");
}
