//! The `/_local` endpoints for the mail that was sent.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use uuid::Uuid;

use super::response::{ErrorResponse, data};
use super::state::ControlState;

/// The policy for the HTML part of a mail. As in a mail program, it runs no script and loads
/// nothing.
const MAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// `GET /_local/mail`: lists the mail that was sent.
pub(super) async fn list(State(state): State<ControlState>) -> Response {
    data(state.mailbox.list())
}

/// `GET /_local/mail/{id}/html`: the HTML part of a mail, as a page that a frame can show.
pub(super) async fn html(
    State(state): State<ControlState>,
    Path(id): Path<String>,
) -> Result<Response, ErrorResponse> {
    let mail = Uuid::parse_str(&id).ok().and_then(|id| state.mailbox.find(id));
    let html = mail.and_then(|mail| mail.html).ok_or_else(|| {
        let message = "There is no mail with this id and an HTML part.";
        ErrorResponse::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })?;
    let headers = [(CONTENT_SECURITY_POLICY, MAIL_POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, Html(html)).into_response())
}
