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
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::StartError;
use super::resources::QueueSpec;
use super::response::json_response;
use crate::account::{ACCOUNT_ID, REGION, arn};

/// The running SQS emulator.
pub(crate) struct Queues {
    provider: Arc<RustackSqs>,
    handler: RustackSqsHandler,
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
        let queues_running =
            Self { handler: RustackSqsHandler::new(Arc::clone(&provider)), provider };
        // A dead-letter queue must exist before the queue that names it.
        let (dead_letters, sources): (Vec<_>, Vec<_>) =
            queues.iter().partition(|queue| queue.redrive.is_none());
        for queue in dead_letters.into_iter().chain(sources) {
            queues_running.create(queue).await?;
        }
        Ok(queues_running)
    }

    async fn create(&self, queue: &QueueSpec) -> Result<(), StartError> {
        let mut attributes = json!({
            "VisibilityTimeout": queue.visibility_seconds.to_string(),
            "MessageRetentionPeriod": queue.retention_seconds.to_string(),
        });
        if let Some(redrive) = &queue.redrive {
            let policy = json!({
                "deadLetterTargetArn": arn("sqs", &redrive.dead_letter_queue),
                "maxReceiveCount": redrive.max_receive_count,
            });
            attributes["RedrivePolicy"] = json!(policy.to_string());
        }
        let request = json!({ "QueueName": queue.name, "Attributes": attributes });
        let mut headers = HeaderMap::new();
        headers.insert(TARGET, HeaderValue::from_static("AmazonSQS.CreateQueue"));
        let response = self.call(&headers, request.to_string().into()).await;
        if response.status().is_success() {
            return Ok(());
        }
        let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let reason = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        Err(StartError::Sqs { queue: queue.name.clone(), reason })
    }

    /// Runs a call and returns the response.
    pub(crate) async fn call(&self, headers: &HeaderMap, body: Bytes) -> Response {
        let result = match resolve_operation(headers) {
            Ok(operation) => dispatch_operation(&self.handler, operation, body).await,
            Err(error) => Err(error),
        };
        let request_id = Uuid::new_v4().to_string();
        let mut response = result.unwrap_or_else(|error| error_to_response(&error, &request_id));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        response.map(Body::new)
    }

    /// Runs a `SendMessageBatch` call in which every second entry fails, starting with the first
    /// entry.
    pub(crate) async fn call_partially(&self, headers: &HeaderMap, body: Bytes) -> Response {
        let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
            return self.call(headers, body).await;
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
        let response = self.call(headers, request.to_string().into()).await;
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

const TARGET: &str = "x-amz-target";

fn failed_entry(entry: &Value) -> Value {
    json!({
        "Id": entry["Id"],
        "SenderFault": false,
        "Code": "InternalError",
        "Message": "Injected fault.",
    })
}
