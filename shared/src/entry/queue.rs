//! SQS events, with partial batch failures.

use std::{error::Error, future::Future, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use tracing::{Instrument, info_span};

use super::{log, start::start};
use crate::{
    aws,
    environment::{Environment, StartError},
    error::chain,
    metric,
    outbox::Envelope,
    table::{Key, Table},
};

/// The queue that a function is fed from.
#[derive(Clone, Debug)]
pub struct QueueSource {
    /// The client.
    pub sqs: aws_sdk_sqs::Client,
    /// The queue's URL.
    pub url: String,
    /// The table with the due items of messages that have arrived.
    pub table: Table,
}

impl QueueSource {
    /// The queue whose URL an environment variable holds.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn from_env(environment: &Environment, url: &'static str) -> Result<Self, StartError> {
        let (sqs, url) = (environment.sqs(), environment.text(url)?);
        Ok(Self { sqs, url, table: environment.table()? })
    }
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message<T> {
    /// What is to be done.
    pub body: T,
    /// How often the queue has handed it out. It also rises when a worker dies.
    pub receive_count: u32,
    /// A hold on the message in its queue.
    pub lease: MessageLease,
    /// When the invocation's time is up, if it is known.
    pub deadline: Option<Timestamp>,
}

/// A hold on a message that is being worked on.
#[derive(Clone, Debug)]
pub struct MessageLease {
    sqs: aws_sdk_sqs::Client,
    url: String,
    receipt: String,
}

impl MessageLease {
    /// Keeps the message from others for so long from now; a failed message comes back then. That
    /// it could not be set is logged: the message then comes back at its queue's own time.
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
            let error = aws::explanation(&error);
            tracing::warn!(error, "could not change the visibility time-out of a message");
        }
    }
}

/// A message failed and has no id by which it alone could come back: its batch fails whole. In an
/// answer an empty id would mean the same, without saying so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a failed message has no id; its whole batch will be delivered again")]
pub struct MessageWithoutId;

impl From<MessageWithoutId> for Diagnostic {
    fn from(error: MessageWithoutId) -> Self {
        Self { error_type: "MESSAGE_WITHOUT_ID".to_owned(), error_message: error.to_string() }
    }
}

/// Runs a function behind the queue whose URL the environment variable `queue_url` holds. A message whose handler fails is reported and comes back; the
/// others of its batch are done.
///
/// # Errors
/// When the runtime ends.
pub async fn run<A, T, H, F, E>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
    queue_url: &'static str,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    H: Fn(Arc<A>, Message<T>) -> F + Copy,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let (app, environment) = start(wire).await?;
    let source = QueueSource::from_env(&environment, queue_url)?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let (app, source) = (Arc::clone(&app), source.clone());
        // Boxed: a handler's future is deep, and the runtime wraps it deeper.
        Box::pin(async move {
            let work = |message| handler(Arc::clone(&app), message);
            answer(event, &source, work).await.map_err(Diagnostic::from)
        })
    }))
    .await
}

/// Works off the batch of one event: what [`run`] does for each.
///
/// # Errors
/// As [`respond`].
pub(super) async fn answer<T, H, F, E>(
    event: LambdaEvent<SqsEvent>,
    source: &QueueSource,
    handler: H,
) -> Result<SqsBatchResponse, MessageWithoutId>
where
    T: DeserializeOwned,
    H: Fn(Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let millis = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
    let deadline = Timestamp::from_millisecond(millis).ok();
    let work = |message| handler(Message { deadline, ..message });
    respond(&event.context.request_id, event.payload, source, work).await
}

/// Works off one batch, message beside message, and reports those that come back.
///
/// # Errors
/// [`MessageWithoutId`], when one of these cannot be reported.
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
        let work = one(record, source, &handler);
        async move { (message_id, work.await) }.instrument(span)
    }))
    .await;
    let mut response = SqsBatchResponse::default();
    for (message_id, done) in results {
        if !done {
            response.add_failure(message_id.ok_or(MessageWithoutId)?);
        }
    }
    Ok(response)
}

/// Works off one message and tells whether it is done.
async fn one<T, H, F, E>(record: SqsMessage, source: &QueueSource, handler: &H) -> bool
where
    T: DeserializeOwned,
    H: Fn(Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let envelope = match Envelope::<T>::parse(record.body.as_deref().unwrap_or_default()) {
        Ok(envelope) => envelope,
        Err(error) => {
            let column = error.column();
            tracing::error!(
                column,
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
    // Only the first arrival has a due item to meet.
    let due = envelope.due.filter(|_| message.receive_count == 1);
    let ((), result) = tokio::join!(complete_due(source, due), handler(message));
    match result {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "could not process a message; it will be delivered again");
            false
        }
    }
}

/// Says that a message arrived. If that fails the clean-up sends it once more, which is harmless.
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

    /// A queue that nobody asks for anything.
    async fn unused() -> QueueSource {
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

    /// The answer to a batch of these ids, in which messages that say `true` are done.
    async fn answered(batch: &[(Option<&str>, bool)]) -> Result<Value, MessageWithoutId> {
        let records = batch.iter().map(|(id, done)| {
            let body = json!({ "body": done }).to_string();
            json!({ "messageId": id, "body": body, "attributes": {}, "messageAttributes": {} })
        });
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let event = serde_json::from_value(event).unwrap();
        let work = |message: Message<bool>| async move {
            if message.body { Ok(()) } else { Err(std::io::Error::other("it fails")) }
        };
        let answer = respond("r", event, &unused().await, work).await?;
        Ok(serde_json::to_value(answer).unwrap()["batchItemFailures"].clone())
    }

    #[tokio::test]
    async fn a_message_that_fails_comes_back_alone() {
        let failures = answered(&[(Some("a"), true), (Some("b"), false)]).await;
        assert_eq!(failures, Ok(json!([{ "itemIdentifier": "b" }])));
    }

    #[tokio::test]
    async fn a_batch_fails_whole_where_a_failed_message_has_no_id() {
        for nameless in [None, Some("")] {
            assert_eq!(
                answered(&[(Some("a"), true), (nameless, false)]).await,
                Err(MessageWithoutId)
            );
            assert_eq!(answered(&[(nameless, true)]).await, Ok(json!([])));
        }
    }
}
