use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnConsumedCapacity, TransactWriteItem,
};

use super::*;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A transaction item that puts an item without a name, so that the item is not in the index.
fn put(pk: &str, sk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(TABLE)
        .item("pk", text(pk))
        .item("sk", text(sk))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .unwrap();
    TransactWriteItem::builder().put(put).build()
}

#[tokio::test]
async fn an_item_is_found_by_its_key_and_by_the_index() {
    let cloud = Cloud::start().await;
    let dynamodb = cloud.dynamodb();
    for (sk, name) in [("1", "budi"), ("2", "ani")] {
        dynamodb
            .put_item()
            .table_name(TABLE)
            .item("pk", text("CO#a"))
            .item("sk", text(sk))
            .item("name_key", text(name))
            .send()
            .await
            .unwrap();
    }
    let by_name = dynamodb
        .query()
        .table_name(TABLE)
        .index_name("by_name")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", text("CO#a"))
        .send()
        .await
        .unwrap();
    let order: Vec<&AttributeValue> = by_name.items().iter().map(|item| &item["sk"]).collect();
    assert_eq!(order, [&text("2"), &text("1")]);
    assert!(by_name.consumed_capacity().is_none(), "it was not requested");

    let cost = cloud.cost();
    assert_eq!((cost.calls, cost.read_units, cost.write_units), (3, 0.5, 4.0));
    let usage = cloud.usage.snapshot();
    assert_eq!(usage[FUNCTION]["actions"]["dynamodb.PutItem"]["calls"], 2);
    assert_eq!(usage[FUNCTION]["actions"]["dynamodb.Query"]["read_units"], 0.5);
}

#[tokio::test]
async fn the_consumed_capacity_is_returned_on_request() {
    let cloud = Cloud::start().await;
    let response = cloud
        .dynamodb()
        .get_item()
        .table_name(TABLE)
        .key("pk", text("a"))
        .key("sk", text("b"))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap();
    assert_eq!(response.consumed_capacity().unwrap().capacity_units(), Some(1.0));
    assert_eq!(cloud.cost().read_units, 1.0);
}

#[tokio::test]
async fn a_transaction_costs_twice_as_much_and_reports_the_position_of_a_failed_condition() {
    let cloud = Cloud::start().await;
    let dynamodb = cloud.dynamodb();
    let transaction = |items: Vec<TransactWriteItem>| {
        dynamodb.transact_write_items().set_transact_items(Some(items)).send()
    };
    transaction(vec![put("a", "1"), put("a", "2")]).await.unwrap();
    assert_eq!(cloud.cost().write_units, 4.0);

    let canceled = transaction(vec![put("a", "3"), put("a", "1")]).await.unwrap_err();
    let canceled = canceled.into_service_error();
    assert!(canceled.is_transaction_canceled_exception());
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::
        TransactionCanceledException(canceled) = canceled else { panic!("{canceled}") };
    let codes: Vec<_> =
        canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
}

#[tokio::test]
async fn a_conflict_fault_cancels_the_transaction_and_writes_nothing() {
    let cloud = Cloud::start().await;
    cloud.fault(&serde_json::json!({"target": "dynamodb", "kind": "conflict", "times": 1}));
    let delete = Delete::builder()
        .table_name(TABLE)
        .key("pk", text("z"))
        .key("sk", text("z"))
        .build()
        .unwrap();
    let delete = TransactWriteItem::builder().delete(delete).build();
    let send = || {
        cloud
            .dynamodb()
            .transact_write_items()
            .transact_items(put("a", "1"))
            .transact_items(delete.clone())
            .send()
    };
    let conflict = send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::
        TransactionCanceledException(conflict) = conflict else { panic!("{conflict}") };
    let codes: Vec<_> =
        conflict.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
    send().await.unwrap();
}

#[tokio::test]
async fn an_unprocessed_fault_leaves_half_of_the_keys() {
    let cloud = Cloud::start().await;
    for sk in ["1", "2", "3"] {
        let items = vec![put("a", sk)];
        cloud
            .dynamodb()
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await
            .unwrap();
    }
    cloud.fault(&serde_json::json!({"target": "dynamodb", "kind": "unprocessed", "times": 1}));
    let key = |sk: &str| [("pk".to_owned(), text("a")), ("sk".to_owned(), text(sk))].into();
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(vec![key("1"), key("2"), key("3")]))
        .build()
        .unwrap();
    let get = |keys| cloud.dynamodb().batch_get_item().request_items(TABLE, keys).send();
    let partial = get(keys).await.unwrap();
    assert_eq!(partial.responses().unwrap()[TABLE].len(), 2);
    let rest = partial.unprocessed_keys().unwrap()[TABLE].clone();
    assert_eq!(rest.keys().len(), 1);
    let last = get(rest).await.unwrap();
    assert_eq!(last.responses().unwrap()[TABLE].len(), 1);
    assert!(last.unprocessed_keys().is_none_or(std::collections::HashMap::is_empty));
}

#[tokio::test]
async fn an_expired_item_is_deleted() {
    let cloud = Cloud::start().await;
    let item = |sk: &str, expires_at: &str| {
        cloud
            .dynamodb()
            .put_item()
            .table_name(TABLE)
            .item("pk", text("a"))
            .item("sk", text(sk))
            .item("expires_at", AttributeValue::N(expires_at.to_owned()))
            .send()
    };
    let hour_ago = jiff::Timestamp::now().as_second() - 3600;
    item("old", &hour_ago.to_string()).await.unwrap();
    item("new", &(hour_ago + 7200).to_string()).await.unwrap();
    // The background task may have deleted the item already.
    cloud.aws.database().sweep_ttl().unwrap();
    let left = cloud.dynamodb().scan().table_name(TABLE).send().await.unwrap();
    let left: Vec<&AttributeValue> = left.items().iter().map(|item| &item["sk"]).collect();
    assert_eq!(left, [&text("new")]);
}

#[tokio::test]
async fn a_table_under_data_is_kept_for_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let first = Cloud::start_at(Some(folder.path().to_owned())).await;
    let items = vec![put("a", "1")];
    first.dynamodb().transact_write_items().set_transact_items(Some(items)).send().await.unwrap();
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"kept");
    first.s3().put_object().bucket(BUCKET).key("x/y").body(body).send().await.unwrap();
    first.aws.shutdown().await;

    let second = Cloud::start_at(Some(folder.path().to_owned())).await;
    let item = second
        .dynamodb()
        .get_item()
        .table_name(TABLE)
        .key("pk", text("a"))
        .key("sk", text("1"))
        .send()
        .await
        .unwrap();
    assert!(item.item().is_some());
    assert!(second.s3().head_object().bucket(BUCKET).key("x/y").send().await.is_ok());
}
