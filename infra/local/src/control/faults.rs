//! The `/_local` endpoints for the rules of fault injection. A rule stays in force until its
//! `times` are used up or all rules are removed.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;

use super::response::{ErrorResponse, data};
use super::state::ControlState;
use crate::aws::Rule;

/// `POST /_local/faults`: adds a rule and returns all rules in force.
pub(super) async fn add(
    State(state): State<ControlState>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let rule = Rule::parse(&body).map_err(ErrorResponse::invalid)?;
    state.faults.add(rule).map_err(ErrorResponse::invalid)?;
    Ok(data(state.faults.list()))
}

/// `GET /_local/faults`: lists the rules in force.
pub(super) async fn list(State(state): State<ControlState>) -> Response {
    data(state.faults.list())
}

/// `DELETE /_local/faults`: removes all rules.
pub(super) async fn clear(State(state): State<ControlState>) -> Response {
    state.faults.clear();
    data(state.faults.list())
}
