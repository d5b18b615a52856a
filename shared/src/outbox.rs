//! Queue messages that are never lost between a commit and their sending.
//!
//! A message is written as a due item in the transaction that makes it necessary, sent at once
//! after the commit, and swept by the clean-up when that failed. Whoever receives it deletes the
//! due item: a message that arrived is in the queue's keeping.

use std::collections::{HashMap, HashSet};

use aws_sdk_sqs::types::{SendMessageBatchRequestEntry, SendMessageBatchResultEntry};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    aws,
    table::{Action, Due, DueItem, DueKind, Key, TableError},
};

/// How long the sender has before the clean-up takes a message for lost.
pub const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// The most entries of one batch.
const BATCH: usize = 10;

/// The queues.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Mentions to notify or to verify.
    Mention,
    /// Exports to generate.
    Export,
    /// Results of exports to tell.
    ExportEmail,
    /// Backfill runs to go on with.
    Backfill,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 4] = [Self::Mention, Self::Export, Self::ExportEmail, Self::Backfill];

    /// The environment variable that holds the queue's URL.
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

/// What a due item of kind [`DueKind::Message`] holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Posting {
    queue: Queue,
    body: Value,
}

/// A message on the wire: what is to be done, and the due item that its arrival meets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// The due item, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Key>,
    /// What is to be done.
    pub body: T,
}

/// A message on its way: written with the transaction, then sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    due: Due,
    key: Key,
    queue: Queue,
    body: Value,
}

impl Outgoing {
    /// A message; `id` names it apart from all others for ever.
    ///
    /// # Errors
    /// When the body does not serialize.
    pub fn new(
        queue: Queue,
        id: impl Into<String>,
        now: Timestamp,
        body: &impl Serialize,
    ) -> Result<Self, TableError> {
        let body =
            serde_json::to_value(body).map_err(|error| TableError::Refused(error.to_string()))?;
        let posting = Posting { queue, body };
        let due = Due::new(DueKind::Message, now + GRACE, id, &posting)?;
        Ok(Self { key: due.key(), due, queue, body: posting.body })
    }

    /// The message that a due item holds, for the clean-up to send.
    ///
    /// # Errors
    /// When the item holds no message.
    pub fn from_due(item: &DueItem) -> Result<Self, TableError> {
        let Posting { queue, body } = item.due.payload()?;
        Ok(Self { due: item.due.clone(), key: item.key.clone(), queue, body })
    }

    /// The action that records the message in a transaction.
    ///
    /// # Errors
    /// As [`Due::put`].
    pub fn put(&self) -> Result<Action, TableError> {
        self.due.put()
    }

    /// The key of the due item.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Outbox {
    sqs: aws_sdk_sqs::Client,
    urls: HashMap<Queue, String>,
}

impl Outbox {
    /// An outbox for these queues.
    #[must_use]
    pub fn new(sqs: aws_sdk_sqs::Client, urls: HashMap<Queue, String>) -> Self {
        Self { sqs, urls }
    }

    /// Sends messages in batches and tells the due items of those that the queues acknowledged one
    /// by one. What could not be sent is logged and left to the clean-up: the commit stands.
    pub async fn send(&self, messages: &[Outgoing]) -> Vec<Key> {
        let mut acknowledged = Vec::with_capacity(messages.len());
        for queue in Queue::ALL {
            let of_queue: Vec<_> = messages.iter().filter(|m| m.queue == queue).collect();
            for batch in of_queue.chunks(BATCH) {
                acknowledged.extend(self.send_batch(queue, batch).await);
            }
        }
        acknowledged
    }

    async fn send_batch(&self, queue: Queue, batch: &[&Outgoing]) -> Vec<Key> {
        let Some(url) = self.url(queue) else {
            tracing::error!(?queue, "no URL is configured for the queue; the messages stay in the outbox");
            return Vec::new();
        };
        let entries: Vec<_> = batch
            .iter()
            .enumerate()
            .filter_map(|(index, message)| {
                let envelope =
                    Envelope { due: Some(message.key.clone()), body: message.body.clone() };
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(serde_json::to_string(&envelope).ok()?)
                    .build()
                    .ok()
            })
            .collect();
        match self.sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let sent: HashSet<&str> =
                    answer.successful().iter().map(SendMessageBatchResultEntry::id).collect();
                if sent.len() < batch.len() {
                    tracing::warn!(?queue, failed = batch.len() - sent.len(), "could not send some messages; they stay in the outbox");
                }
                let acknowledged = batch.iter().enumerate();
                acknowledged
                    .filter(|(index, _)| sent.contains(index.to_string().as_str()))
                    .map(|(_, message)| message.key.clone())
                    .collect()
            }
            Err(error) => {
                let error = aws::explanation(&error);
                tracing::warn!(?queue, error, "could not send a batch of messages; they stay in the outbox");
                Vec::new()
            }
        }
    }

    /// The URL of a queue, if the function has it.
    #[must_use]
    pub fn url(&self, queue: Queue) -> Option<&str> {
        self.urls.get(&queue).map(String::as_str)
    }
}

/// Where a worker puts the messages that it gives up, for an operator to send back.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

/// A message could not be put among the dead letters.
#[derive(Debug, thiserror::Error)]
#[error("could not send a message to the dead-letter queue: {0}")]
pub struct DeadLetterError(String);

impl DeadLetters {
    /// The dead letters in the queue with this URL.
    #[must_use]
    pub fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Puts a message there. It comes back without a due item: there is nobody waiting to hear of
    /// its arrival.
    ///
    /// # Errors
    /// When the queue does not take it.
    pub async fn put(&self, body: &(impl Serialize + Sync)) -> Result<(), DeadLetterError> {
        let text = serde_json::to_string(&Envelope { due: None, body })
            .map_err(|error| DeadLetterError(error.to_string()))?;
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(text).send().await;
        sent.map(drop).map_err(|error| DeadLetterError(aws::explanation(&error)))
    }
}

impl<T: DeserializeOwned> Envelope<T> {
    /// The envelope that a message's text holds.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
