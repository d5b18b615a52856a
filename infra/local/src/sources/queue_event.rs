//! The event that Lambda sends for a batch of queue messages, and the list of failed messages in
//! the function's response.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::REGION;

/// The event for a batch of messages from the queue with the ARN `queue_arn`.
#[must_use]
pub fn event(messages: &[Message], queue_arn: &str) -> Value {
    json!({ "Records": messages.iter().map(|it| record(it, queue_arn)).collect::<Vec<_>>() })
}

fn record(message: &Message, queue_arn: &str) -> Value {
    let attributes: Map<String, Value> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    let message_attributes: Map<String, Value> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    let mut record = json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body().unwrap_or_default(),
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    });
    if let Some(digest) = message.md5_of_message_attributes() {
        record["md5OfMessageAttributes"] = json!(digest);
    }
    record
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut attribute = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type(),
    });
    if let Some(text) = value.string_value() {
        attribute["stringValue"] = json!(text);
    }
    if let Some(bytes) = value.binary_value() {
        attribute["binaryValue"] = json!(STANDARD.encode(bytes));
    }
    attribute
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    #[serde(default)]
    batch_item_failures: Option<Vec<ItemFailure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// The messages that succeeded, according to the response of a function that uses
/// `ReportBatchItemFailures`.
///
/// As on Lambda, all messages succeed if the response, or the list in it, is empty or null. The
/// whole batch fails if the response cannot be parsed, or if an identifier is empty or unknown.
pub(super) fn succeeded<'a>(messages: &'a [Message], response: &Bytes) -> Vec<&'a Message> {
    let Some(failed) = failures(response) else { return Vec::new() };
    let known: BTreeSet<&str> = messages.iter().filter_map(Message::message_id).collect();
    if failed.iter().any(|id| !known.contains(id.as_str())) {
        return Vec::new();
    }
    let succeeds = |message: &&Message| message.message_id().is_some_and(|id| !failed.contains(id));
    messages.iter().filter(succeeds).collect()
}

/// The identifiers of the failed messages in a response; `None` if the response cannot be parsed.
fn failures(response: &Bytes) -> Option<BTreeSet<String>> {
    if response.is_empty() {
        return Some(BTreeSet::new());
    }
    let response: Option<BatchResponse> = match serde_json::from_slice(response).ok()? {
        Value::String(text) if text.is_empty() => None,
        value => serde_json::from_value(value).ok()?,
    };
    let failures = response.and_then(|response| response.batch_item_failures).unwrap_or_default();
    Some(failures.into_iter().map(|failure| failure.item_identifier).collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageSystemAttributeName;

    use super::*;

    fn message(id: &str) -> Message {
        Message::builder().message_id(id).receipt_handle(format!("receipt-{id}")).body("{}").build()
    }

    fn ids(response: &str) -> Vec<String> {
        let messages = [message("a"), message("b")];
        let succeeded = succeeded(&messages, &Bytes::copy_from_slice(response.as_bytes()));
        succeeded.iter().map(|it| it.message_id().unwrap().to_owned()).collect()
    }

    #[test]
    fn messages_that_the_response_names_failed() {
        assert_eq!(ids(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#), ["b"]);
    }

    #[test]
    fn an_empty_response_means_that_all_messages_succeeded() {
        for response in [
            "",
            "null",
            "{}",
            r#""""#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
        ] {
            assert_eq!(ids(response), ["a", "b"], "{response}");
        }
    }

    #[test]
    fn an_unknown_or_invalid_identifier_fails_the_whole_batch() {
        for response in [
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            r#"{"batchItemFailures":"a"}"#,
            "not json",
        ] {
            assert!(ids(response).is_empty(), "{response}");
        }
    }

    #[test]
    fn a_batch_is_sent_as_the_event_of_lambda() {
        let attribute = MessageAttributeValue::builder()
            .data_type("String")
            .string_value("web")
            .build()
            .unwrap();
        let message = Message::builder()
            .message_id("059f36b4-87a3-44ab-83d2-661975830a7d")
            .receipt_handle("AQEB")
            .body(r#"{"note":1}"#)
            .md5_of_body("e4e68fb7bd0e697a0ae8f1bb342846b3")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "1")
            .message_attributes("platform", attribute)
            .build();
        let arn = "arn:aws:sqs:us-east-1:000000000000:MentionQueue";
        insta::assert_json_snapshot!(event(&[message], arn));
    }
}
