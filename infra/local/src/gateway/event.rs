//! The event that API Gateway sends to a function for a request (payload format 2.0).

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routes::{Match, Routes};
use crate::account::ACCOUNT_ID;
use crate::template::Template;

/// The logical id of the function that handles a request, and the event that the function receives
/// for a caller with these claims; `None` if no route matches. In contrast to the gateway, this
/// function does not check tokens and limits.
#[must_use]
pub fn for_request(
    template: &Template,
    parts: &Parts,
    body: &Bytes,
    claims: Option<&Map<String, Value>>,
    request_id: &str,
    time: Timestamp,
) -> Option<(String, Value)> {
    let routes = Routes::new(template);
    let matched = routes.find(&parts.method, parts.uri.path())?;
    let source_ip = IpAddr::from([127, 0, 0, 1]);
    let request = Request { parts, body, matched: &matched, claims, source_ip, request_id, time };
    Some((matched.target.function.clone(), request.to_event()))
}

/// A request and the other data that the event contains.
pub(super) struct Request<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) matched: &'a Match<'a>,
    /// Claims of the caller's token; `None` if the route has no authorizer.
    pub(super) claims: Option<&'a Map<String, Value>>,
    pub(super) source_ip: IpAddr,
    pub(super) request_id: &'a str,
    pub(super) time: Timestamp,
}

impl Request<'_> {
    /// The event as JSON.
    pub(super) fn to_event(&self) -> Value {
        let uri = &self.parts.uri;
        let query = uri.query().unwrap_or_default();
        let is_text = is_text(&self.parts.headers);
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.matched.target.key,
            "rawPath": uri.path(),
            "rawQueryString": query,
            "headers": self.headers(),
            "requestContext": self.context(),
            "isBase64Encoded": false,
        });
        let mut set = |name: &str, value: Value| event[name] = value;
        let cookies = cookies(&self.parts.headers);
        if !cookies.is_empty() {
            set("cookies", json!(cookies));
        }
        if !query.is_empty() {
            set("queryStringParameters", json!(query_parameters(query)));
        }
        if !self.matched.parameters.is_empty() {
            set("pathParameters", json!(self.matched.parameters));
        }
        if !self.body.is_empty() {
            match std::str::from_utf8(self.body) {
                Ok(text) if is_text => set("body", json!(text)),
                _ => {
                    set("body", json!(STANDARD.encode(self.body)));
                    set("isBase64Encoded", json!(true));
                }
            }
        }
        event
    }

    /// The headers of the request, and the headers that API Gateway adds. Names are in lower case.
    /// If a header has several values, they are joined by commas.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.parts.headers {
            if name == COOKIE {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|joined| {
                    joined.push(',');
                    joined.push_str(&value);
                })
                .or_insert_with(|| value.into_owned());
        }
        let added = [
            ("x-forwarded-for", self.source_ip.to_string()),
            ("x-forwarded-port", "443".to_owned()),
            ("x-forwarded-proto", "https".to_owned()),
        ];
        for (name, value) in added {
            headers.entry(name.to_owned()).or_insert(value);
        }
        headers
    }

    fn context(&self) -> Value {
        let text = |name| header(&self.parts.headers, name);
        let mut context = json!({
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": text(HOST),
            "domainPrefix": "local",
            "http": {
                "method": self.parts.method.as_str(),
                "path": self.parts.uri.path(),
                "protocol": format!("{:?}", self.parts.version),
                "sourceIp": self.source_ip.to_string(),
                "userAgent": text(USER_AGENT),
            },
            "requestId": self.request_id,
            "routeKey": self.matched.target.key,
            "stage": "$default",
            "time": self.time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": self.time.as_millisecond(),
        });
        if let Some(claims) = self.claims {
            let claims: BTreeMap<_, _> =
                claims.iter().map(|(name, value)| (name, claim(value))).collect();
            context["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
        }
        context
    }
}

fn header(headers: &HeaderMap, name: http::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether the body is text. API Gateway sends text unchanged and other bodies in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = header(headers, CONTENT_TYPE).to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(essence, "application/json" | "application/javascript" | "application/xml")
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// The decoded query parameters. If a parameter has several values, they are joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

/// The text of a claim, as functions receive it. The items of a list are in brackets.
fn claim(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(claim).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}
