//! Functions behind API Gateway's HTTP API (event payload version 2.0).

use std::{
    collections::HashMap,
    future::Future,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ::http::{HeaderMap, HeaderValue, Method, header};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_runtime::service_fn;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::{Instrument, field::Empty, info_span};

use super::{
    Code, Failure, Reply,
    event::{self, Event},
    failure::FALLBACK_HEADER,
    log,
    reply::response,
    start::{Handler, Served, start},
};
use crate::{
    clock::millis,
    environment::{Environment, StartError},
    error::chain,
    id::{CompanyId, UserId},
    idempotency::IdempotencyKey,
    identity::{Platform, Viewer},
    json, metric,
};

/// The size of the largest request body that is parsed, in bytes, on all routes that do not allow
/// more. The largest valid request of these routes is much smaller.
const MAX_BODY: usize = 1_048_576;

/// The part of an invocation's time that is reserved for a time-out response. When an invocation
/// uses all of its time, Lambda stops it and API Gateway returns 500 instead.
const RESERVE: Duration = Duration::from_millis(500);

/// An HTTP request, after the checks that are the same for all handlers.
#[derive(Clone, Debug)]
pub struct Request {
    route: String,
    viewer: Option<Viewer>,
    path: HashMap<String, String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Result<Vec<u8>, ()>,
    source_ip: Option<String>,
}

impl Request {
    fn from_event(event: ApiGatewayV2httpRequest) -> Self {
        let context = event.request_context;
        let claims =
            context.authorizer.and_then(|a| a.jwt).map(|jwt| jwt.claims).unwrap_or_default();
        let raw_query = event.raw_query_string.unwrap_or_default();
        let query = url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            STANDARD.decode(body).map_err(|_| ())
        } else {
            Ok(body.into_bytes())
        };
        Self {
            viewer: viewer(&claims, &event.headers),
            route: context.route_key.unwrap_or_default(),
            path: event.path_parameters,
            query,
            headers: event.headers,
            body,
            source_ip: context.http.source_ip,
        }
    }

    /// The route's key, such as `GET /cdp/customers/{id}`.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The method of the route.
    #[must_use]
    pub fn method(&self) -> &str {
        self.route.split(' ').next().unwrap_or_default()
    }

    /// The signed-in user, from the token of the request.
    ///
    /// # Errors
    /// 403 if the token does not have valid `sub` and `company_sso_id` claims.
    pub fn viewer(&self) -> Result<&Viewer, Failure> {
        self.viewer.as_ref().ok_or_else(|| {
            Failure::new(
                Code::Forbidden,
                "the token has no valid `sub` and `company_sso_id` claims",
            )
        })
    }

    /// Parses the id that is the path parameter `name`.
    ///
    /// # Errors
    /// 404 if it is not a valid id, because no such record can exist.
    pub fn path<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.path.get(name).and_then(|text| text.parse().ok()).ok_or_else(Failure::not_found)
    }

    /// The names and decoded values of all query parameters in the order of the URL, including
    /// repeated parameters.
    #[must_use]
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The value of a header; `None` if the request does not have it.
    ///
    /// # Errors
    /// 400 if the value has characters other than visible ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Failure> {
        let text = self.headers.get(name).map(HeaderValue::to_str).transpose();
        text.map_err(|_| Failure::invalid(name, "must contain only visible ASCII characters"))
    }

    /// The client's IP address, from API Gateway; `None` if the event does not contain it.
    #[must_use]
    pub fn source_ip(&self) -> Option<&str> {
        self.source_ip.as_deref()
    }

    /// The bytes of the body.
    ///
    /// # Errors
    /// 400 if the body is larger than 1 MiB, or if the event marks the body as base64 and it is not
    /// valid base64.
    pub fn body(&self) -> Result<&[u8], Failure> {
        self.body_up_to(MAX_BODY)
    }

    /// Like [`Request::body`], for a route whose body may have up to `most` bytes.
    ///
    /// # Errors
    /// 400 if the body is larger than `most` bytes, or is not valid base64.
    pub fn body_up_to(&self, most: usize) -> Result<&[u8], Failure> {
        match &self.body {
            Ok(bytes) if bytes.len() > most => {
                Err(Failure::invalid("body", format_args!("must be at most {most} bytes long")))
            }
            Ok(bytes) => Ok(bytes),
            Err(()) => Err(Failure::invalid("body", "is not valid base64")),
        }
    }

    /// The idempotency key of the request; `None` if the request has no header `Idempotency-Key`.
    /// The key is valid for the caller and for `route`, and belongs to a request with this body and
    /// `path`, the part of the path that differs between the requests of the route. Two forms of
    /// one route pass the same values.
    ///
    /// # Errors
    /// 400 if the header is not a valid key.
    pub fn idempotency_key(
        &self,
        route: &str,
        path: &str,
    ) -> Result<Option<IdempotencyKey>, Failure> {
        let Some(header) = self.header("idempotency-key")? else { return Ok(None) };
        let request = (path, self.body()?);
        Ok(Some(IdempotencyKey::new(self.viewer()?, route, header, request)?))
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// 400 with the name of the field that is invalid, missing, unknown or repeated.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.json_up_to(MAX_BODY)
    }

    /// Like [`Request::json`], for a route whose body may have up to `most` bytes.
    ///
    /// # Errors
    /// As [`Request::json`], and 400 if the body is larger than `most` bytes.
    pub fn json_up_to<T: DeserializeOwned>(&self, most: usize) -> Result<T, Failure> {
        let body = self.body_up_to(most)?;
        json::object(body).map_err(|(field, reason)| Failure::invalid(&field, reason))
    }
}

