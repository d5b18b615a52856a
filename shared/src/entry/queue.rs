//! Functions behind an SQS queue, with partial batch failures.

use std::{error::Error, future::Future, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, service_fn};
use serde::de::DeserializeOwned;
use tracing::{Instrument, info_span};

use super::{
    event::{self, Event},
    log,
    start::{Handler, Served, start},
};
use crate::{
    aws,
    environment::{Environment, StartError},
    error::chain,
    metric,
    outbox::Envelope,
    table::{Key, Table},
};

/// The queue whose messages a function processes.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// The SQS client.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue's URL.
    pub url: String,
    /// The table with the due items of messages. The due item of a received message is deleted.
    pub table: Table,
}

impl QueueSource {
    /// Creates a `QueueSource` from the environment. `url` is the name of the environment variable
    /// with the queue's URL.
    pub fn from_env(environment: &Environment, url: &'static str) -> Result<Self, StartError> {
        let (sqs, url) = (environment.sqs(), environment.text(url)?);
        Ok(Self { sqs, url, table: environment.table()? })
    }
}

/// One parsed message.
#[derive(Clone, Debug)]
pub struct Message<T> {
    /// The content, which describes the work for the worker.
    pub body: T,
    /// The number of times that SQS has delivered the message, at least 1. Deliveries to workers
    /// that crashed also count.
    pub receive_count: u32,
    /// The lease of the message, which can be extended.
    pub lease: MessageLease,
    /// The time at which Lambda stops the invocation; `None` if it is not known.
    pub deadline: Option<Timestamp>,
}

/// The lease of a message that is being processed: SQS delivers the message to no other worker
/// until its visibility time-out ends.
#[derive(Clone, Debug)]
pub struct MessageLease {
    sqs: aws_sdk_sqs::Client,
    url: String,
    receipt: String,
}

impl MessageLease {
    /// Sets the visibility time-out: the message is not delivered again before `after`, counted
    /// from now. SQS allows at most 12 hours. A failure is only logged; the message is then
    /// delivered again after its queue's own visibility time-out.
    pub async fn set_visibility(&self, after: Duration) {
        let seconds = i32::try_from(after.as_secs().min(43_200)).unwrap_or(43_200);
        let changed = self
            .sqs
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(&self.receipt)
            .visibility_timeout(seconds)
            .send()
            .await;
        if let Err(error) = changed {
            tracing::warn!(
                error = aws::explanation(&error),
                "could not change the visibility time-out of a message"
            );
        }
    }
}

/// The error for a failed message that has no id. The message cannot be reported alone, so the
/// whole batch fails. An empty id in the response would have the same effect, but without an error
/// in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a failed message has no id; its whole batch will be delivered again")]
pub struct MessageWithoutId;

impl From<MessageWithoutId> for Diagnostic {
    fn from(error: MessageWithoutId) -> Self {
        Self { error_type: "MESSAGE_WITHOUT_ID".to_owned(), error_message: error.to_string() }
    }
}

/// The error for a message that is not valid JSON or does not have the expected format. Its text
/// contains the kind and the position of serde's error. It does not contain serde's text, which may
/// quote a value of the message.
#[derive(Debug, thiserror::Error)]
#[error("{:?} error at line {}, column {}", .0.classify(), .0.line(), .0.column())]
struct InvalidMessage(serde_json::Error);

/// Runs a function behind a queue. The environment variable `queue_url` has the queue's URL. If the
/// handler fails for a message, only that message of the batch is delivered again.
pub async fn run<A, T, H, F, E>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
    queue_url: &'static str,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    A: 'static,
    T: DeserializeOwned,
    H: Fn(Arc<A>, Message<T>) -> F + Copy + 'static,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let (app, environment) = start(wire).await?;
    let source = QueueSource::from_env(&environment, queue_url)?;
    serve(Box::new(move |event: Event| {
        let (app, source) = (Arc::clone(&app), source.clone());
        // Boxed, because a handler's future is deeply nested and the runtime nests it further.
        Box::pin(async move {
            let batch = event::parse(&event.payload)?;
            let work = |message| handler(Arc::clone(&app), message);
            handle_batch(batch, &event.context, &source, work).await.map_err(Diagnostic::from)
        })
    }))
    .await
}

/// Receives events and returns responses until the process ends. It is not generic and returns a
/// boxed future, so that the runtime's code is compiled once, in this crate, and not again in each
/// function.
fn serve(handler: Handler<SqsBatchResponse>) -> Served {
    Box::pin(lambda_runtime::run(service_fn(handler)))
}

/// Processes the batch of one event and sets each message's deadline. [`run`] calls it for each
/// event.
pub(super) async fn handle_batch<T, H, F, E>(
    batch: SqsEvent,
    context: &Context,
    source: &QueueSource,
    handler: H,
) -> Result<SqsBatchResponse, MessageWithoutId>
where
    T: DeserializeOwned,
    H: Fn(Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let millis = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    let deadline = Timestamp::from_millisecond(millis).ok();
    let work = |message| handler(Message { deadline, ..message });
    respond(&context.request_id, batch, source, work).await
}

