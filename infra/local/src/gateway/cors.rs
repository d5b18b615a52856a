//! Cross-origin (CORS) headers, as configured for the API in the template.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::template::Cors;

/// The names of the CORS response headers.
const CORS_HEADERS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// Whether a request is a CORS preflight request.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Replaces the function's CORS headers with the headers that are configured for the API: those of
/// a preflight response if `preflight` is set. If `origin` is `None`, only removes the function's
/// headers.
pub(super) fn apply(
    cors: &Cors,
    origin: Option<HeaderValue>,
    preflight: bool,
    response: &mut Response,
) {
    let headers = response.headers_mut();
    for name in &CORS_HEADERS {
        headers.remove(name);
    }
    let Some(origin) = origin else { return };
    allow_origin(cors, headers, origin);
    if preflight {
        set_list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
        set_list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
        if let Some(age) = cors.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age.as_secs()));
        }
    } else {
        set_list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
    }
}

/// The value of the response header `access-control-allow-origin` for a request; `None` if the
/// origin of the request is not allowed.
pub(super) fn allowed_origin(cors: &Cors, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    if any && !cors.allow_credentials {
        return Some(HeaderValue::from_static("*"));
    }
    let listed = cors.allow_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    (any || listed).then(|| origin.clone())
}

fn allow_origin(cors: &Cors, headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if cors.allow_credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::try_from(values.join(","))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::StatusCode;

    use super::*;

    fn cors() -> Cors {
        Cors {
            allow_origins: vec!["https://app.example.com".to_owned()],
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
            allow_headers: vec!["authorization".to_owned()],
            expose_headers: vec!["x-team-permission-fallback".to_owned()],
            max_age: Some(std::time::Duration::from_secs(600)),
            allow_credentials: false,
        }
    }

    fn headers(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (ORIGIN, HeaderValue::from_static(origin)),
            (ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST")),
        ])
    }

    fn preflight(origin: &'static str) -> Response {
        let request = headers(origin);
        assert!(is_preflight(&Method::OPTIONS, &request));
        assert!(!is_preflight(&Method::GET, &request));
        let mut response = StatusCode::NO_CONTENT.into_response();
        apply(&cors(), allowed_origin(&cors(), &request), true, &mut response);
        response
    }

    #[test]
    fn a_preflight_from_an_allowed_origin_lists_the_allowed_methods() {
        let response = preflight("https://app.example.com");
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
        assert_eq!(response.headers()["access-control-allow-methods"], "GET,POST");
        assert_eq!(response.headers()["access-control-max-age"], "600");
    }

    #[test]
    fn a_preflight_from_another_origin_has_no_cross_origin_headers() {
        assert!(preflight("https://evil.example.com").headers().is_empty());
    }

    #[test]
    fn the_cross_origin_headers_of_a_function_are_replaced() {
        let mut response = StatusCode::OK.into_response();
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let origin = allowed_origin(&cors(), &self::headers("https://app.example.com"));
        apply(&cors(), origin, false, &mut response);
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
        let exposed = &response.headers()["access-control-expose-headers"];
        assert_eq!(exposed, "x-team-permission-fallback");
        apply(&cors(), None, false, &mut response);
        assert!(response.headers().is_empty());
    }
}
