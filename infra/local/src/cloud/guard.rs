//! Protects the local endpoints from web pages. A browser lets any page send requests to a loopback
//! address, and after a DNS change of the page's host name (DNS rebinding) also read the answers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CONTENT_TYPE, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;
use url::Url;

use crate::loopback::is_loopback;
use crate::template::Template;

/// The content types that a page may send to another origin without a preflight request.
const FORM_TYPES: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// The origins of web pages that may use the local endpoints, such as `http://127.0.0.1:3002`.
pub(super) type Origins = Arc<[String]>;

/// The origins that the API allows and that are on this machine.
pub(super) fn local_origins(template: &Template) -> Origins {
    let cors = template.api.iter().filter_map(|api| api.cors.as_ref());
    let origins = cors.flat_map(|cors| &cors.allow_origins);
    let host = |origin: &str| origin.strip_prefix("http://").is_some_and(is_local);
    origins.filter(|origin| host(origin)).cloned().collect()
}

/// Which pages may use the endpoints.
#[derive(Clone)]
struct Guard {
    origins: Origins,
    /// Whether POST requests with the content type of a form are accepted.
    accepts_forms: bool,
}

/// Adds the checks of [`Guard::refusal`] to all routes of `router`.
pub(super) fn protect(router: Router, origins: Origins) -> Router {
    let guard = Guard { origins, accepts_forms: false };
    router.layer(axum::middleware::from_fn_with_state(guard, check))
}

/// The same for routes that accept the content type of a form: the token endpoint of the sign-in
/// takes one (RFC 6749 §4.1.3), and `navigator.sendBeacon` sends analytics events as `text/plain`.
pub(super) fn protect_with_forms(router: Router, origins: Origins) -> Router {
    let guard = Guard { origins, accepts_forms: true };
    router.layer(axum::middleware::from_fn_with_state(guard, check))
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.refusal(request.method(), request.headers()) {
        None => {
            let origin = request.headers().get(ORIGIN).cloned();
            let is_preflight = request.method() == Method::OPTIONS && origin.is_some();
            let mut response = match is_preflight {
                true => StatusCode::NO_CONTENT.into_response(),
                false => next.run(request).await,
            };
            if let Some(origin) = origin {
                allow(origin, response.headers_mut());
            }
            response
        }
        Some(message) => {
            let body = json!({ "error": "FORBIDDEN", "message": message, "details": {} });
            (StatusCode::FORBIDDEN, Json(body)).into_response()
        }
    }
}

/// Lets the page of this origin read the response and send changes.
fn allow(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers
        .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(VARY, HeaderValue::from_static("origin"));
}

impl Guard {
    /// Why a request is refused: its `Host` is not a loopback name, its `Origin` is not allowed, or it
    /// is a POST request with the content type of an HTML form.
    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        let text = |header| headers.get(header).map(HeaderValue::to_str);
        let is_local = matches!(text(&HOST), Some(Ok(host)) if is_local(host));
        if !is_local {
            return Some(
                "the local endpoints accept only the hosts 127.0.0.1, ::1 and localhost; send the \
             request to one of them",
            );
        }
        let is_allowed = match text(&ORIGIN) {
            None => true,
            Some(Ok(origin)) => self.origins.iter().any(|allowed| allowed == origin),
            Some(Err(_)) => false,
        };
        if !is_allowed {
            return Some("the local endpoints accept no requests of pages from other origins");
        }
        let content_type =
            headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        let media_type =
            content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
        let is_form = media_type
            .is_some_and(|kind| FORM_TYPES.iter().any(|form| kind.eq_ignore_ascii_case(form)));
        if method == Method::POST && is_form && !self.accepts_forms {
            return Some(
                "a POST request to the local endpoints must have the header `content-type: \
             application/json`",
            );
        }
        None
    }
}

/// Whether a host, with a port or without one, is this machine.
fn is_local(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn is_refused(method: &Method, headers: &[(HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let origins = Arc::from(["http://127.0.0.1:3002".to_owned()]);
        let guard = Guard { origins, accepts_forms: false };
        guard.refusal(method, &headers.collect()).is_some()
    }

    #[test]
    fn only_loopback_hosts_are_accepted() {
        for host in ["127.0.0.1:3000", "localhost:3000", "LOCALHOST", "[::1]:3000", "127.0.0.2"] {
            assert!(!is_refused(&Method::GET, &[(HOST, host)]), "{host}");
        }
        for host in ["evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example", "a b"]
        {
            assert!(is_refused(&Method::GET, &[(HOST, host)]), "{host}");
        }
        assert!(is_refused(&Method::GET, &[]));
    }

    #[test]
    fn only_allowed_origins_are_accepted() {
        let host = (HOST, "127.0.0.1:3000");
        let origin = |origin| [host.clone(), (ORIGIN, origin)];
        assert!(!is_refused(&Method::GET, &origin("http://127.0.0.1:3002")));
        for foreign in ["https://evil.example", "null", "http://127.0.0.1:3002.evil.example"] {
            assert!(is_refused(&Method::GET, &origin(foreign)), "{foreign}");
        }
    }

    #[test]
    fn a_change_with_the_content_type_of_a_form_is_refused() {
        let host = (HOST, "127.0.0.1:3000");
        let content_type = |value| [host.clone(), (CONTENT_TYPE, value)];
        for form in ["text/plain", "Multipart/Form-Data; boundary=x", FORM_TYPES[0]] {
            assert!(is_refused(&Method::POST, &content_type(form)), "{form}");
            assert!(!is_refused(&Method::PUT, &content_type(form)), "{form}");
        }
        assert!(!is_refused(&Method::POST, &content_type("application/json; charset=utf-8")));
        assert!(!is_refused(&Method::POST, std::slice::from_ref(&host)));
    }
}
