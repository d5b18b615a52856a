//! The `/_local` endpoints (SPEC §6), which control the local cloud itself: tokens, the directory,
//! records of what was sent and logged, usage, faults, objects and the clean-up.

mod directory;
mod faults;
mod objects;
mod records;
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
