//! The outbox. It ensures that a queue message is not lost if the process crashes after a
//! transaction was committed and before the message was sent.
//!
//! A message is stored as a due item in the same transaction as the change that requires the
//! message, and is sent directly after the commit. If sending fails, the clean-up sends the message
//! later. The receiver of the message deletes the due item. The due item is then no longer needed,
//! because the queue keeps a message until it is processed.
//!
//! Each message is in the message group of its company, so that SQS delivers the messages of all
//! companies in turn (fair queues). A company with many messages does not delay the others.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    error::Error,
};

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    aws,
    error::chain,
    id::CompanyId,
    table::{Action, Due, DueItem, DueKind, Key, TableError},
};

/// The time after the commit at which the clean-up sends a message that still has a due item.
pub const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// The maximum number of messages in one batch.
const BATCH: usize = 10;

/// The queues to which functions send messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// The queue of mentions that must be verified, or whose person must be notified.
    Mention,
    /// The queue of exports whose file must be generated.
    Export,
    /// The queue of finished exports, about which the requester gets an email.
    ExportEmail,
    /// The queue of team backfill runs that must be continued.
    Backfill,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 4] = [Self::Mention, Self::Export, Self::ExportEmail, Self::Backfill];

    /// The name of the environment variable with the queue's URL.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Mention => "MENTION_QUEUE_URL",
            Self::Export => "EXPORT_QUEUE_URL",
            Self::ExportEmail => "EXPORT_EMAIL_QUEUE_URL",
            Self::Backfill => "BACKFILL_QUEUE_URL",
        }
    }
}

/// The content of a message. A type without a company cannot be sent.
pub trait MessageBody: Serialize {
    /// The company that the message belongs to. It is the message's group in the queue.
    fn company(&self) -> &CompanyId;
}

/// The payload of a due item of the kind [`DueKind::Message`].
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredMessage {
    queue: Queue,
    company: CompanyId,
    body: Value,
}

/// A message in a queue, with the key of the due item that the receiver must delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// The key of the due item; `None` if the message has no due item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Key>,
    /// The content of the message.
    pub body: T,
}

/// A message that is first stored in a transaction and then sent to its queue.
#[derive(Clone, Debug)]
pub struct Outgoing {
    due: Due,
    key: Key,
    stored: StoredMessage,
}

impl Outgoing {
    /// Creates a message. `id` must be different from the ids of all other messages.
    pub fn new(
        queue: Queue,
        id: impl Into<String>,
        now: Timestamp,
        body: &impl MessageBody,
    ) -> Result<Self, TableError> {
        let company = body.company().clone();
        let body =
            serde_json::to_value(body).map_err(|error| TableError::Refused(error.to_string()))?;
        let stored = StoredMessage { queue, company, body };
        let due = Due::new(DueKind::Message, now + GRACE, id, &stored)?;
        Ok(Self { key: due.key(), due, stored })
    }

    /// Creates the message from a due item, so that the clean-up can send it.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the item contains no valid message.
    pub fn from_due(item: &DueItem) -> Result<Self, TableError> {
        let stored = item.due.payload()?;
        Ok(Self { due: item.due.clone(), key: item.key.clone(), stored })
    }

    /// The table action that stores the message as a due item.
    pub fn put(&self) -> Result<Action, TableError> {
        self.due.put()
    }

    /// The key of the due item.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// Sends messages to queues.
#[derive(Clone, Debug)]
pub struct Outbox {
    sqs: aws_sdk_sqs::Client,
    urls: HashMap<Queue, String>,
}

impl Outbox {
    /// Creates an outbox for the queues with these URLs.
    #[must_use]
    pub fn new(sqs: aws_sdk_sqs::Client, urls: HashMap<Queue, String>) -> Self {
        Self { sqs, urls }
    }

