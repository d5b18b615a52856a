//! Faults, as rules that stay until they are spent or cleared.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;

use super::{ControlState, Refusal, data};
use crate::aws::Rule;

/// `POST /_local/faults`: answers all rules in force.
pub(super) async fn add(
    State(state): State<ControlState>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let rule = Rule::parse(&body).map_err(Refusal::invalid)?;
    state.faults.add(rule).map_err(Refusal::invalid)?;
    Ok(data(state.faults.list()))
}

/// `GET /_local/faults`.
pub(super) async fn list(State(state): State<ControlState>) -> Response {
    data(state.faults.list())
}

/// `DELETE /_local/faults`.
pub(super) async fn clear(State(state): State<ControlState>) -> Response {
    state.faults.clear();
    data(state.faults.list())
}
