//! The `/_local` endpoints for the notifications that were accepted. The web console shows each
//! person their own notifications and marks them as read, as the Notification Center does.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::response::{ErrorResponse, data};
use super::state::ControlState;

#[derive(Deserialize)]
pub(super) struct Addressee {
    user: Option<String>,
}

/// `GET /_local/notifications[?user={sso}]`: lists the notifications, or only those that are
/// addressed to one person.
pub(super) async fn list(
    State(state): State<ControlState>,
    addressee: Result<Query<Addressee>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let Query(Addressee { user }) =
        addressee.map_err(|rejection| ErrorResponse::invalid(rejection.body_text()))?;
    Ok(data(match user {
        Some(user) => state.notifications.addressed_to(&user),
        None => state.notifications.list(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    read: bool,
}

/// `PUT /_local/notifications/{notification_id}` with `{"read"}`: marks a notification as read or
/// unread.
pub(super) async fn mark(
    State(state): State<ControlState>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let Mark { read } = serde_json::from_slice(&body).map_err(ErrorResponse::invalid)?;
    let id = Uuid::parse_str(&id).ok();
    id.and_then(|id| state.notifications.mark(id, read)).map(data).ok_or_else(|| {
        let message = "The notification does not exist.";
        ErrorResponse::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })
}