    /// Sends messages in batches. Returns the keys of the due items of those messages that the
    /// queues acknowledged. Messages that could not be sent are logged, and the clean-up sends them
    /// later. A failure does not undo the commit.
    pub async fn send(&self, messages: &[Outgoing]) -> Vec<Key> {
        let mut acknowledged = Vec::with_capacity(messages.len());
        for queue in Queue::ALL {
            let of_queue: Vec<_> = messages.iter().filter(|m| m.stored.queue == queue).collect();
            for batch in of_queue.chunks(BATCH) {
                acknowledged.extend(self.send_batch(queue, batch).await);
            }
        }
        acknowledged
    }

    async fn send_batch(&self, queue: Queue, batch: &[&Outgoing]) -> Vec<Key> {
        let Some(url) = self.url(queue) else {
            tracing::error!(
                ?queue,
                "no URL is configured for the queue; the messages stay in the outbox"
            );
            return Vec::new();
        };
        let entries = batch.iter().enumerate().filter_map(|(index, message)| {
            let entry = batch_entry(index, message).inspect_err(|error| {
                tracing::error!(
                    ?queue,
                    error = %chain(&**error),
                    "could not serialize a message; it stays in the outbox"
                );
            });
            entry.ok()
        });
        let entries: Vec<_> = entries.collect();
        match self.sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let sent: HashSet<&str> =
                    answer.successful().iter().map(SendMessageBatchResultEntry::id).collect();
                if sent.len() < batch.len() {
                    let failed = batch.len() - sent.len();
                    let codes: BTreeSet<&str> =
                        answer.failed().iter().map(BatchResultErrorEntry::code).collect();
                    tracing::warn!(
                        ?queue,
                        failed,
                        ?codes,
                        "could not send some messages; they stay in the outbox"
                    );
                }
                let acknowledged = batch.iter().enumerate();
                acknowledged
                    .filter(|(index, _)| sent.contains(index.to_string().as_str()))
                    .map(|(_, message)| message.key.clone())
                    .collect()
            }
            Err(error) => {
                tracing::warn!(
                    ?queue,
                    error = aws::explanation(&error),
                    "could not send a batch of messages; they stay in the outbox"
                );
                Vec::new()
            }
        }
    }

    /// The URL of a queue; `None` if the function does not send messages to it.
    #[must_use]
    pub fn url(&self, queue: Queue) -> Option<&str> {
        self.urls.get(&queue).map(String::as_str)
    }
}

fn batch_entry(
    index: usize,
    message: &Outgoing,
) -> Result<SendMessageBatchRequestEntry, Box<dyn Error>> {
    let StoredMessage { company, body, .. } = &message.stored;
    let envelope = Envelope { due: Some(message.key.clone()), body };
    let entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_group_id(company.as_str())
        .message_body(serde_json::to_string(&envelope)?);
    Ok(entry.build()?)
}

/// A dead-letter queue, to which a worker sends the messages that it cannot process. An operator
/// can send them back.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

/// The reason why a message could not be sent to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The message could not be converted into JSON.
    #[error("could not serialize a message for the dead-letter queue")]
    Serialize(#[source] serde_json::Error),
    /// The queue did not accept the message.
    #[error("could not send a message to the dead-letter queue")]
    Send(#[source] aws::CallError),
}

impl DeadLetters {
    /// Creates a client of the dead-letter queue with this URL.
    #[must_use]
    pub fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends a message to the queue. The message has no due item, because the outbox does not store
    /// it.
    pub async fn put(&self, body: &(impl MessageBody + Sync)) -> Result<(), DeadLetterError> {
        let text = serde_json::to_string(&Envelope { due: None, body })
            .map_err(DeadLetterError::Serialize)?;
        let message = self.sqs.send_message().queue_url(&self.url).message_body(text);
        let sent = message.message_group_id(body.company().as_str()).send().await;
        sent.map(drop).map_err(|error| DeadLetterError::Send(aws::CallError::new(&error)))
    }
}

impl<T: DeserializeOwned> Envelope<T> {
    /// Parses the text of a message.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
