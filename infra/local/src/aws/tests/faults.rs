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
async fn throttling_has_the_shape_of_each_service() {
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
    assert_eq!(cloud.cost().calls, 4, "a refused call is a call");
}

#[tokio::test]
async fn a_status_is_answered_instead_of_calling() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "status": 500, "times": 1, "action": "PutItem"}));
    assert_eq!(put(&cloud, "1").await.unwrap_err().as_deref(), Some("InternalServerError"));
    assert!(!is_there(&cloud, "1").await);
    put(&cloud, "1").await.unwrap();
}

#[tokio::test]
async fn latency_comes_before_the_call() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "latency_ms": 120}));
    let start = Instant::now();
    put(&cloud, "1").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_in_place() {
    let cloud = Cloud::start().await;
    cloud.fault(&json!({"target": "dynamodb", "kind": "commit_then_timeout", "times": 1}));
    assert_eq!(put(&cloud, "1").await, Err(None), "no answer, so no code either");
    assert!(is_there(&cloud, "1").await);
}

#[tokio::test]
async fn a_kill_strikes_the_caller_before_or_after_its_call() {
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
