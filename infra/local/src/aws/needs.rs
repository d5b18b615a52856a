//! What a call needs a right to: its action and resource as IAM names them.

use bytes::Bytes;
use serde_json::Value;

use super::answer::Service;
use super::roles::Need;
use super::{ACCOUNT_ID, REGION, ses};

/// The rights that a call needs. `path` is the request's, for S3; `body` is empty where it streams.
pub(crate) fn of(service: Service, action: &str, path: &str, body: &Bytes) -> Vec<Need> {
    match service {
        Service::DynamoDb => dynamodb(action, &json(body)),
        Service::S3 => vec![s3(action, path)],
        Service::Sqs => vec![sqs(action, &json(body))],
        Service::Ses => vec![email(action, body)],
    }
}

fn json(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn need(action: String, resource: String) -> Need {
    Need { action, resources: vec![resource] }
}

/// A transaction is judged by the item actions that it is made of, an index by its own ARN.
fn dynamodb(action: &str, body: &Value) -> Vec<Need> {
    let table = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}")
    };
    let dynamodb = |action: &str, resource| need(format!("dynamodb:{action}"), resource);
    match action {
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(name, _)| dynamodb(action, table(&Value::from(name.as_str())))).collect()
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let parts = items.filter_map(Value::as_object).flatten();
            parts
                .map(|(kind, part)| {
                    let action = match kind.as_str() {
                        "Put" => "PutItem",
                        "Update" => "UpdateItem",
                        "Delete" => "DeleteItem",
                        "ConditionCheck" => "ConditionCheckItem",
                        _ => "GetItem",
                    };
                    dynamodb(action, table(&part["TableName"]))
                })
                .collect()
        }
        _ => {
            let mut resource = table(&body["TableName"]);
            if let Some(index) = body["IndexName"].as_str() {
                resource = format!("{resource}/index/{index}");
            }
            vec![dynamodb(action, resource)]
        }
    }
}

fn s3(action: &str, path: &str) -> Need {
    let path =
        percent_encoding::percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    let bucket = path.split('/').next().unwrap_or_default();
    let (right, on_objects) = match action {
        "PutObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "CompleteMultipartUpload"
        | "CopyObject"
        | "UploadPartCopy" => ("PutObject", true),
        "GetObject" | "HeadObject" => ("GetObject", true),
        "DeleteObject" => ("DeleteObject", true),
        "AbortMultipartUpload" => ("AbortMultipartUpload", true),
        "ListParts" => ("ListMultipartUploadParts", true),
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => ("ListBucket", false),
        "ListMultipartUploads" => ("ListBucketMultipartUploads", false),
        // Its keys stand in a body that streams: only a right to the whole bucket covers them.
        "DeleteObjects" => {
            return need("s3:DeleteObject".to_owned(), format!("arn:aws:s3:::{bucket}/*"));
        }
        other => (other, false),
    };
    let resource = if on_objects { path.as_ref() } else { bucket };
    need(format!("s3:{right}"), format!("arn:aws:s3:::{resource}"))
}

fn sqs(action: &str, body: &Value) -> Need {
    let queue = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next());
    let queue = queue.or_else(|| body["QueueName"].as_str()).unwrap_or_default();
    // A batch needs the right to what it is a batch of.
    let right = action.strip_suffix("Batch").unwrap_or(action);
    need(format!("sqs:{right}"), format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue}"))
}

/// Sending needs the right to the sender's identity, verified as an address or as its domain.
fn email(action: &str, body: &Bytes) -> Need {
    let identity = |name: &str| format!("arn:aws:ses:{REGION}:{ACCOUNT_ID}:identity/{name}");
    let sender = ses::sender(body).unwrap_or_default();
    let mut resources = vec![identity(&sender)];
    resources.extend(sender.split_once('@').map(|(_, domain)| identity(domain)));
    Need { action: format!("ses:{action}"), resources }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn needs(service: Service, action: &str, body: &Value) -> Vec<String> {
        let needs = of(service, action, "/", &Bytes::from(body.to_string()));
        needs.iter().map(|need| format!("{} {}", need.action, need.resources[0])).collect()
    }

    #[test]
    fn a_transaction_needs_the_rights_of_its_parts() {
        let body = json!({ "TransactItems": [
            { "Put": { "TableName": "T" } },
            { "Update": { "TableName": "T" } },
            { "Delete": { "TableName": "T" } },
            { "ConditionCheck": { "TableName": "T" } },
        ] });
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/T";
        let expected = ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"]
            .map(|action| format!("dynamodb:{action} {table}"));
        assert_eq!(needs(Service::DynamoDb, "TransactWriteItems", &body), expected);
    }

    #[test]
    fn an_index_and_a_batch_are_named_as_iam_names_them() {
        let query = json!({ "TableName": "T", "IndexName": "by_name" });
        let batch = json!({ "RequestItems": { "T": {} } });
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/T";
        assert_eq!(
            needs(Service::DynamoDb, "Query", &query),
            [format!("dynamodb:Query {table}/index/by_name")]
        );
        let batched = needs(Service::DynamoDb, "BatchGetItem", &batch);
        assert_eq!(batched, [format!("dynamodb:BatchGetItem {table}")]);
        let sent = json!({ "QueueUrl": "http://127.0.0.1:1/000000000000/Work" });
        assert_eq!(
            needs(Service::Sqs, "SendMessageBatch", &sent),
            ["sqs:SendMessage arn:aws:sqs:us-east-1:000000000000:Work"]
        );
    }

    #[test]
    fn every_step_of_an_upload_needs_the_right_to_put_the_object() {
        for action in ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
            let needs = of(Service::S3, action, "/bucket/private/a%20b", &Bytes::new());
            let resources = vec!["arn:aws:s3:::bucket/private/a b".to_owned()];
            assert_eq!(needs, [Need { action: "s3:PutObject".to_owned(), resources }]);
        }
        let listed = of(Service::S3, "ListObjectsV2", "/bucket/", &Bytes::new());
        assert_eq!(listed, [need("s3:ListBucket".to_owned(), "arn:aws:s3:::bucket".to_owned())]);
    }
}
