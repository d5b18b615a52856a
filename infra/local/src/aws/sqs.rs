//! The SQS emulator. It keeps the queues in memory.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::dispatch_operation;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::operations::SqsOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::StartError;
use super::message_groups::MessageGroups;
use super::resources::QueueSpec;
use super::response::json_response;
use crate::account::{ACCOUNT_ID, REGION};
use crate::trace::{MessageTraces, Trace};

/// The running SQS emulator.
pub(crate) struct Queues {
    provider: Arc<RustackSqs>,
    handler: RustackSqsHandler,
    groups: MessageGroups,
}

impl Queues {
    /// Creates the queues. Their URLs use the common endpoint, which listens on `port`.
    pub(crate) async fn start(queues: &[QueueSpec], port: u16) -> Result<Self, StartError> {
        let provider = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT_ID.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        }));
        let groups = MessageGroups::start(Arc::clone(&provider), queues).await?;
        Ok(Self { handler: RustackSqsHandler::new(Arc::clone(&provider)), provider, groups })
    }

    /// The traces of the messages.
    pub(crate) fn traces(&self) -> &MessageTraces {
        &self.groups.traces
    }

    /// Runs a call of `function` and returns the response.
    pub(crate) async fn call(&self, function: &str, headers: &HeaderMap, body: Bytes) -> Response {
        let result = match resolve_operation(headers) {
            Ok(operation) => {
                let header = headers.get("x-amzn-trace-id").and_then(|header| header.to_str().ok());
                let trace = self.traces().of_call(function, header);
                self.run(operation, body, trace).await
            }
            Err(error) => Err(error),
        };
        result.unwrap_or_else(|error| {
            with_content_type(error_to_response(&error, &Uuid::new_v4().to_string()).map(Body::new))
        })
    }

    /// Runs an operation. Operations with messages go through the message groups.
    async fn run(
        &self,
        operation: SqsOperation,
        body: Bytes,
        trace: Trace,
    ) -> Result<Response, SqsError> {
        let groups = &self.groups;
        match operation {
            SqsOperation::SendMessage => success(&groups.send(input(&body)?, trace).await?),
            SqsOperation::SendMessageBatch => {
                success(&groups.send_batch(input(&body)?, &trace).await?)
            }
            SqsOperation::ReceiveMessage => success(&groups.receive(input(&body)?).await?),
            SqsOperation::DeleteMessage => success(&groups.delete(input(&body)?).await?),
            SqsOperation::DeleteMessageBatch => success(&groups.delete_batch(input(&body)?).await?),
            SqsOperation::ChangeMessageVisibility => {
                success(&groups.change_visibility(input(&body)?).await?)
            }
            SqsOperation::ChangeMessageVisibilityBatch => {
                success(&groups.change_visibility_batch(input(&body)?).await?)
            }
            SqsOperation::GetQueueAttributes => success(&groups.attributes(input(&body)?).await?),
            SqsOperation::ListQueues => success(&groups.list(input(&body)?).await?),
            SqsOperation::PurgeQueue => success(&groups.purge(input(&body)?).await?),
            _ => {
                let response = dispatch_operation(&self.handler, operation, body).await?;
                Ok(with_content_type(response.map(Body::new)))
            }
        }
    }

    /// Runs a `SendMessageBatch` call in which every second entry fails, starting with the first
    /// entry.
    pub(crate) async fn call_partially(
        &self,
        function: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
            return self.call(function, headers, body).await;
        };
        let entries = request["Entries"].as_array().cloned().unwrap_or_default();
        let (failed, sent): (Vec<_>, Vec<_>) =
            entries.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
        let failed: Vec<Value> =
            failed.into_iter().map(|(_, entry)| failed_entry(&entry)).collect();
        if sent.is_empty() {
            let body = json!({ "Successful": [], "Failed": failed });
            return json_response(http::StatusCode::OK, &body);
        }
        request["Entries"] = sent.into_iter().map(|(_, entry)| entry).collect();
        let response = self.call(function, headers, request.to_string().into()).await;
        let (parts, body) = response.into_parts();
        let body =
            body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let Ok(mut response) = serde_json::from_slice::<Value>(&body) else {
            return Response::from_parts(parts, Body::from(body));
        };
        if parts.status.is_success() {
            response["Failed"] = Value::Array(failed);
        }
        json_response(parts.status, &response)
    }

    /// Stops the emulator.
    pub(crate) async fn shutdown(&self) {
        self.provider.shutdown_all().await;
    }
}

/// Parses the body of a request.
fn input<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body)
        .map_err(|error| SqsError::invalid_parameter_value(error.to_string()))
}

fn success(output: &impl Serialize) -> Result<Response, SqsError> {
    let output = serde_json::to_value(output)
        .map_err(|error| SqsError::internal_error(error.to_string()))?;
    Ok(json_response(http::StatusCode::OK, &output))
}

fn with_content_type(mut response: Response) -> Response {
    let content_type = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn failed_entry(entry: &Value) -> Value {
    json!({
        "Id": entry["Id"],
        "SenderFault": false,
        "Code": "InternalError",
        "Message": "Injected fault.",
    })
}
