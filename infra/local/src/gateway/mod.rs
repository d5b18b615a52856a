//! API Gateway: an HTTP API in front of the functions.
//!
//! | file | content |
//! |---|---|
//! | `routes` | finds the route of a request |
//! | `throttle` | the limits on requests |
//! | `cors` | cross-origin headers |
//! | `event`, `response` | the event sent to a function, and the response made from its result |

mod cors;
pub mod event;
mod response;
mod routes;
mod throttle;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};
use shared::clock::Clock;
use uuid::Uuid;

use crate::identity::Identity;
use crate::lambda::{InvokeError, Lambda};
use crate::record::{ReceivedRequest, Requests};
use crate::template::{Cors, JwtAuthorizer, Template};
use crate::trace::{self, Trace};
use response::message;
use routes::{Match, Routes};
use throttle::Limits;

/// Largest request body in bytes. AWS has the same limit.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// Longest time to wait for a function's response. AWS has the same limit.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The value of the `WWW-Authenticate` header for an invalid token.
const INVALID_TOKEN_CHALLENGE: &str =
    r#"Bearer scope="" error="invalid_token" error_description="the token is not valid""#;

/// The dependencies of the gateway.
#[derive(Clone)]
pub struct GatewayOptions {
    /// The template, which declares the API and its routes.
    pub template: Arc<Template>,
    /// Invokes the functions.
    pub lambda: Lambda,
    /// Checks the tokens of callers.
    pub identity: Identity,
    /// Records every request except preflight requests.
    pub requests: Requests,
    /// The source of the current time.
    pub clock: Clock,
}

struct Gateway {
    options: GatewayOptions,
    routes: Routes,
    cors: Option<Cors>,
    limits: Limits,
}

/// Creates the router for the template's API. It handles every path. Serve the router with
/// [`ConnectInfo`]`<`[`SocketAddr`]`>`, so that functions receive the caller's address.
pub fn router(options: GatewayOptions) -> Router {
    let api = options.template.api.as_ref();
    let gateway = Gateway {
        routes: Routes::new(&options.template),
        cors: api.and_then(|api| api.cors.clone()),
        limits: Limits::new(api, Instant::now()),
        options,
    };
    Router::new().fallback(serve).with_state(Arc::new(gateway))
}

async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let preflight = cors::is_preflight(&parts.method, &parts.headers);
    let Some(cors) = &gateway.cors else { return gateway.respond(parts, body, preflight).await };
    let origin = cors::allowed_origin(cors, &parts.headers);
    // API Gateway answers a preflight request itself only if no route matches it. A `$default` or
    // `ANY` route matches, so its function receives the request.
    let has_route = || gateway.routes.find(&parts.method, parts.uri.path()).is_some();
    let mut response = if preflight && !has_route() {
        StatusCode::NO_CONTENT.into_response()
    } else {
        gateway.respond(parts, body, preflight).await
    };
    cors::apply(cors, origin, preflight, &mut response);
    response
}

impl Gateway {
    async fn respond(&self, parts: Parts, body: Body, preflight: bool) -> Response {
        let started = Instant::now();
        let trace_id = trace::new_id(self.options.clock.now());
        if !preflight {
            self.options.requests.receive(self.received(&parts, &trace_id));
        }
        let request_id = Uuid::new_v4().simple().to_string();
        let mut response = match self.invoke(&parts, body, &request_id, &trace_id).await {
            Ok(response) | Err(response) => response,
        };
        let status = response.status().as_u16();
        self.options.requests.answer(&trace_id, status, started.elapsed());
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    fn received(&self, parts: &Parts, trace_id: &str) -> ReceivedRequest {
        let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        ReceivedRequest {
            id: trace_id.to_owned(),
            method: parts.method.to_string(),
            path,
            started_at: self.options.clock.now(),
        }
    }

    /// Returns the response of the function, or (as `Err`) an error response of the gateway itself.
    async fn invoke(
        &self,
        parts: &Parts,
        body: Body,
        request_id: &str,
        trace_id: &str,
    ) -> Result<Response, Response> {
        let not_found = || message(StatusCode::NOT_FOUND, "Not Found");
        let matched = self.routes.find(&parts.method, parts.uri.path()).ok_or_else(not_found)?;
        if !self.limits.admit(&matched.target.key, Instant::now()) {
            return Err(message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
        }
        let claims = match &matched.target.authorizer {
            Some(authorizer) => {
                Some(self.authorize(authorizer, &parts.headers).map_err(unauthorized)?)
            }
            None => None,
        };
        if let Some(person) = claims.as_ref().and_then(|claims| claims.get("sub")?.as_str()) {
            self.options.requests.sign_in(trace_id, person);
        }
        let body = axum::body::to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|_| message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))?;
        let event = event::Request {
            parts,
            body: &body,
            matched: &matched,
            claims: claims.as_ref(),
            source_ip: source_ip(parts),
            request_id,
            time: self.options.clock.now(),
        };
        let trace = Trace::start(trace_id);
        self.integrate(&matched, event.to_event().to_string().into(), &trace).await
    }

    async fn integrate(
        &self,
        matched: &Match<'_>,
        payload: Bytes,
        trace: &Trace,
    ) -> Result<Response, Response> {
        let function = &matched.target.function;
        let invocation = self.options.lambda.invoke_traced(function, payload, trace);
        let outcome = match tokio::time::timeout(INTEGRATION_TIMEOUT, invocation).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(InvokeError::PayloadTooLarge { .. })) => {
                return Err(message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
            }
            Ok(Err(InvokeError::NotFound(_) | InvokeError::Recursive(_))) => {
                return Err(internal_error());
            }
            Ok(Err(InvokeError::Throttled(_) | InvokeError::ShuttingDown)) | Err(_) => {
                return Err(message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"));
            }
        };
        if outcome.function_error.is_some() {
            return Err(internal_error());
        }
        Ok(response::from_payload(&outcome.payload))
    }

    /// Returns the claims of the request's token, or (as `Err`) the value for the
    /// `WWW-Authenticate` header.
    fn authorize(
        &self,
        authorizer: &JwtAuthorizer,
        headers: &HeaderMap,
    ) -> Result<Map<String, Value>, &'static str> {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = token.map(bearer).filter(|token| !token.is_empty()) else {
            return Err("Bearer");
        };
        let claims = self.options.identity.verify(token, &authorizer.issuer, &authorizer.audience);
        claims.map_err(|_| INVALID_TOKEN_CHALLENGE)
    }
}

/// The token in a header value. The value may start with an authentication scheme, which is
/// removed.
fn bearer(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value.trim(),
    }
}

fn unauthorized(challenge: &'static str) -> Response {
    let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

fn internal_error() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

fn source_ip(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip())
}

#[cfg(test)]
mod tests;
