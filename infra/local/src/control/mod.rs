//! The `/_local` endpoints (SPEC §6), which control the local cloud itself: tokens, the directory,
//! records of requests and of what was sent and logged, usage, faults, objects and the clean-up.

mod analytics;
mod directory;
mod faults;
mod mail;
mod notifications;
mod objects;
mod records;
mod requests;
mod response;
mod state;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use http::StatusCode;

pub use state::{CleanUp, ControlState, Flags, flags_by_company};

use response::ErrorResponse;

/// Largest object in bytes that can be uploaded through the endpoints.
const MAX_OBJECT_BYTES: usize = 256 * 1024 * 1024;

/// Creates a router for the endpoints without their prefix. Nest it under `/_local`.
pub fn router(state: ControlState) -> Router {
    Router::new()
        .route("/token", get(directory::token))
        .route("/token-lifetime", put(directory::token_lifetime))
        .route("/users", get(directory::users))
        .route("/directory", post(directory::upsert))
        .route("/mail", get(mail::list))
        .route("/mail/{id}/html", get(mail::html))
        .route("/notifications", get(notifications::list))
        .route("/notifications/{id}", put(notifications::mark))
        .route("/events", get(records::events))
        .route("/usage", get(records::usage).delete(records::reset_usage))
        .route("/requests", get(requests::list).delete(requests::clear))
        .route("/clean-up", post(records::clean_up))
        .route(
            "/objects/{*key}",
            get(objects::read).put(objects::write).layer(DefaultBodyLimit::max(MAX_OBJECT_BYTES)),
        )
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .fallback(async || {
            ErrorResponse::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Unknown endpoint.")
        })
        .method_not_allowed_fallback(async || {
            ErrorResponse::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "The endpoint does not support this method.",
            )
        })
        .with_state(state)
}

/// Creates a router for the endpoint of analytics events, which accepts requests with the content
/// type of a form. Nest it under `/_local`.
pub fn analytics_router(state: ControlState) -> Router {
    let limit = DefaultBodyLimit::max(analytics::MAX_EVENT_BYTES);
    Router::new().route("/analytics", post(analytics::add).layer(limit)).with_state(state)
}
