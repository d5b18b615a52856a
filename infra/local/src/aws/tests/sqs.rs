use aws_sdk_sqs::types::{
    BatchResultErrorEntry, Message, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};

use super::*;

async fn receive(cloud: &Cloud, queue: &str) -> Vec<Message> {
    let received = cloud
        .sqs()
        .receive_message()
        .queue_url(cloud.aws.queue_url(queue).unwrap())
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    received.messages.unwrap_or_default()
}

async fn send(cloud: &Cloud, body: &str) {
    let url = cloud.aws.queue_url("Work").unwrap();
    cloud.sqs().send_message().queue_url(url).message_body(body).send().await.unwrap();
}

fn entry(id: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(id).build().unwrap()
}

#[tokio::test]
async fn a_queue_url_is_the_endpoint_with_the_logical_id() {
    let cloud = Cloud::start().await;
    let url = cloud.sqs().get_queue_url().queue_name("Work").send().await.unwrap();
    assert_eq!(url.queue_url(), cloud.aws.queue_url("Work").as_deref());
    assert_eq!(
        cloud.aws.queue_url("Work").unwrap(),
        format!("{}/000000000000/Work", cloud.aws.endpoint_url())
    );
    assert_eq!(cloud.aws.queue_url("Other"), None);
}

#[tokio::test]
async fn a_message_that_is_received_too_often_moves_to_the_dead_letter_queue() {
    let cloud = Cloud::start().await;
    send(&cloud, "poison").await;
    let first = receive(&cloud, "Work").await;
    assert_eq!(first[0].body(), Some("poison"));
    let url = cloud.aws.queue_url("Work").unwrap();
    cloud
        .sqs()
        .change_message_visibility()
        .queue_url(&url)
        .receipt_handle(first[0].receipt_handle().unwrap())
        .visibility_timeout(0)
        .send()
        .await
        .unwrap();
    assert!(receive(&cloud, "Work").await.is_empty());
    let dead = receive(&cloud, "DeadLetters").await;
    assert_eq!(dead[0].body(), Some("poison"));
}

#[tokio::test]
async fn a_duplicate_fault_delivers_the_message_twice() {
    let cloud = Cloud::start().await;
    cloud.fault(&serde_json::json!({"target": "sqs", "kind": "duplicate", "times": 1}));
    send(&cloud, "twice").await;
    send(&cloud, "once").await;
    let mut bodies: Vec<_> =
        receive(&cloud, "Work").await.into_iter().filter_map(|message| message.body).collect();
    bodies.sort();
    assert_eq!(bodies, ["once", "twice", "twice"]);
}

#[tokio::test]
async fn a_batch_partial_fault_fails_every_second_entry() {
    let cloud = Cloud::start().await;
    cloud.fault(&serde_json::json!({"target": "sqs", "kind": "batch_partial", "times": 1}));
    let sent = cloud
        .sqs()
        .send_message_batch()
        .queue_url(cloud.aws.queue_url("Work").unwrap())
        .set_entries(Some(vec![entry("a"), entry("b"), entry("c")]))
        .send()
        .await
        .unwrap();
    let failed: Vec<&str> = sent.failed().iter().map(BatchResultErrorEntry::id).collect();
    let successful: Vec<&str> =
        sent.successful().iter().map(SendMessageBatchResultEntry::id).collect();
    assert_eq!((failed, successful), (vec!["a", "c"], vec!["b"]));
    assert_eq!(receive(&cloud, "Work").await.len(), 1);
}

/// Sends one message of a company.
async fn send_of(cloud: &Cloud, company: &str, body: &str, delay_seconds: i32) {
    let url = cloud.aws.queue_url("Work").unwrap();
    let message = cloud.sqs().send_message().queue_url(url).message_body(body);
    let message = message.message_group_id(company).delay_seconds(delay_seconds);
    message.send().await.unwrap();
}

fn attribute<'m>(message: &'m Message, name: &MessageSystemAttributeName) -> &'m str {
    message.attributes().unwrap().get(name).map_or("", String::as_str)
}

fn group(message: &Message) -> &str {
    attribute(message, &MessageSystemAttributeName::MessageGroupId)
}

/// The bodies of messages, in their order.
fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

async fn change_visibility(cloud: &Cloud, message: &Message, seconds: i32) {
    let change = cloud.sqs().change_message_visibility();
    change
        .queue_url(cloud.aws.queue_url("Work").unwrap())
        .receipt_handle(message.receipt_handle().unwrap())
        .visibility_timeout(seconds)
        .send()
        .await
        .unwrap();
}

/// The numbers of visible, received and delayed messages in the queue `Work`.
async fn counts(cloud: &Cloud) -> [String; 3] {
    let attributes = cloud.sqs().get_queue_attributes();
    let attributes = attributes
        .queue_url(cloud.aws.queue_url("Work").unwrap())
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ]
    .map(|name| attributes.attributes().unwrap()[&name].clone())
}

