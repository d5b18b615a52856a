//! The Invoke operation of the Lambda API, for `aws lambda invoke --endpoint-url`,
//! `cargo lambda invoke` and similar tools.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::errors::InvokeError;
use super::handle::Lambda;
use super::limits::{MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES};
use super::outcome::InvokeOutcome;
use crate::account;

/// Creates the router for `POST /2015-03-31/functions/{function}/invocations`. `function` is the
/// logical id of the function, its ARN or a part of the ARN.
pub fn router(lambda: Lambda) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "UnknownOperationException", json!({})) })
        .with_state(lambda)
}

async fn invoke(
    State(lambda): State<Lambda>,
    Path(function): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let function = logical_id(&function).to_owned();
    let kind = header(&headers, "x-amz-invocation-type").unwrap_or("RequestResponse");
    let limit = if kind == "Event" { MAX_EVENT_BYTES } else { MAX_PAYLOAD_BYTES };
    let payload = match axum::body::to_bytes(body, limit).await {
        Ok(payload) if payload.is_empty() => Bytes::from_static(b"{}"),
        Ok(payload) => payload,
        Err(_) => return failed(&InvokeError::PayloadTooLarge { size: limit + 1, limit }),
    };
    if let Err(error) = serde_json::from_slice::<Value>(&payload) {
        let message = format!("Could not parse request body into json: {error}");
        return invalid("InvalidRequestContentException", &message);
    }
    match kind {
        "RequestResponse" => match lambda.invoke(&function, payload).await {
            Ok(outcome) => respond(outcome, header(&headers, "x-amz-log-type") == Some("Tail")),
            Err(error) => failed(&error),
        },
        "Event" => match lambda.invoke_later(&function, payload) {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(error) => failed(&error),
        },
        "DryRun" if lambda.has_function(&function) => StatusCode::NO_CONTENT.into_response(),
        "DryRun" => failed(&InvokeError::NotFound(function)),
        other => {
            let message = format!("Unknown invocation type: {other}");
            invalid("InvalidParameterValueException", &message)
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The function name in a text of the form `Name`, `Name:$LATEST`, `account:function:Name` or an
/// ARN.
fn logical_id(function: &str) -> &str {
    let name = function.rsplit_once("function:").map_or(function, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}

fn respond(outcome: InvokeOutcome, with_log: bool) -> Response {
    let mut response = Response::builder()
        .header("content-type", "application/json")
        .header("x-amzn-requestid", &outcome.request_id)
        .header("x-amz-executed-version", "$LATEST");
    if outcome.function_error.is_some() {
        response = response.header("x-amz-function-error", "Unhandled");
    }
    if with_log {
        response = response.header("x-amz-log-result", STANDARD.encode(log_result(&outcome)));
    }
    response
        .body(Body::from(outcome.payload))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The last part of the invocation's log, followed by the report that Lambda writes.
fn log_result(outcome: &InvokeOutcome) -> String {
    let duration = outcome.duration.as_secs_f64() * 1e3;
    let memory = outcome.peak_memory_bytes.div_ceil(1024 * 1024);
    let init = outcome.init.map_or_else(String::new, |init| {
        format!("\tInit Duration: {:.2} ms", init.as_secs_f64() * 1e3)
    });
    format!(
        "{}END RequestId: {id}\nREPORT RequestId: {id}\tDuration: {duration:.2} ms\tMax Memory Used: {memory} MB{init}\n",
        outcome.log_tail,
        id = outcome.request_id
    )
}

fn failed(failure: &InvokeError) -> Response {
    match failure {
        InvokeError::NotFound(function) => {
            let arn = account::arn("lambda", &format!("function:{function}"));
            let message = format!("Function not found: {arn}");
            let body = json!({ "Type": "User", "Message": message });
            error(StatusCode::NOT_FOUND, "ResourceNotFoundException", body)
        }
        InvokeError::Recursive(_) => {
            let message = "Lambda detected a recursive loop.";
            let body = json!({ "Type": "User", "Message": message });
            error(StatusCode::BAD_REQUEST, "RecursiveInvocationException", body)
        }
        InvokeError::Throttled(_) => {
            let body = json!({
                "Type": "User",
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                "message": "Rate Exceeded.",
            });
            error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", body)
        }
        InvokeError::PayloadTooLarge { limit, .. } => {
            let message = format!(
                "Request must be smaller than {limit} bytes for the InvokeFunction operation"
            );
            let body = json!({ "Type": "User", "message": message });
            error(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", body)
        }
        InvokeError::ShuttingDown => {
            let body = json!({ "Type": "Service", "Message": failure.to_string() });
            error(StatusCode::SERVICE_UNAVAILABLE, "ServiceException", body)
        }
    }
}

fn invalid(error_type: &str, message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, error_type, json!({ "Type": "User", "message": message }))
}

fn error(status: StatusCode, error_type: &str, body: Value) -> Response {
    (status, [("x-amzn-errortype", error_type)], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::logical_id;

    #[test]
    fn a_function_is_found_by_name_arn_and_partial_arn() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:SetFlags";
        for name in ["SetFlags", "SetFlags:$LATEST", "000000000000:function:SetFlags", arn] {
            assert_eq!(logical_id(name), "SetFlags");
        }
    }
}
