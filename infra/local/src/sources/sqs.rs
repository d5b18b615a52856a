//! Event source mappings: they poll queues and invoke functions with the messages.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials as AccessKeys, Region};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::queue_event;
use crate::account::REGION;
use crate::aws::Credentials;
use crate::lambda::{InvokeError, InvokeOutcome, Lambda};
use crate::template::{Function, Names, QueueSource, Template};
use crate::trace::{MessageTraces, Trace};

/// The visibility time-out of a queue that the template does not declare.
const DEFAULT_VISIBILITY: Duration = Duration::from_secs(30);

/// Largest number of messages in one receive or delete call.
const MAX_BATCH: usize = 10;

/// Longest time that one receive call waits for messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Largest number of concurrent invocations of a mapping that sets no maximum.
const DEFAULT_CONCURRENCY: usize = 5;

/// First and longest pause before a throttled invocation is tried again.
const THROTTLED_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Pause after a failed receive call.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

/// The dependencies of the mappings.
#[derive(Clone)]
pub struct QueueSourcesOptions {
    /// The template, which declares the mappings.
    pub template: Arc<Template>,
    /// Resolves the URLs of the queues.
    pub names: Names,
    /// URL of the SQS endpoint.
    pub endpoint_url: String,
    /// Issues access keys. Each mapping receives and deletes messages with keys of its function.
    pub credentials: Credentials,
    /// The HTTP client that sends the calls of the mappings.
    pub http: reqwest::Client,
    /// Invokes the functions.
    pub lambda: Lambda,
    /// The traces of the messages.
    pub traces: MessageTraces,
}

/// The running event source mappings.
pub struct QueueSources {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// One event source mapping.
#[derive(Clone)]
struct Mapping {
    function: String,
    source: QueueSource,
    client: Client,
    queue_url: String,
    queue_arn: String,
    visibility: Duration,
    lambda: Lambda,
    traces: MessageTraces,
    tasks: TaskTracker,
}

impl QueueSources {
    /// Starts polling every queue that is an event source of a function.
    #[must_use]
    pub fn start(options: &QueueSourcesOptions) -> Self {
        let sources = Self { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        for function in options.template.functions.values() {
            for source in function.queue_sources() {
                let mapping = Mapping {
                    function: function.id.clone(),
                    client: client(options, function),
                    queue_url: options.names.queue_url(&source.queue),
                    queue_arn: Names::queue_arn(&source.queue),
                    visibility: options
                        .template
                        .queues
                        .get(&source.queue)
                        .map_or(DEFAULT_VISIBILITY, |queue| queue.visibility_timeout),
                    source: source.clone(),
                    lambda: options.lambda.clone(),
                    traces: options.traces.clone(),
                    tasks: sources.tasks.clone(),
                };
                let stop = sources.stop.clone();
                sources.tasks.spawn(async move { stop.run_until_cancelled(mapping.poll()).await });
            }
        }
        sources
    }

    /// Stops polling and waits for the batches in progress. Shut down the Lambda service before
    /// this call.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn client(options: &QueueSourcesOptions, function: &Function) -> Client {
    let keys = options.credentials.issue(&function.id);
    let keys = AccessKeys::new(keys.access_key_id, keys.secret_access_key, None, None, "local");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(&options.endpoint_url)
        .credentials_provider(keys)
        .http_client(shared::http_client::for_sdk(options.http.clone()))
        .build();
    Client::from_conf(config)
}

impl Mapping {
    /// Receives batches and invokes the function with each batch. The number of concurrent
    /// invocations does not exceed the maximum of the mapping, and not the function's concurrency
    /// limit: messages that wait for a free process stay in the queue, where those of another
    /// message group can have their turn before them.
    async fn poll(self) {
        let concurrency = self.source.maximum_concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        let concurrency = concurrency.min(self.lambda.concurrency(&self.function));
        let permits = Arc::new(Semaphore::new(concurrency));
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            let messages = self.gather().await;
            if messages.is_empty() {
                continue;
            }
            let mapping = self.clone();
            self.tasks.spawn(async move {
                mapping.handle(messages).await;
                drop(permit);
            });
        }
    }

    /// Receives a batch. Without a batch window, the batch contains the messages of one receive
    /// call. With a batch window, it contains all messages that arrive until the window ends or the
    /// batch is full.
    async fn gather(&self) -> Vec<Message> {
        let mut messages = self.receive(LONG_POLL, self.source.batch_size).await;
        if messages.is_empty() || self.source.batch_window.is_zero() {
            return messages;
        }
        let window_end = Instant::now() + self.source.batch_window;
        while messages.len() < self.source.batch_size {
            let left = window_end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let room = self.source.batch_size - messages.len();
            messages.extend(self.receive(left.min(LONG_POLL), room).await);
        }
        messages
    }

    async fn receive(&self, wait: Duration, room: usize) -> Vec<Message> {
        let seconds = i32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(0);
        let most = i32::try_from(room.min(MAX_BATCH)).unwrap_or(1);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(most)
            .wait_time_seconds(seconds)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        match received {
            Ok(output) => output.messages.unwrap_or_default(),
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error);
                tracing::warn!(function = %self.function, %error, "messages could not be received");
                tokio::time::sleep(ERROR_PAUSE).await;
                Vec::new()
            }
        }
    }

    /// Invokes the function and deletes the messages that succeeded. The other messages are
    /// delivered again after their visibility time-out.
    async fn handle(&self, messages: Vec<Message>) {
        let event = Bytes::from(queue_event::event(&messages, &self.queue_arn).to_string());
        let ids = messages.iter().filter_map(Message::message_id);
        let trace = self.traces.of_batch(ids);
        let response = match self.invoke(event, &trace).await {
            Ok(outcome) if outcome.function_error.is_none() => outcome.payload,
            Ok(_) | Err(_) => return,
        };
        let done: Vec<&Message> = if self.source.reports_batch_item_failures {
            queue_event::succeeded(&messages, &response)
        } else {
            messages.iter().collect()
        };
        for batch in done.chunks(MAX_BATCH) {
            self.delete(batch).await;
        }
    }

    /// Invokes the function. A throttled invocation is tried again soon and with the same messages,
    /// as on AWS: their visibility time-out is much longer than the wait for a free process. It is
    /// given up before that time-out, because the queue would deliver the messages twice.
    async fn invoke(&self, event: Bytes, trace: &Trace) -> Result<InvokeOutcome, InvokeError> {
        let (mut pause, longest) = THROTTLED_PAUSE;
        let last_try = Instant::now() + self.visibility / 2;
        loop {
            let result = self.lambda.invoke_traced(&self.function, event.clone(), trace).await;
            if !matches!(result, Err(InvokeError::Throttled(_))) || Instant::now() >= last_try {
                return result;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Deletes messages. If a delete call fails, its messages are delivered again, as on AWS.
    async fn delete(&self, batch: &[&Message]) {
        let entries = batch.iter().enumerate().filter_map(|(index, message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle()?)
                .build()
                .ok()
        });
        let deletion = self
            .client
            .delete_message_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries.collect()))
            .send()
            .await;
        match deletion {
            Ok(deletion) => {
                let deleted = deletion
                    .successful()
                    .iter()
                    .filter_map(|entry| batch.get(entry.id().parse::<usize>().ok()?)?.message_id());
                self.traces.deleted(deleted);
            }
            Err(error) => {
                let error = aws_sdk_sqs::error::DisplayErrorContext(&error);
                tracing::warn!(function = %self.function, %error, "messages could not be deleted");
            }
        }
    }
}