#[tokio::test]
async fn the_groups_of_a_queue_are_received_in_turn() {
    let cloud = Cloud::start().await;
    for (company, body) in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("b", "b2")] {
        send_of(&cloud, company, body, 0).await;
    }
    send(&cloud, "of no company").await;
    send_of(&cloud, "c", "c1", 0).await;
    let received = receive(&cloud, "Work").await;
    assert_eq!(bodies(&received), ["of no company", "a1", "b1", "c1", "a2", "b2", "a3"]);
    let groups: Vec<&str> = received.iter().map(group).collect();
    assert_eq!(groups, ["", "a", "b", "c", "a", "b", "a"]);
}

#[tokio::test]
async fn a_group_that_sends_later_has_its_turn_before_the_backlog_of_others() {
    let cloud = Cloud::start().await;
    let next = || async {
        let url = cloud.aws.queue_url("Work").unwrap();
        let received = cloud.sqs().receive_message().queue_url(url).send().await.unwrap();
        bodies(received.messages()).concat()
    };
    for body in ["a1", "a2", "a3", "a4"] {
        send_of(&cloud, "a", body, 0).await;
    }
    assert_eq!((next().await, next().await), ("a1".to_owned(), "a2".to_owned()));
    send_of(&cloud, "b", "b1", 0).await;
    assert_eq!((next().await, next().await), ("b1".to_owned(), "a3".to_owned()));
}

#[tokio::test]
async fn a_message_keeps_its_group_when_it_is_delivered_again_and_when_it_becomes_a_dead_letter() {
    let cloud = Cloud::start().await;
    send_of(&cloud, "a", "poison", 0).await;
    let first = receive(&cloud, "Work").await;
    assert_eq!((bodies(&first), group(&first[0])), (vec!["poison"], "a"));
    change_visibility(&cloud, &first[0], 0).await;
    // The queue allows one delivery, so that this one moves the message.
    assert!(receive(&cloud, "Work").await.is_empty());
    let dead = receive(&cloud, "DeadLetters").await;
    assert_eq!((bodies(&dead), group(&dead[0])), (vec!["poison"], "a"));
    let source = attribute(&dead[0], &MessageSystemAttributeName::DeadLetterQueueSourceArn);
    assert_eq!(source, "arn:aws:sqs:us-east-1:000000000000:Work");
    let url = cloud.aws.queue_url("DeadLetters").unwrap();
    let handle = dead[0].receipt_handle().unwrap();
    let change = cloud.sqs().change_message_visibility().queue_url(url).receipt_handle(handle);
    change.visibility_timeout(0).send().await.unwrap();
    let again = receive(&cloud, "DeadLetters").await;
    assert_eq!(group(&again[0]), "a");
    assert_eq!(attribute(&again[0], &MessageSystemAttributeName::ApproximateReceiveCount), "2");
}

#[tokio::test]
async fn the_counts_of_a_queue_include_the_messages_of_all_groups() {
    let cloud = Cloud::start().await;
    send(&cloud, "of no company").await;
    for (company, delay) in [("a", 0), ("a", 0), ("b", 0), ("b", 900)] {
        send_of(&cloud, company, "text", delay).await;
    }
    assert_eq!(counts(&cloud).await, ["4", "0", "1"]);
    let received = receive(&cloud, "Work").await;
    assert_eq!(counts(&cloud).await, ["0", "4", "1"]);
    for message in &received {
        let deletion = cloud.sqs().delete_message();
        deletion
            .queue_url(cloud.aws.queue_url("Work").unwrap())
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
            .await
            .unwrap();
    }
    assert_eq!(counts(&cloud).await, ["0", "0", "1"]);
    let listed = cloud.sqs().list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls().len(), 2, "{listed:?}");
}

#[tokio::test]
async fn a_waiting_receive_call_returns_the_first_message_of_a_new_group() {
    let cloud = Cloud::start().await;
    let url = cloud.aws.queue_url("Work").unwrap();
    let waiting = cloud.sqs().receive_message().queue_url(url).wait_time_seconds(20).send();
    let (received, ()) = tokio::join!(waiting, send_of(&cloud, "new", "first", 0));
    assert_eq!(bodies(received.unwrap().messages()), ["first"]);
}

#[tokio::test]
async fn one_batch_can_have_messages_of_several_groups_and_of_invalid_ones() {
    let cloud = Cloud::start().await;
    let of = |id: &str, group: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.message_group_id(group).build().unwrap()
    };
    let sent = cloud
        .sqs()
        .send_message_batch()
        .queue_url(cloud.aws.queue_url("Work").unwrap())
        .set_entries(Some(vec![of("1", "a"), of("2", "b"), of("3", "with space"), of("4", "a")]))
        .send()
        .await
        .unwrap();
    let failed: Vec<&str> = sent.failed().iter().map(BatchResultErrorEntry::id).collect();
    assert_eq!((failed, sent.successful().len()), (vec!["3"], 3));
    let received = receive(&cloud, "Work").await;
    assert_eq!(bodies(&received), ["1", "2", "4"]);
}
