//! Message groups of standard queues ("fair queues"). The emulator has none, so each group of a
//! queue is a queue of its own in the emulator, and a call on the queue goes to the queues of its
//! groups. Redelivery, delays and the redrive policy of a group's queue thus keep the group.
//!
//! Receive calls take the groups in turn. A group with many messages does not delay the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    ChangeMessageVisibilityBatchInput, ChangeMessageVisibilityInput, CreateQueueInput,
    DeleteMessageBatchInput, DeleteMessageInput, GetQueueAttributesInput, ListQueuesInput,
    PurgeQueueInput, ReceiveMessageInput, SendMessageBatchInput, SendMessageInput,
};
use rustack_sqs_model::output::{
    ChangeMessageVisibilityBatchOutput, ChangeMessageVisibilityOutput, DeleteMessageBatchOutput,
    DeleteMessageOutput, GetQueueAttributesOutput, ListQueuesOutput, PurgeQueueOutput,
    ReceiveMessageOutput, SendMessageBatchOutput, SendMessageOutput,
};
use rustack_sqs_model::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchRequestEntry,
    DeleteMessageBatchResultEntry, Message, SendMessageBatchResultEntry,
};
use tokio::sync::{Mutex, Notify, RwLock};
use tokio::time::Instant;

use super::error::StartError;
use super::resources::QueueSpec;
use crate::account::arn;
use crate::trace::{MessageTraces, Trace};

/// The name of the system attribute with a message's group.
const GROUP_ATTRIBUTE: &str = "MessageGroupId";

/// The name of the system attribute with the queue from which a dead letter comes.
const DEAD_LETTER_SOURCE: &str = "DeadLetterQueueSourceArn";

/// The attributes of a queue that count its messages.
const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

/// How often a waiting receive call looks for messages that have become visible with time.
const TICK: Duration = Duration::from_secs(1);

/// Largest number of entries in a batch, and of messages in a receive call.
const MAX_BATCH: usize = 10;

/// Separates the name of a queue from the number of a group. A logical id cannot contain it.
const SEPARATOR: &str = "--";

/// A message group. The number is a part of the names of the group's queues in the emulator. The
/// messages without a group are in group 0.
type Group = usize;

/// The queues with their message groups.
pub(super) struct MessageGroups {
    provider: Arc<RustackSqs>,
    queues: Vec<QueueSpec>,
    /// The id of each group. The first is empty: it is the group of the messages without a group.
    ids: RwLock<Vec<String>>,
    /// For each queue, the group whose turn it is.
    turns: HashMap<String, Mutex<Group>>,
    /// Wakes waiting receive calls.
    changed: Notify,
    /// The traces of the messages.
    pub(super) traces: MessageTraces,
}

impl MessageGroups {
    /// Creates the queues.
    pub(super) async fn start(
        provider: Arc<RustackSqs>,
        queues: &[QueueSpec],
    ) -> Result<Self, StartError> {
        let turns = queues.iter().map(|queue| (queue.name.clone(), Mutex::default())).collect();
        let groups = Self {
            provider,
            queues: queues.to_vec(),
            ids: RwLock::new(vec![String::new()]),
            turns,
            changed: Notify::new(),
            traces: MessageTraces::default(),
        };
        groups.create(0).await?;
        Ok(groups)
    }

    /// Creates the queues of a group.
    async fn create(&self, group: Group) -> Result<(), StartError> {
        for queue in &self.queues {
            let name = name(&queue.name, group);
            let mut attributes = HashMap::from([
                ("VisibilityTimeout".to_owned(), queue.visibility_seconds.to_string()),
                ("MessageRetentionPeriod".to_owned(), queue.retention_seconds.to_string()),
            ]);
            if let Some(redrive) = &queue.redrive {
                let target = arn("sqs", &self::name(&redrive.dead_letter_queue, group));
                let policy = serde_json::json!({
                    "deadLetterTargetArn": target,
                    "maxReceiveCount": redrive.max_receive_count,
                });
                attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
            }
            let input = CreateQueueInput { queue_name: name, attributes, ..Default::default() };
            self.provider.create_queue(input).await.map_err(|error| StartError::Sqs {
                queue: queue.name.clone(),
                reason: error.message,
            })?;
        }
        Ok(())
    }