fn viewer(claims: &HashMap<String, String>, headers: &HeaderMap) -> Option<Viewer> {
    let user: UserId = claims.get("sub")?.parse().ok()?;
    let company: CompanyId = claims.get("company_sso_id")?.parse().ok()?;
    let platform = headers.get("x-platform").and_then(|value| value.to_str().ok());
    Some(Viewer {
        company,
        user,
        name: claims.get("name").cloned(),
        email: claims.get("email").cloned(),
        platform: Platform::from_header(platform),
    })
}

/// Runs a function behind the HTTP API. `wire` creates the function's services from the environment
/// when the process starts, and `handler` handles each request.
pub async fn run<A, H, F>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    A: 'static,
    H: Fn(Arc<A>, Request) -> F + Copy + 'static,
    F: Future<Output = Result<Reply, Failure>>,
{
    let (app, _) = start(wire).await?;
    serve(Box::new(move |event: Event| {
        let app = Arc::clone(&app);
        // Boxed, because a handler's future is deeply nested and the runtime nests it further.
        Box::pin(async move {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let (id, left) = (event.context.request_id, time_left(event.context.deadline, now));
            let handle = |request| handler(app, request);
            Ok(respond(&id, event::parse(&event.payload)?, left, handle).await)
        })
    }))
    .await
}

/// Receives events and returns responses until the process ends. It is not generic and returns a
/// boxed future, so that the runtime's code is compiled once, in this crate, and not again in each
/// function.
fn serve(handler: Handler<ApiGatewayV2httpResponse>) -> Served {
    Box::pin(lambda_runtime::run(service_fn(handler)))
}

/// The time that a handler may take. `deadline` is the end of the invocation in milliseconds since
/// the Unix epoch, and `now` is the time since the Unix epoch.
fn time_left(deadline: u64, now: Duration) -> Duration {
    Duration::from_millis(deadline).saturating_sub(now).saturating_sub(RESERVE)
}

/// Handles one event. [`run`] calls it for each event.
///
/// A handler that takes longer than `time_left` is canceled, and the response is 503. Like a
/// crash, a cancellation can leave work unfinished, so a handler must allow for it.
pub async fn respond<H, F>(
    request_id: &str,
    event: ApiGatewayV2httpRequest,
    time_left: Duration,
    handler: H,
) -> ApiGatewayV2httpResponse
where
    H: FnOnce(Request) -> F,
    F: Future<Output = Result<Reply, Failure>>,
{
    let is_preflight = event.request_context.http.method == Method::OPTIONS;
    let request = Request::from_event(event);
    let route = request.route.clone();
    let span =
        info_span!("request", request_id, route, company_sso_id = Empty, user_sso_id = Empty,);
    if let Some(viewer) = &request.viewer {
        span.record("company_sso_id", viewer.company.as_str());
        span.record("user_sso_id", viewer.user.to_string());
    }
    let cold = log::is_cold_start();
    async {
        let started = Instant::now();
        // No route of the API has the method OPTIONS, so such a request is a browser's preflight
        // request. API Gateway adds the CORS headers to the response, but the status must come
        // from here: a preflight request that is answered with 404 makes the browser give up.
        let result = if is_preflight {
            Ok(Reply::no_content())
        } else if route == "$default" {
            Err(Failure::new(Code::NotFound, "there is no such route"))
        } else {
            let timed_out = |elapsed| {
                let message = "the request took too long to process; try again";
                Err(Failure::new(Code::Unavailable, message).with_source(elapsed))
            };
            tokio::time::timeout(time_left, handler(request)).await.unwrap_or_else(timed_out)
        };
        finish(result, &route, started, cold)
    }
    .instrument(span)
    .await
}

