//! Serves the built console. Unknown paths get the start page, which has the routes of the
//! application; the headers are those of the deployed site (`infra/console/template.yaml`), and allow
//! frames for the mailbox of the local cloud.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, middleware};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use tower_http::services::{ServeDir, ServeFile};

use crate::identity::CONSOLE_CLIENT;

/// The settings of the console, which it reads from `/config.json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    /// Base URL of the API.
    api_url: String,
    /// The issuer of the tokens.
    issuer: String,
    /// The client id of the console at the issuer.
    client_id: String,
    /// The scopes that the console asks for.
    scope: String,
    /// Base URL of the local endpoints. A deployed console has none, and no tools that need them.
    local_url: String,
    /// Where the console sends its analytics events.
    analytics_url: String,
}

impl Settings {
    fn new(gateway_url: &str) -> Self {
        Self {
            api_url: gateway_url.to_owned(),
            issuer: gateway_url.to_owned(),
            client_id: CONSOLE_CLIENT.to_owned(),
            scope: "openid profile email".to_owned(),
            local_url: format!("{gateway_url}/_local"),
            analytics_url: format!("{gateway_url}/_local/analytics"),
        }
    }
}

/// The content security policy of the console. Styles in attributes are allowed for notes, which
/// have them after sanitizing. Frames are allowed for the mail that the gateway shows.
fn content_security_policy(gateway_url: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
         img-src 'self' https: data:; font-src 'self'; connect-src 'self' {gateway_url}; \
         frame-src {gateway_url}; base-uri 'none'; form-action 'self' {gateway_url}; \
         frame-ancestors 'none'"
    )
}

/// Creates a router that serves the files in `folder` and `/config.json`. The gateway at this URL
/// has the API, the sign-in and the local endpoints.
pub fn router(folder: &Path, gateway_url: &str) -> Router {
    let config = Settings::new(gateway_url);
    // The policy consists of a URL and fixed text, which are valid in a header.
    let policy = HeaderValue::try_from(content_security_policy(gateway_url)).ok();
    let start_page = ServeFile::new(folder.join("index.html"));
    let files = ServeDir::new(folder).fallback(start_page);
    Router::new()
        .route("/config.json", get(async move || Json(config)))
        .fallback_service(files)
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let policy = policy.clone();
            async move { with_headers(policy, request, next).await }
        }))
}

async fn with_headers(policy: Option<HeaderValue>, request: Request, next: Next) -> Response {
    // The names of these files change with their content.
    let is_versioned = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let is_success = response.status().is_success();
    let cache = match is_versioned && is_success {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let fixed = [
        (CACHE_CONTROL, cache),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let fixed = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let policy = policy.map(|policy| (CONTENT_SECURITY_POLICY, policy));
    response.headers_mut().extend(fixed.into_iter().chain(policy));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    const GATEWAY: &str = "http://127.0.0.1:3000";

    async fn answer(path: &str) -> (Response<()>, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        std::fs::write(folder.path().join("index.html"), "start page").unwrap();
        std::fs::write(folder.path().join("assets/app-1a.js"), "script").unwrap();
        let router = router(folder.path(), GATEWAY);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
    }

    fn header<'a>(response: &'a Response<()>, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    #[tokio::test]
    async fn an_address_of_the_application_gets_the_start_page() {
        for path in ["/", "/customers", "/customers/0191d2c4-8a3e-7c11-9f00-0000000000aa?q=x"] {
            let (response, body) = answer(path).await;
            assert_eq!((response.status(), &*body), (StatusCode::OK, "start page"), "{path}");
            assert_eq!(header(&response, "cache-control"), "no-cache", "{path}");
            assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
            let policy = content_security_policy(GATEWAY);
            assert_eq!(header(&response, "content-security-policy"), policy, "{path}");
        }
        let (response, body) = answer("/assets/app-1a.js").await;
        assert_eq!(body, "script");
        assert_eq!(header(&response, "content-type"), "text/javascript");
        assert!(header(&response, "cache-control").contains("immutable"));
    }

    #[tokio::test]
    async fn the_settings_name_the_api_the_issuer_and_the_local_endpoints() {
        let (_, body) = answer("/config.json").await;
        insta::assert_snapshot!(body, @r#"{"apiUrl":"http://127.0.0.1:3000","issuer":"http://127.0.0.1:3000","clientId":"console","scope":"openid profile email","localUrl":"http://127.0.0.1:3000/_local","analyticsUrl":"http://127.0.0.1:3000/_local/analytics"}"#);
    }

    #[test]
    fn the_policy_is_that_of_the_deployed_site_with_frames_of_the_gateway() {
        let template = include_str!("../../../console/template.yaml");
        let deployed = template.split("ContentSecurityPolicy: !Sub").nth(1).unwrap();
        let deployed = deployed.split('"').nth(1).unwrap();
        let deployed = deployed.replace("${ApiUrl} ${OidcOrigins}", GATEWAY);
        let deployed =
            deployed.replace("${OidcOrigins}", GATEWAY).replace("${AnalyticsOrigin}", "");
        let frames = format!(" frame-src {GATEWAY};");
        assert_eq!(content_security_policy(GATEWAY).replacen(&frames, "", 1), deployed);
        assert!(!deployed.contains("frame-src"), "{deployed}");
    }
}
