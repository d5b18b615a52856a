//! Injects faults into DynamoDB calls with several items: transactions and batches.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::dynamodb::{Capacity, DynamoDb};
use super::response::json_response;

/// The error response for a transaction that DynamoDB cancels because another transaction is in
/// progress for its first item.
pub(super) fn conflict(body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = request["TransactItems"].as_array().map_or(1, Vec::len);
    let reasons: Vec<Value> = (0..items)
        .map(|index| match index {
            0 => json!({
                "Code": "TransactionConflict",
                "Message": "Transaction is ongoing for the item",
            }),
            _ => json!({ "Code": "None" }),
        })
        .collect();
    let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    json_response(
        StatusCode::BAD_REQUEST,
        &json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
            "CancellationReasons": reasons,
        }),
    )
}

/// Calls DynamoDB with the first half of a batch and reports the other entries as unprocessed. As
/// on AWS, at least one entry of a batch is processed.
pub(super) async fn process_first_half(
    dynamodb: &DynamoDb,
    action: &str,
    parts: &Parts,
    body: Bytes,
) -> (Response, Capacity) {
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return dynamodb.call(action, parts, body, None).await;
    };
    let unprocessed = split(&mut request["RequestItems"]);
    let (response, capacity) = dynamodb.call(action, parts, request.to_string().into(), None).await;
    if !response.status().is_success() {
        return (response, capacity);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let Ok(mut response) = serde_json::from_slice::<Value>(&body) else {
        return (Response::from_parts(parts, Body::from(body)), capacity);
    };
    let name = if action == "BatchGetItem" { "UnprocessedKeys" } else { "UnprocessedItems" };
    response[name] = unprocessed;
    (Response::from_parts(parts, Body::from(response.to_string())), capacity)
}

/// Removes the second half of each table's entries and returns it. The entries are the `Keys` of a
/// read or the list of requests of a write.
fn split(tables: &mut Value) -> Value {
    let mut unprocessed = json!({});
    for (name, table) in tables.as_object_mut().into_iter().flatten() {
        let mut rest = table.clone();
        let taken = match entries(table) {
            Some(entries) => entries.split_off(entries.len().div_ceil(2)),
            None => continue,
        };
        if taken.is_empty() {
            continue;
        }
        if let Some(entries) = entries(&mut rest) {
            *entries = taken;
        }
        unprocessed[name] = rest;
    }
    unprocessed
}

fn entries(table: &mut Value) -> Option<&mut Vec<Value>> {
    match table {
        Value::Array(entries) => Some(entries),
        Value::Object(_) => table.get_mut("Keys")?.as_array_mut(),
        _ => None,
    }
}
