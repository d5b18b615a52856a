//! The simulated Unified Notification Service (SPEC §1). It records the notifications that it
//! accepts.

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::response::{error, with_faults};
use super::secrets::AcceptedSecrets;
use crate::aws::{Faults, Target};
use crate::record::Notifications;

const API_KEY: &str = "x-api-key";

/// Creates a router with the two routes. Each route requires the API key. The faults with the
/// target `notifications` apply to both routes.
pub(super) fn router(
    notifications: Notifications,
    faults: Faults,
    accepted: AcceptedSecrets,
) -> Router {
    Router::new()
        .route("/api/v1/notifications/chat", post(accept))
        .route("/notif/v1/notifications", post(accept))
        .fallback(async || error(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found."))
        .with_state(notifications)
        .layer(middleware::from_fn_with_state(accepted, authenticate))
        .layer(middleware::from_fn_with_state(faults, inject_faults))
}

async fn authenticate(
    State(accepted): State<AcceptedSecrets>,
    request: Request,
    next: Next,
) -> Response {
    let key = request.headers().get(API_KEY).and_then(|value| value.to_str().ok());
    if !key.is_some_and(|key| accepted.any(|known| known == key)) {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "The API key is wrong.");
    }
    next.run(request).await
}

async fn inject_faults(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    with_faults(&faults, Target::Notifications, request, next).await
}

async fn accept(
    State(notifications): State<Notifications>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return bad_request(&rejection.body_text()),
    };
    for field in ["sso_id", "title", "description"] {
        if body[field].as_str().is_none_or(str::is_empty) {
            return bad_request(&format!("{field} is required"));
        }
    }
    let id = notifications.accept(uri.path(), recorded_headers(&headers), body);
    Json(json!({ "notification_id": id })).into_response()
}

fn bad_request(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
}

/// All headers of a request except the API key, which is secret.
fn recorded_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, _)| *name != API_KEY)
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}