/// Writes the request's log line and metrics, and converts the handler's result into the response.
fn finish(
    result: Result<Reply, Failure>,
    route: &str,
    started: Instant,
    cold: bool,
) -> ApiGatewayV2httpResponse {
    let latency = started.elapsed();
    let (status, scope) = match &result {
        Ok(reply) => (reply.status(), reply.scope()),
        Err(failure) => (failure.code().parts().1, None),
    };
    let permission_level = scope.map(|scope| scope.level.as_str());
    let viewer_team_count = scope.map(|scope| scope.team_count);
    let latency_ms = millis(latency);
    match &result {
        Err(failure) if status >= 500 => {
            tracing::warn!(status, latency_ms, error = %chain(failure), "request answered");
        }
        Err(failure) => {
            tracing::info!(status, latency_ms, error = %chain(failure), "request answered");
        }
        Ok(reply) => {
            let read_plan = reply.plan();
            tracing::info!(
                status,
                latency_ms,
                permission_level,
                viewer_team_count,
                read_plan,
                "request answered"
            );
        }
    }
    let scoped = scope.map(|scope| (scope.level.as_str(), scope.fell_back));
    metric::request(route, scoped, status, latency, cold);
    match result {
        Ok(reply) => reply.into_response(),
        Err(failure) => {
            let mut headers = HeaderMap::new();
            if let Some(seconds) = failure.retry_after() {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            if failure.is_caused_by_fallback() {
                let (name, value) = FALLBACK_HEADER;
                headers.insert(name, value);
            }
            response(status, headers, Some(failure.body().to_string()))
        }
    }
}

/// The JSON value of a response's body, or null if the body is empty or not JSON. For tests.
#[must_use]
pub fn body_json(response: &ApiGatewayV2httpResponse) -> Value {
    let text = match &response.body {
        Some(aws_lambda_events::encodings::Body::Text(text)) => text.as_str(),
        _ => "null",
    };
    serde_json::from_str(text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        limit: u8,
    }

    fn event(body: &str) -> ApiGatewayV2httpRequest {
        serde_json::from_value(json!({
            "version": "2.0", "routeKey": "POST /x", "rawPath": "/x", "rawQueryString": "a=1&a=2",
            "headers": { "x-platform": "mobile" }, "isBase64Encoded": false, "body": body,
            "requestContext": {
                "routeKey": "POST /x", "timeEpoch": 0, "http": { "method": "POST" },
                "authorizer": { "jwt": { "claims": {
                    "sub": "0190d1a2-7c3b-7abc-8def-0123456789ab", "company_sso_id": "acme"
                } } }
            }
        }))
        .unwrap()
    }

    const ONE_HOUR: Duration = Duration::from_secs(3600);

    async fn outcome(body: &str) -> (i64, Value) {
        let response = respond("r", event(body), ONE_HOUR, |request| async move {
            let _: Body = request.json()?;
            Reply::ok(&json!({ "platform": request.viewer()?.platform, "query": request.query() }))
        })
        .await;
        (response.status_code, body_json(&response))
    }

    #[tokio::test]
    async fn a_request_has_the_viewer_and_repeated_parameters() {
        let (status, body) = outcome(r#"{"limit": 1}"#).await;
        let expected = json!({ "platform": "mobile", "query": [["a", "1"], ["a", "2"]] });
        assert_eq!((status, &body["data"]), (200, &expected));
    }

    #[tokio::test]
    async fn an_invalid_body_is_400_with_the_field_name_and_without_the_value() {
        for (body, field) in [
            ("", "body"),
            ("{", "body"),
            ("[]", "body"),
            ("[1]", "body"),
            ("{}", "limit"),
            (r#"{"limit": "secret"}"#, "limit"),
            (r#"{"limit": 300}"#, "limit"),
            (r#"{"limit": 1, "limit": 2}"#, "limit"),
            (r#"{"limit": 1, "other": 2}"#, "other"),
            (r#"{"limit": 1} tail"#, "body"),
        ] {
            let (status, response) = outcome(body).await;
            assert_eq!(
                (status, response["error"].as_str()),
                (400, Some("INVALID_REQUEST")),
                "{body}"
            );
            assert_eq!(response["details"]["field"].as_str(), Some(field), "{body}: {response}");
            assert!(!response.to_string().contains("secret"), "{response}");
        }
    }

    #[tokio::test]
    async fn an_unknown_route_returns_404_in_the_format_of_the_api() {
        let mut event = event("");
        event.request_context.route_key = Some("$default".to_owned());
        let response = respond("r", event, ONE_HOUR, |_| async { Reply::ok(&json!(1)) }).await;
        assert_eq!(
            (response.status_code, body_json(&response)["error"].as_str()),
            (404, Some("NOT_FOUND"))
        );
    }

    #[tokio::test]
    async fn a_preflight_request_is_answered_with_204_on_any_route() {
        for route in ["$default", "OPTIONS /{proxy+}"] {
            let mut event = event("");
            event.request_context.route_key = Some(route.to_owned());
            event.request_context.http.method = Method::OPTIONS;
            let response = respond("r", event, ONE_HOUR, |_| async { Reply::ok(&json!(1)) }).await;
            assert_eq!((response.status_code, body_json(&response)), (204, Value::Null));
        }
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_gets_503_before_lambda_stops_it() {
        let response = respond("r", event(""), Duration::ZERO, |_| std::future::pending()).await;
        let body = body_json(&response);
        assert_eq!((response.status_code, body["error"].as_str()), (503, Some("UNAVAILABLE")));
        assert!(response.headers.contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn an_invocation_reserves_half_a_second_for_the_time_out_response() {
        assert_eq!(time_left(10_000, Duration::from_secs(4)), Duration::from_millis(5_500));
        assert_eq!(time_left(10_000, Duration::from_secs(11)), Duration::ZERO);
    }
}
