use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageSystemAttributeName, SendMessageBatchRequestEntry,
    SendMessageBatchResultEntry,
};

use super::*;

async fn receive(cloud: &Cloud, queue: &str) -> Vec<aws_sdk_sqs::types::Message> {
    let received = cloud
        .sqs()
        .receive_message()
        .queue_url(cloud.aws.queue_url(queue).unwrap())
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
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
