//! The `/_local` endpoints for the events and the usage of the run so far, and for the clean-up.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::response::{ErrorResponse, data};
use super::state::ControlState;

#[derive(Deserialize)]
pub(super) struct Named {
    name: Option<String>,
}

/// `GET /_local/events[?name=]`: lists the events that functions logged and that the web
/// console sent.
pub(super) async fn events(
    State(state): State<ControlState>,
    named: Result<Query<Named>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let Query(Named { name }) =
        named.map_err(|rejection| ErrorResponse::invalid(rejection.body_text()))?;
    Ok(data(state.events.list(name.as_deref())))
}

/// `GET /_local/usage`: returns the usage of each function.
pub(super) async fn usage(State(state): State<ControlState>) -> Response {
    data(state.usage.snapshot())
}

/// `DELETE /_local/usage`: resets the usage.
pub(super) async fn reset_usage(State(state): State<ControlState>) -> Response {
    state.usage.reset();
    data(state.usage.snapshot())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    #[serde(default)]
    time: Option<Timestamp>,
}

/// `POST /_local/clean-up` with an optional `{"time"}`: runs the clean-up. The run uses `time` as
/// the current time.
pub(super) async fn clean_up(
    State(state): State<ControlState>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let run = match body.is_empty() {
        true => Run::default(),
        false => serde_json::from_slice(&body).map_err(ErrorResponse::invalid)?,
    };
    let time = run.time.unwrap_or_else(|| state.clock.now());
    (state.clean_up)(time)
        .await
        .map(data)
        .map_err(|message| ErrorResponse::new(StatusCode::BAD_GATEWAY, "CLEAN_UP_FAILED", message))
}