    /// The group with this id. A new group is created.
    async fn group(&self, id: Option<&str>) -> Result<Group, SqsError> {
        let Some(id) = id else { return Ok(0) };
        if id.is_empty() || id.len() > 128 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SqsError::invalid_parameter_value(
                "Value for parameter MessageGroupId is invalid.",
            ));
        }
        let find = |ids: &[String]| ids.iter().position(|known| known == id);
        if let Some(group) = find(&self.ids.read().await) {
            return Ok(group);
        }
        let mut ids = self.ids.write().await;
        if let Some(group) = find(&ids) {
            return Ok(group);
        }
        self.create(ids.len())
            .await
            .map_err(|error| SqsError::internal_error(error.to_string()))?;
        ids.push(id.to_owned());
        Ok(ids.len() - 1)
    }

    pub(super) async fn send(
        &self,
        mut input: SendMessageInput,
        trace: Trace,
    ) -> Result<SendMessageOutput, SqsError> {
        let group = self.group(input.message_group_id.take().as_deref()).await?;
        input.queue_url = name(&input.queue_url, group);
        let output = self.provider.send_message(input).await?;
        if let Some(id) = &output.message_id {
            self.traces.keep(id, trace);
        }
        self.changed.notify_waiters();
        Ok(output)
    }

    pub(super) async fn send_batch(
        &self,
        input: SendMessageBatchInput,
        trace: &Trace,
    ) -> Result<SendMessageBatchOutput, SqsError> {
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = SendMessageBatchOutput::default();
        for entry in input.entries {
            let single = SendMessageInput {
                queue_url: input.queue_url.clone(),
                message_body: entry.message_body,
                delay_seconds: entry.delay_seconds,
                message_deduplication_id: entry.message_deduplication_id,
                message_group_id: entry.message_group_id,
                message_attributes: entry.message_attributes,
                message_system_attributes: entry.message_system_attributes,
            };
            match self.send(single, trace.clone()).await {
                Ok(sent) => output.successful.push(SendMessageBatchResultEntry {
                    id: entry.id,
                    message_id: sent.message_id.unwrap_or_default(),
                    md5_of_message_body: sent.md5_of_message_body.unwrap_or_default(),
                    md5_of_message_attributes: sent.md5_of_message_attributes,
                    sequence_number: sent.sequence_number,
                }),
                Err(error) => output.failed.push(failed_entry(entry.id, error)),
            }
        }
        Ok(output)
    }

    /// Receives messages of the groups in turn. If there are none, waits for a message as long as
    /// the call allows.
    pub(super) async fn receive(
        &self,
        input: ReceiveMessageInput,
    ) -> Result<ReceiveMessageOutput, SqsError> {
        let wait = u64::try_from(input.wait_time_seconds.unwrap_or(0)).unwrap_or(0);
        let end = Instant::now() + Duration::from_secs(wait);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            let messages = self.receive_now(&input).await?;
            if !messages.is_empty() || Instant::now() >= end {
                return Ok(ReceiveMessageOutput { messages });
            }
            let tick = end.min(Instant::now() + TICK);
            let _ = tokio::time::timeout_at(tick, changed).await;
        }
    }

    /// Receives the visible messages, one of each group in turn, until the call has as many as it
    /// wants.
    async fn receive_now(&self, input: &ReceiveMessageInput) -> Result<Vec<Message>, SqsError> {
        let wanted = usize::try_from(input.max_number_of_messages.unwrap_or(1)).unwrap_or(1);
        let wanted = wanted.clamp(1, MAX_BATCH);
        let queue = input.queue_url.rsplit('/').next().unwrap_or_default();
        let unknown = || SqsError::non_existent_queue("The specified queue does not exist.");
        let mut turn = self.turns.get(queue).ok_or_else(unknown)?.lock().await;
        let ids = self.ids.read().await.clone();
        let (mut messages, mut empty) = (Vec::new(), 0);
        while messages.len() < wanted && empty < ids.len() {
            let group = *turn % ids.len();
            *turn = group + 1;
            let one = ReceiveMessageInput {
                queue_url: name(&input.queue_url, group),
                max_number_of_messages: Some(1),
                wait_time_seconds: Some(0),
                ..input.clone()
            };
            let received = self.provider.receive_message(one).await?.messages;
            empty = if received.is_empty() { empty + 1 } else { 0 };
            let as_received = |message| received_message(message, group, &ids[group], input);
            messages.extend(received.into_iter().map(as_received));
        }
        Ok(messages)
    }

    pub(super) async fn delete(
        &self,
        mut input: DeleteMessageInput,
    ) -> Result<DeleteMessageOutput, SqsError> {
        let group = take_group(&mut input.receipt_handle);
        input.queue_url = name(&input.queue_url, group);
        self.provider.delete_message(input).await
    }

    pub(super) async fn delete_batch(
        &self,
        input: DeleteMessageBatchInput,
    ) -> Result<DeleteMessageBatchOutput, SqsError> {
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = DeleteMessageBatchOutput::default();
        for DeleteMessageBatchRequestEntry { id, receipt_handle } in input.entries {
            let queue_url = input.queue_url.clone();
            match self.delete(DeleteMessageInput { queue_url, receipt_handle }).await {
                Ok(_) => output.successful.push(DeleteMessageBatchResultEntry { id }),
                Err(error) => output.failed.push(failed_entry(id, error)),
            }
        }
        Ok(output)
    }

    pub(super) async fn change_visibility(
        &self,
        mut input: ChangeMessageVisibilityInput,
    ) -> Result<ChangeMessageVisibilityOutput, SqsError> {
        let group = take_group(&mut input.receipt_handle);
        input.queue_url = name(&input.queue_url, group);
        let output = self.provider.change_message_visibility(input).await?;
        self.changed.notify_waiters();
        Ok(output)
    }

    pub(super) async fn change_visibility_batch(
        &self,
        input: ChangeMessageVisibilityBatchInput,
    ) -> Result<ChangeMessageVisibilityBatchOutput, SqsError> {
        check_batch(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = ChangeMessageVisibilityBatchOutput::default();
        for entry in input.entries {
            let single = ChangeMessageVisibilityInput {
                queue_url: input.queue_url.clone(),
                receipt_handle: entry.receipt_handle,
                visibility_timeout: entry.visibility_timeout,
            };
            match self.change_visibility(single).await {
                Ok(_) => {
                    let changed = ChangeMessageVisibilityBatchResultEntry { id: entry.id };
                    output.successful.push(changed);
                }
                Err(error) => output.failed.push(failed_entry(entry.id, error)),
            }
        }
        Ok(output)
    }

    /// The attributes of a queue. The numbers of messages include the messages of all groups.
    pub(super) async fn attributes(
        &self,
        input: GetQueueAttributesInput,
    ) -> Result<GetQueueAttributesOutput, SqsError> {
        let mut output = self.provider.get_queue_attributes(input.clone()).await?;
        for group in 1..self.ids.read().await.len() {
            let queue_url = name(&input.queue_url, group);
            let input = GetQueueAttributesInput { queue_url, ..input.clone() };
            let part = self.provider.get_queue_attributes(input).await?;
            for count in COUNTS {
                if let Some(sum) = output.attributes.get_mut(count) {
                    *sum = (number(Some(&*sum)) + number(part.attributes.get(count))).to_string();
                }
            }
        }
        Ok(output)
    }

    /// The queues, without the queues of their groups.
    pub(super) async fn list(&self, input: ListQueuesInput) -> Result<ListQueuesOutput, SqsError> {
        let mut output = self.provider.list_queues(input).await?;
        output.queue_urls.retain(|url| !url.contains(SEPARATOR));
        Ok(output)
    }

    pub(super) async fn purge(&self, input: PurgeQueueInput) -> Result<PurgeQueueOutput, SqsError> {
        for group in 1..self.ids.read().await.len() {
            let queue_url = name(&input.queue_url, group);
            self.provider.purge_queue(PurgeQueueInput { queue_url }).await?;
        }
        self.provider.purge_queue(input).await
    }
}