/// Processes the messages of one batch concurrently, and reports the failed ones, which SQS then
/// delivers again.
///
/// # Errors
/// [`MessageWithoutId`] if a failed message cannot be reported; then SQS delivers the whole batch
/// again.
pub async fn respond<T, H, F, E>(
    request_id: &str,
    event: SqsEvent,
    source: &QueueSource,
    handler: H,
) -> Result<SqsBatchResponse, MessageWithoutId>
where
    T: DeserializeOwned,
    H: Fn(Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    metric::cold_start(log::is_cold_start());
    let results = join_all(event.records.into_iter().map(|record| {
        let message_id = record.message_id.clone().filter(|id| !id.is_empty());
        let span = info_span!("message", request_id, message_id);
        let work = process(record, source, &handler);
        async move { (message_id, work.await) }.instrument(span)
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    for (message_id, succeeded) in results {
        if !succeeded {
            response.add_failure(message_id.ok_or(MessageWithoutId)?);
        }
    }
    Ok(response)
}

/// Processes one message and returns whether it succeeded.
async fn process<T, H, F, E>(record: SqsMessage, source: &QueueSource, handler: &H) -> bool
where
    T: DeserializeOwned,
    H: Fn(Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let envelope = match Envelope::<T>::parse(record.body.as_deref().unwrap_or_default()) {
        Ok(envelope) => envelope,
        Err(error) => {
            let error = InvalidMessage(error);
            tracing::error!(
                error = %chain(&error),
                "could not parse a message; it will go to the dead-letter queue"
            );
            return false;
        }
    };
    let count = record.attributes.get("ApproximateReceiveCount");
    let message = Message {
        body: envelope.body,
        receive_count: count.and_then(|count| count.parse().ok()).unwrap_or(1),
        lease: MessageLease {
            sqs: source.sqs.clone(),
            url: source.url.clone(),
            receipt: record.receipt_handle.unwrap_or_default(),
        },
        deadline: None,
    };
    // Only the first delivery deletes the due item; later deliveries of the message have none.
    let due = envelope.due.filter(|_| message.receive_count == 1);
    let ((), result) = tokio::join!(complete_due(source, due), handler(message));
    match result {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(
                error = %chain(&error),
                "could not process a message; it will be delivered again"
            );
            false
        }
    }
}

/// Deletes the due item of a message that has arrived. If that fails, the clean-up sends the
/// message once more, which is harmless.
async fn complete_due(source: &QueueSource, due: Option<Key>) {
    let Some(due) = due else { return };
    if let Err(error) = source.table.complete_due(&due).await {
        tracing::warn!(error = %chain(&error), "could not delete a due item");
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::config::BehaviorVersion;
    use serde_json::{Value, json};

    use super::*;
    use crate::{http_client, table::embedded};

    /// A queue to which the tests make no calls.
    async fn unused_queue() -> QueueSource {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client::for_sdk(http_client::builder().build().unwrap()))
            .build();
        QueueSource {
            sqs: aws_sdk_sqs::Client::from_conf(config),
            url: "http://queue".to_owned(),
            table: embedded::table().await,
        }
    }

    /// Processes a batch of messages, each with an id and whether its handler succeeds. Returns the
    /// reported failures.
    async fn failures(batch: &[(Option<&str>, bool)]) -> Result<Value, MessageWithoutId> {
        let records = batch.iter().map(|(id, succeeds)| {
            let body = json!({ "body": succeeds }).to_string();
            json!({ "messageId": id, "body": body, "attributes": {}, "messageAttributes": {} })
        });
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let event = serde_json::from_value(event).unwrap();
        let work = |message: Message<bool>| async move {
            if message.body { Ok(()) } else { Err(std::io::Error::other("it fails")) }
        };
        let response = respond("r", event, &unused_queue().await, work).await?;
        Ok(serde_json::to_value(response).unwrap()["batchItemFailures"].clone())
    }

    #[tokio::test]
    async fn only_the_failed_message_of_a_batch_is_reported() {
        let failures = failures(&[(Some("a"), true), (Some("b"), false)]).await;
        assert_eq!(failures, Ok(json!([{ "itemIdentifier": "b" }])));
    }

    #[test]
    fn the_error_of_an_invalid_message_has_its_kind_and_place_and_no_value() {
        for (body, expected) in [
            (r#"{"body": "secret"}"#, "Data error at line 1, column 17"),
            (r#"{"body": true"#, "Eof error at line 1, column 13"),
            ("secret", "Syntax error at line 1, column 1"),
        ] {
            let error = InvalidMessage(Envelope::<bool>::parse(body).unwrap_err());
            assert_eq!(chain(&error).to_string(), expected, "{body}");
        }
    }

    #[tokio::test]
    async fn the_whole_batch_fails_if_a_failed_message_has_no_id() {
        for missing in [None, Some("")] {
            assert_eq!(
                failures(&[(Some("a"), true), (missing, false)]).await,
                Err(MessageWithoutId)
            );
            assert_eq!(failures(&[(missing, true)]).await, Ok(json!([])));
        }
    }
}
