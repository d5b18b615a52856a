use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use super::*;

async fn put(cloud: &Cloud, sk: &str) -> Result<(), Option<String>> {
    let put = cloud
        .dynamodb()
        .put_item()
        .table_name(TABLE)
        .item("pk", AttributeValue::S("a".to_owned()))
        .item("sk", AttributeValue::S(sk.to_owned()))
        .send()
        .await;
    put.map(drop).map_err(|error| {
        error.as_service_error().and_then(|error| error.meta().code()).map(str::to_owned)
    })
}

async fn is_there(cloud: &Cloud, sk: &str) -> bool {
    let get = cloud
        .dynamodb()
        .get_item()
        .table_name(TABLE)
        .key("pk", AttributeValue::S("a".to_owned()))
        .key("sk", AttributeValue::S(sk.to_owned()))
        .send();
    get.await.unwrap().item.is_some()
}

#[tokio::test]
async fn throttling_has_the_error_format_of_each_service() {
    let cloud = Cloud::start().await;
    for target in ["dynamodb", "s3", "sqs", "ses"] {
        cloud.fault(&json!({"target": target, "kind": "throttle"}));
    }
    assert_eq!(
        put(&cloud, "1").await.unwrap_err().as_deref(),
        Some("ProvisionedThroughputExceededException")
    );
    let body = aws_sdk_s3::primitives::ByteStream::from(vec![0; 1024 * 1024]);
    let s3 = cloud.s3().put_object().bucket(BUCKET).key("k").body(body).send().await.unwrap_err();
    assert_eq!(s3.into_service_error().meta().code(), Some("SlowDown"));
    let sqs = cloud.sqs().list_queues().send().await.unwrap_err();
    assert_eq!(sqs.into_service_error().meta().code(), Some("RequestThrottled"));
    let raw = aws_sdk_ses::types::RawMessage::builder()
        .data(aws_sdk_ses::primitives::Blob::new("x"))
        .build()
        .unwrap();
    let ses = cloud.ses().send_raw_email().raw_message(raw).send().await.unwrap_err();
    assert_eq!(ses.into_service_error().meta().code(), Some("Throttling"));
    assert_eq!(cloud.cost().calls, 4, "a refused call is counted");
}

#[tokio::test]
async fn an_error_status_is_returned_instead_of_making_the_call() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "status": 500, "times": 1, "action": "PutItem"}));
    assert_eq!(put(&cloud, "1").await.unwrap_err().as_deref(), Some("InternalServerError"));
    assert!(!is_there(&cloud, "1").await);
    put(&cloud, "1").await.unwrap();
}

#[tokio::test]
async fn a_call_waits_for_the_latency_first() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "latency_ms": 120}));
    let start = Instant::now();
    put(&cloud, "1").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_write_whose_response_is_lost_has_taken_effect() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "kind": "commit_then_timeout", "times": 1}));
    assert_eq!(put(&cloud, "1").await, Err(None), "without a response there is no error code");
    assert!(is_there(&cloud, "1").await);
}

#[tokio::test]
async fn a_kill_ends_the_caller_before_or_after_its_call() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "kind": "kill", "times": 1,
                       "function": FUNCTION, "action": "PutItem"}));
    assert_eq!(put(&cloud, "1").await, Err(None));
    assert!(!is_there(&cloud, "1").await);

    cloud.fault(&json!({"target": "dynamodb", "kind": "kill", "times": 1, "when": "after",
                       "action": "PutItem"}));
    assert_eq!(put(&cloud, "2").await, Err(None));
    assert!(is_there(&cloud, "2").await);
    let key = cloud.keys.access_key_id.clone();
    assert_eq!(*cloud.killed.lock().unwrap(), [key.clone(), key]);
}

/// The sort keys that a query of partition `a` returns, from the table or from its index.
async fn found(cloud: &Cloud, index: Option<&str>, consistent: bool) -> Vec<String> {
    let query = cloud
        .dynamodb()
        .query()
        .table_name(TABLE)
        .set_index_name(index.map(str::to_owned))
        .consistent_read(consistent)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("a".to_owned()));
    let items = query.send().await.unwrap().items.unwrap_or_default();
    items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn a_stale_read_misses_what_a_consistent_read_sees_until_the_fault_is_cleared() {
    let cloud = Cloud::start().await;
    put(&cloud, "1").await.unwrap();
    cloud.fault(&json!({"target": "dynamodb", "kind": "stale_read", "lag_ms": null}));
    put(&cloud, "2").await.unwrap();
    let gone = cloud
        .dynamodb()
        .delete_item()
        .table_name(TABLE)
        .key("pk", AttributeValue::S("a".to_owned()))
        .key("sk", AttributeValue::S("1".to_owned()));
    gone.send().await.unwrap();

    assert_eq!(found(&cloud, None, false).await, ["1"]);
    assert!(!is_there(&cloud, "2").await, "GetItem is eventually consistent as well");
    assert_eq!(found(&cloud, None, true).await, ["2"]);
    cloud.cost();
    found(&cloud, None, false).await;
    assert_eq!(cloud.cost().read_units, 0.5, "a stale read costs as much as any read");

    cloud.faults.clear();
    assert_eq!(found(&cloud, None, false).await, ["2"]);
}

#[tokio::test]
async fn writes_of_every_kind_reach_a_replica_when_they_are_as_old_as_its_lag() {
    use aws_sdk_dynamodb::types::{Put, PutRequest, TransactWriteItem, Update, WriteRequest};

    let cloud = Cloud::start().await;
    put(&cloud, "1").await.unwrap();
    cloud.fault(&json!({"target": "dynamodb", "kind": "stale_read", "lag_ms": 0}));
    let item = |sk: &str| {
        std::collections::HashMap::from([
            ("pk".to_owned(), AttributeValue::S("a".to_owned())),
            ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
        ])
    };
    put(&cloud, "2").await.unwrap();
    let put = Put::builder().table_name(TABLE).set_item(Some(item("3"))).build().unwrap();
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(item("4")))
        .update_expression("SET x = :x")
        .expression_attribute_values(":x", AttributeValue::Bool(true))
        .build()
        .unwrap();
    cloud
        .dynamodb()
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().update(update).build())
        .send()
        .await
        .unwrap();
    let request = PutRequest::builder().set_item(Some(item("5"))).build().unwrap();
    let request = WriteRequest::builder().put_request(request).build();
    let batch = cloud.dynamodb().batch_write_item().request_items(TABLE, vec![request]);
    batch.send().await.unwrap();

    assert_eq!(found(&cloud, None, false).await, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn an_index_lags_alone_and_only_as_often_as_the_rule_says() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "kind": "gsi_lag", "lag_ms": null, "times": 1}));
    let named = cloud
        .dynamodb()
        .put_item()
        .table_name(TABLE)
        .item("pk", AttributeValue::S("a".to_owned()))
        .item("sk", AttributeValue::S("1".to_owned()))
        .item("name_key", AttributeValue::S("ani".to_owned()));
    named.send().await.unwrap();

    assert_eq!(found(&cloud, None, false).await, ["1"], "the table itself does not lag");
    assert_eq!(found(&cloud, Some("by_name"), false).await, Vec::<String>::new());
    assert_eq!(
        found(&cloud, Some("by_name"), false).await,
        ["1"],
        "the rule is removed after one read"
    );
    assert!(cloud.faults.list().is_empty());
}