/// The name or URL of a group's queue in the emulator. An URL ends with the queue's name.
fn name(queue: &str, group: Group) -> String {
    match group {
        0 => queue.to_owned(),
        group => format!("{queue}{SEPARATOR}{group}"),
    }
}

/// A message as the caller receives it. Its receipt handle and its attributes have the group.
fn received_message(
    mut message: Message,
    group: Group,
    id: &str,
    input: &ReceiveMessageInput,
) -> Message {
    message.receipt_handle = message.receipt_handle.map(|handle| format!("{group}.{handle}"));
    if let Some(source) = message.attributes.get_mut(DEAD_LETTER_SOURCE)
        && let Some((queue, _)) = source.rsplit_once(SEPARATOR)
    {
        *source = queue.to_owned();
    }
    let mut names = input.attribute_names.iter().chain(&input.message_system_attribute_names);
    if group != 0 && names.any(|name| name == "All" || name == GROUP_ATTRIBUTE) {
        message.attributes.insert(GROUP_ATTRIBUTE.to_owned(), id.to_owned());
    }
    message
}

/// Takes the group off a receipt handle. The emulator decides about a handle that has none.
fn take_group(handle: &mut String) -> Group {
    let split = handle.split_once('.').and_then(|(group, rest)| Some((group.parse().ok()?, rest)));
    let Some((group, rest)) = split else { return 0 };
    *handle = rest.to_owned();
    group
}

/// Checks the entries of a batch whose ids are `ids`.
fn check_batch<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), SqsError> {
    let mut ids: Vec<&str> = ids.collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    match count {
        0 => Err(SqsError::empty_batch_request()),
        MAX_BATCH.. if count > MAX_BATCH => Err(SqsError::too_many_entries_in_batch()),
        _ if ids.len() < count => Err(SqsError::batch_entry_ids_not_distinct()),
        _ => Ok(()),
    }
}

/// The result of an entry of a batch that failed.
fn failed_entry(id: String, error: SqsError) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id,
        sender_fault: error.code.is_sender_fault(),
        code: error.code.error_type().to_owned(),
        message: Some(error.message),
    }
}

fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
