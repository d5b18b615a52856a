//! Error responses, and the effects of injected faults on a request.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::json;

use crate::aws::{Call, Faults, Kind, Target, lost_response};

/// An error response: `{"error", "message"}`.
pub(super) fn error(status: StatusCode, error: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "error": error, "message": message }))).into_response()
}

/// Handles a request and applies the effects of the fault rules for `target`.
pub(super) async fn with_faults(
    faults: &Faults,
    target: Target,
    request: Request,
    next: Next,
) -> Response {
    let action = request.uri().path().to_owned();
    let effects = faults.decide(&Call { target, function: None, action: &action, read: None });
    effects.delay_before().await;
    let throttled = (effects.kind == Some(Kind::Throttle)).then_some(429);
    if let Some(status) = effects.status.or(throttled) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = error(status, "INJECTED_FAULT", "Injected fault.");
        if let Some(seconds) = effects.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return response;
    }
    let response = next.run(request).await;
    if effects.loses_response() {
        effects.delay_after().await;
        return lost_response();
    }
    response
}
