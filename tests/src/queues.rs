use std::sync::{MutexGuard, PoisonError};

use local::{sources::queue_event, template::Names};
use serde_json::Value;

use crate::World;

/// The queues, and the delivery of their messages.
impl World {
    /// Delivers every visible message to the function of its queue until no message is left, and
    /// returns how many were delivered. Failed messages stay in their queue.
    pub async fn process_queues(&self) -> usize {
        let mut delivered = 0;
        loop {
            let mut round = 0;
            for function in self.template.functions.values() {
                for source in function.queue_sources() {
                    round += self.process_queue(&function.id, &source.queue, 10).await;
                }
            }
            if round == 0 {
                return delivered;
            }
            delivered += round;
        }
    }

    /// The functions of which an invocation was dropped as part of an endless loop.
    pub fn dropped(&self) -> MutexGuard<'_, Vec<String>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives the messages that wait for a function, and returns them as the function's event.
    /// They stay in the queue, invisible.
    pub async fn receive(&self, function: &str) -> Value {
        let source = self.template.functions[function].queue_sources().next();
        let queue = &source.expect("the function has a queue").queue;
        let sqs = self.environment(function).await.sqs();
        let receive = sqs.receive_message().queue_url(self.names.queue_url(queue));
        let receive = receive.max_number_of_messages(10);
        let received = receive.message_system_attribute_names("All".into()).send().await;
        let messages = received.expect("the queue returns messages").messages.unwrap_or_default();
        queue_event::event(&messages, &Names::queue_arn(queue))
    }

    /// Delivers one message to this function. Returns false if its queue has none.
    pub async fn process_next(&self, function: &str) -> bool {
        let source = self.template.functions[function].queue_sources().next();
        let queue = &source.expect("the function has a queue").queue;
        self.process_queue(function, queue, 1).await == 1
    }

    /// Receives the messages of a queue and returns their message groups.
    pub async fn message_groups(&self, queue: &str) -> Vec<String> {
        let sqs = self.operator("QUEUE", queue).await.sqs();
        let received = sqs
            .receive_message()
            .queue_url(self.names.queue_url(queue))
            .max_number_of_messages(10)
            .message_system_attribute_names("All".into())
            .send()
            .await
            .expect("the queue returns messages");
        let event = queue_event::event(received.messages(), &Names::queue_arn(queue));
        check_groups(&event);
        let records = event["Records"].as_array().into_iter().flatten();
        records.map(|it| text(&it["attributes"]["MessageGroupId"])).collect()
    }

    /// Delivers at most `most` messages in one batch, and returns how many.
    async fn process_queue(&self, function: &str, queue: &str, most: i32) -> usize {
        let sqs = self.environment(function).await.sqs();
        let url = self.names.queue_url(queue);
        let received = sqs
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(most)
            .message_system_attribute_names("All".into())
            .send()
            .await
            .expect("the queue returns messages");
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            return 0;
        }
        let chain = self.aws.traces().of_batch(messages.iter().filter_map(|m| m.message_id()));
        let allows_recursion = self.template.functions[function].allows_recursion;
        let Some(chain) = chain.next(function, allows_recursion) else {
            self.dropped().push(function.to_owned());
            return 0;
        };
        let event = queue_event::event(&messages, &Names::queue_arn(queue));
        check_groups(&event);
        let response = self.invoke_in_chain(function, event, chain).await;
        let failed: Vec<&str> = response["batchItemFailures"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["itemIdentifier"].as_str())
            .collect();
        for message in &messages {
            if !failed.contains(&message.message_id().unwrap_or_default()) {
                let receipt = message.receipt_handle().unwrap_or_default();
                let done = sqs.delete_message().queue_url(&url).receipt_handle(receipt);
                done.send().await.expect("the queue deletes the message");
            }
        }
        messages.len()
    }
}

/// Checks that each message of an event is in the message group of its company (SPEC §4).
fn check_groups(event: &Value) {
    for record in event["Records"].as_array().into_iter().flatten() {
        let message: Value = serde_json::from_str(&text(&record["body"])).expect("a message");
        let group = &record["attributes"]["MessageGroupId"];
        assert_eq!(group, &message["body"]["company"], "{record}");
        assert!(group.is_string(), "{record}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
