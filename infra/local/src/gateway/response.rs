//! Converts a function's result to the HTTP response that API Gateway returns (payload format 2.0).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// A result of a function that has a status code.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Structured {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// A response of API Gateway itself, with a JSON message.
pub(super) fn message(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "message": message }))).into_response()
}

/// The response for a function's result. It is an internal server error if the result is invalid.
pub(super) fn from_payload(payload: &[u8]) -> Response {
    response(payload)
        .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))
}

fn response(payload: &[u8]) -> Option<Response> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    if value.get("statusCode").is_none() {
        return Some(inferred(value));
    }
    let result: Structured = serde_json::from_value(value).ok()?;
    let status = StatusCode::from_u16(result.status_code).ok()?;
    let body = result.body.unwrap_or_default();
    let body = if result.is_base64_encoded {
        Body::from(STANDARD.decode(body).ok()?)
    } else {
        Body::from(body)
    };
    let mut headers = HeaderMap::new();
    for (name, value) in result.headers.unwrap_or_default() {
        headers.insert(HeaderName::try_from(name).ok()?, header_value(&value)?);
    }
    for (name, values) in result.multi_value_headers.unwrap_or_default() {
        let name = HeaderName::try_from(name).ok()?;
        headers.remove(&name);
        for value in values {
            headers.append(&name, header_value(&value)?);
        }
    }
    for cookie in result.cookies.unwrap_or_default() {
        headers.append(SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// The response for a result without a status code: the result is the body, and the status is 200.
fn inferred(value: Value) -> Response {
    let body = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    // Characters that are not ASCII are sent as UTF-8.
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(result: &Value) -> (u16, HeaderMap, String) {
        let response = from_payload(result.to_string().as_bytes());
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_result_sets_status_headers_cookies_and_body() {
        let (status, headers, body) = read(&json!({
            "statusCode": 201,
            "headers": {"Content-Type": "application/json", "X-Number": 5},
            "multiValueHeaders": {"x-many": ["a", "b"]},
            "cookies": ["a=1", "b=2"],
            "body": "e30=",
            "isBase64Encoded": true,
        }))
        .await;
        assert_eq!((status, body.as_str()), (201, "{}"));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-number"], "5");
        assert_eq!(headers.get_all("x-many").iter().count(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }

    #[tokio::test]
    async fn a_result_without_a_status_code_is_the_body() {
        let (status, headers, body) = read(&json!({"hello": "world"})).await;
        assert_eq!((status, body.as_str()), (200, r#"{"hello":"world"}"#));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(read(&json!("Hello")).await.2, "Hello");
    }

    #[tokio::test]
    async fn a_malformed_result_is_an_internal_server_error() {
        for result in [
            json!({"statusCode": "ok"}),
            json!({"statusCode": 42}),
            json!({"statusCode": 200, "body": {"not": "text"}}),
            json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
            json!({"statusCode": 200, "headers": {"bad name": "x"}}),
        ] {
            let (status, _, body) = read(&result).await;
            assert_eq!((status, body.as_str()), (500, r#"{"message":"Internal Server Error"}"#));
        }
    }

    #[tokio::test]
    async fn a_result_without_a_content_type_is_text() {
        let (_, headers, _) = read(&json!({"statusCode": 200, "body": "x"})).await;
        assert_eq!(headers["content-type"], "text/plain;charset=UTF-8");
    }
}
