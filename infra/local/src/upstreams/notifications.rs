//! The Unified Notification Service (SPEC §1): keeps what it accepts.

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{NOTIFICATION_API_KEY, refuse, under_faults};
use crate::aws::{Faults, Target};
use crate::record::Notifications;

const API_KEY: &str = "x-api-key";

/// Both routes; each needs the API key and obeys the faults on `notifications`.
pub(super) fn router(notifications: Notifications, faults: Faults) -> Router {
    Router::new()
        .route("/api/v1/notifications/chat", post(accept))
        .route("/notif/v1/notifications", post(accept))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found."))
        .with_state(notifications)
        .layer(middleware::from_fn(admit))
        .layer(middleware::from_fn_with_state(faults, disturb))
}

async fn admit(request: Request, next: Next) -> Response {
    let key = request.headers().get(API_KEY).and_then(|value| value.to_str().ok());
    if key != Some(NOTIFICATION_API_KEY) {
        return refuse(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Bad API key.");
    }
    next.run(request).await
}

async fn disturb(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    under_faults(&faults, Target::Notifications, request, next).await
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
    let id = notifications.accept(uri.path(), shown(&headers), body);
    Json(json!({ "notification_id": id })).into_response()
}

fn bad_request(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
}

/// All headers but the secret one.
fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, _)| *name != API_KEY)
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}
