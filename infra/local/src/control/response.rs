//! The two forms of a response: data or an error.

use std::fmt;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

/// An error response: `{"error", "message"}`.
pub(super) struct ErrorResponse {
    status: StatusCode,
    error: &'static str,
    message: String,
}

impl ErrorResponse {
    pub(super) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self { status, error, message: message.into() }
    }

    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message.to_string())
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

/// A successful response: `{"data"}`.
pub(super) fn data(data: impl Serialize) -> Response {
    #[derive(Serialize)]
    struct Data<T> {
        data: T,
    }
    Json(Data { data }).into_response()
}
