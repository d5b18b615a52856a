//! The `/_local` endpoints for the objects of the bucket. Operators upload input files and download
//! reports.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::response::{ErrorResponse, data};
use super::state::ControlState;

/// `PUT /_local/objects/{key}`: writes an object.
pub(super) async fn write(
    State(state): State<ControlState>,
    Path(key): Path<String>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let (client, bucket) = (state.files.client(), state.files.bucket());
    let size = body.len();
    let put = client.put_object().bucket(bucket).key(&key).body(body.into());
    put.send().await.map_err(|error| {
        let message = aws_sdk_s3::error::DisplayErrorContext(error).to_string();
        ErrorResponse::new(StatusCode::BAD_GATEWAY, "NOT_STORED", message)
    })?;
    Ok(data(json!({ "key": key, "size": size })))
}

/// `GET /_local/objects/{key}`: reads an object.
pub(super) async fn read(
    State(state): State<ControlState>,
    Path(key): Path<String>,
) -> Result<Response, ErrorResponse> {
    let missing =
        |_| ErrorResponse::new(StatusCode::NOT_FOUND, "NOT_FOUND", "The object does not exist.");
    Ok(state.files.read(&key).await.map_err(missing)?.into_response())
}
