//! The `/_local` endpoint for analytics events of the web console. They are listed together with
//! the events that functions log.

use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::response::ErrorResponse;
use super::state::ControlState;

/// Largest event in bytes.
pub(super) const MAX_EVENT_BYTES: usize = 16 * 1024;

/// Largest length of the name of an event.
const MAX_NAME_LENGTH: usize = 100;

/// The `function` of the events in the list of events.
const CONSOLE: &str = "console";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    name: String,
    #[serde(default)]
    properties: Map<String, Value>,
}

/// `POST /_local/analytics` with `{"name", "properties"}`: adds an event. The content type does not
/// matter, because `navigator.sendBeacon` sends JSON as `text/plain` to avoid a preflight request.
pub(super) async fn add(
    State(state): State<ControlState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ErrorResponse> {
    let body = body.map_err(|rejection| {
        ErrorResponse::new(rejection.status(), "INVALID_REQUEST", rejection.body_text())
    })?;
    let Event { name, properties } =
        serde_json::from_slice(&body).map_err(ErrorResponse::invalid)?;
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty() || name.len() > MAX_NAME_LENGTH || !name.chars().all(is_allowed) {
        return Err(ErrorResponse::invalid(format!(
            "`name` must have 1 to {MAX_NAME_LENGTH} letters, digits and underscores"
        )));
    }
    // A property does not replace one of these fields.
    let mut line = json!({
        "timestamp": state.clock.now(),
        "level": "INFO",
        "event_name": name,
        "function": CONSOLE,
    });
    if let Some(fields) = line.as_object_mut() {
        for (name, value) in properties {
            fields.entry(name).or_insert(value);
        }
    }
    state.events.push(CONSOLE, line);
    Ok(StatusCode::NO_CONTENT)
}
