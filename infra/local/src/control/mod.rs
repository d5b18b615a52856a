//! The `/_local` endpoints (SPEC §6): what a visitor or a test asks of the local cloud itself.

mod directory;
mod faults;
mod objects;
mod records;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::future::BoxFuture;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::clock::Clock;
use shared::export::Files;

use crate::aws::Faults;
use crate::identity::Identity;
use crate::upstreams::Directory;
use crate::record::{Events, Mailbox, Notifications, Usage};

/// The most bytes of an object that is put through the endpoints.
const MAX_OBJECT_BYTES: usize = 256 * 1024 * 1024;

/// Reads the flags of a company from the table.
pub type Flags = Arc<dyn Fn(String) -> BoxFuture<'static, Map<String, Value>> + Send + Sync>;

/// Runs the clean-up once as if at the given time, and returns what it answered.
pub type CleanUp =
    Arc<dyn Fn(Timestamp) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// What the endpoints show and change.
#[derive(Clone)]
pub struct ControlState {
    /// Signs tokens.
    pub identity: Identity,
    /// Issuer of the tokens: what the template's authorizer expects.
    pub issuer: String,
    /// Audience of the tokens.
    pub audience: String,
    /// People and teams.
    pub directory: Directory,
    /// Mail sent through SES.
    pub mailbox: Mailbox,
    /// What the Notification Service accepted.
    pub notifications: Notifications,
    /// What the functions logged.
    pub events: Events,
    /// What the functions used.
    pub usage: Usage,
    /// What goes wrong.
    pub faults: Faults,
    /// The bucket's objects, with the rights of an operator.
    pub files: Files,
    /// Flags as the table has them.
    pub flags: Flags,
    /// The clean-up's schedule.
    pub clean_up: CleanUp,
    /// Present time.
    pub clock: Clock,
}

impl fmt::Debug for ControlState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ControlState").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The endpoints without their prefix: to be nested under `/_local`.
pub fn router(state: ControlState) -> Router {
    Router::new()
        .route("/token", get(directory::token))
        .route("/users", get(directory::users))
        .route("/directory", post(directory::upsert))
        .route("/mail", get(records::mail))
        .route("/notifications", get(records::notifications))
        .route("/events", get(records::events))
        .route("/usage", get(records::usage).delete(records::reset_usage))
        .route("/clean-up", post(records::clean_up))
        .route(
            "/objects/{*key}",
            get(objects::read).put(objects::write).layer(DefaultBodyLimit::max(MAX_OBJECT_BYTES)),
        )
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No such endpoint."))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Not this method.")
        })
        .with_state(state)
}

/// An error answer: `{"error", "message"}`.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into() }
    }

    fn invalid(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message.to_string())
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

fn data(data: impl Serialize) -> Response {
    #[derive(Serialize)]
    struct Data<T> {
        data: T,
    }
    Json(Data { data }).into_response()
}
