//! The `/_local` endpoints for the last requests to the API.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::response::{ErrorResponse, data};
use super::state::ControlState;
use crate::record::MAX_REQUESTS;

/// Number of requests that are listed if the caller sets no limit.
const DEFAULT_LIMIT: usize = 50;

#[derive(Deserialize)]
pub(super) struct Selection {
    user: Option<String>,
    limit: Option<usize>,
}

/// `GET /_local/requests[?user={sso}&limit={1 to 200}]`: lists the last requests, newest first, each
/// with the invocations that it caused.
pub(super) async fn list(
    State(state): State<ControlState>,
    selection: Result<Query<Selection>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let Query(Selection { user, limit }) =
        selection.map_err(|rejection| ErrorResponse::invalid(rejection.body_text()))?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_REQUESTS).contains(&limit) {
        let message = format!("`limit` must be between 1 and {MAX_REQUESTS}");
        return Err(ErrorResponse::invalid(message));
    }
    Ok(data(state.requests.list(user.as_deref(), limit)))
}

/// `DELETE /_local/requests`: removes all requests.
pub(super) async fn clear(State(state): State<ControlState>) -> Response {
    state.requests.clear();
    data(state.requests.list(None, DEFAULT_LIMIT))
}
