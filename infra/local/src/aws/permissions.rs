//! The permissions that a call requires: IAM actions and the ARNs of their resources.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::response::Service;
use super::roles::RequiredPermission;
use super::ses;
use crate::account::arn;

/// The permissions that a call requires. For S3, `path` is the path of the request, which contains
/// the bucket and the key. If the body is streamed, `body` is empty.
pub(crate) fn for_call(
    service: Service,
    action: &str,
    path: &str,
    body: &Bytes,
) -> Vec<RequiredPermission> {
    match service {
        Service::DynamoDb => dynamodb(action, &json(body)),
        Service::S3 => vec![s3(action, path)],
        Service::Sqs => vec![sqs(action, &json(body))],
        Service::Ses => email(action, body),
    }
}

fn json(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn permission(action: String, resource: String) -> RequiredPermission {
    RequiredPermission { action, resources: vec![resource], context: BTreeMap::new() }
}

/// The permissions of a DynamoDB call. A transaction requires the permissions of each action in it.
/// An index has its own ARN.
fn dynamodb(action: &str, body: &Value) -> Vec<RequiredPermission> {
    let table = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        arn("dynamodb", &format!("table/{name}"))
    };
    let dynamodb = |action: &str, resource| permission(format!("dynamodb:{action}"), resource);
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

fn s3(action: &str, path: &str) -> RequiredPermission {
    let path =
        percent_encoding::percent_decode_str(path.trim_start_matches('/')).decode_utf8_lossy();
    let bucket = path.split('/').next().unwrap_or_default();
    let (required, on_objects) = match action {
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
        // The keys are in the body, which is streamed. Therefore the call requires a permission for
        // the whole bucket.
        "DeleteObjects" => {
            return permission("s3:DeleteObject".to_owned(), format!("arn:aws:s3:::{bucket}/*"));
        }
        other => (other, false),
    };
    let resource = if on_objects { path.as_ref() } else { bucket };
    permission(format!("s3:{required}"), format!("arn:aws:s3:::{resource}"))
}

fn sqs(action: &str, body: &Value) -> RequiredPermission {
    let queue = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next());
    let queue = queue.or_else(|| body["QueueName"].as_str()).unwrap_or_default();
    // A batch requires the permission of the action for a single entry.
    let single = action.strip_suffix("Batch").unwrap_or(action);
    permission(format!("sqs:{single}"), arn("sqs", queue))
}

/// The permissions to send mail. SES checks the identity of the sender (the address or its domain),
/// the identities of recipients that are verified, as all recipients are in the sandbox, and the
/// configuration set of the request. The local cloud assumes that each recipient is verified.
fn email(action: &str, body: &Bytes) -> Vec<RequiredPermission> {
    let mail = ses::Envelope::parse(body);
    let context = BTreeMap::from([("ses:FromAddress", mail.sender.clone())]);
    let action = format!("ses:{action}");
    let identity = |address: &String| {
        let domain = address.split_once('@').map(|(_, domain)| domain);
        let names = std::iter::once(address.as_str()).chain(domain);
        names.map(|name| arn("ses", &format!("identity/{name}"))).collect()
    };
    let identities = std::iter::once(&mail.sender).chain(&mail.recipients).map(identity);
    let set = mail.configuration_set.iter();
    let sets = set.map(|name| vec![arn("ses", &format!("configuration-set/{name}"))]);
    let required = |resources| RequiredPermission {
        action: action.clone(),
        resources,
        context: context.clone(),
    };
    identities.chain(sets).map(required).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn required(service: Service, action: &str, body: &Value) -> Vec<String> {
        let required = for_call(service, action, "/", &Bytes::from(body.to_string()));
        required.iter().map(|one| format!("{} {}", one.action, one.resources[0])).collect()
    }

    #[test]
    fn a_transaction_requires_the_permissions_of_its_single_actions() {
        let body = json!({ "TransactItems": [
            { "Put": { "TableName": "T" } },
            { "Update": { "TableName": "T" } },
            { "Delete": { "TableName": "T" } },
            { "ConditionCheck": { "TableName": "T" } },
        ] });
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/T";
        let expected = ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"]
            .map(|action| format!("dynamodb:{action} {table}"));
        assert_eq!(required(Service::DynamoDb, "TransactWriteItems", &body), expected);
    }

    #[test]
    fn an_index_and_a_batch_are_named_as_in_iam() {
        let query = json!({ "TableName": "T", "IndexName": "by_name" });
        let batch = json!({ "RequestItems": { "T": {} } });
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/T";
        assert_eq!(
            required(Service::DynamoDb, "Query", &query),
            [format!("dynamodb:Query {table}/index/by_name")]
        );
        let batched = required(Service::DynamoDb, "BatchGetItem", &batch);
        assert_eq!(batched, [format!("dynamodb:BatchGetItem {table}")]);
        let sent = json!({ "QueueUrl": "http://127.0.0.1:1/000000000000/Work" });
        assert_eq!(
            required(Service::Sqs, "SendMessageBatch", &sent),
            ["sqs:SendMessage arn:aws:sqs:us-east-1:000000000000:Work"]
        );
    }

    #[test]
    fn every_step_of_an_upload_requires_the_permission_to_put_the_object() {
        for action in ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
            let required = for_call(Service::S3, action, "/bucket/private/a%20b", &Bytes::new());
            let resources = "arn:aws:s3:::bucket/private/a b";
            assert_eq!(required, [permission("s3:PutObject".to_owned(), resources.to_owned())]);
        }
        let listed = for_call(Service::S3, "ListObjectsV2", "/bucket/", &Bytes::new());
        assert_eq!(
            listed,
            [permission("s3:ListBucket".to_owned(), "arn:aws:s3:::bucket".to_owned())]
        );
    }

    #[test]
    fn mail_requires_permissions_for_sender_recipients_and_configuration_set() {
        let body = "Action=SendRawEmail&Source=Exports+%3Ca%40example.com%3E\
                    &Destinations.member.1=b%40customers.example&ConfigurationSetName=Set";
        let required = email("SendRawEmail", &Bytes::from(body));
        let resources: Vec<_> = required.iter().map(|one| one.resources.join(" ")).collect();
        let ses = "arn:aws:ses:us-east-1:000000000000";
        let identities = |address: &str, domain: &str| {
            format!("{ses}:identity/{address} {ses}:identity/{domain}")
        };
        assert_eq!(
            resources,
            [
                identities("a@example.com", "example.com"),
                identities("b@customers.example", "customers.example"),
                format!("{ses}:configuration-set/Set"),
            ]
        );
        assert!(required.iter().all(|one| one.context["ses:FromAddress"] == "a@example.com"));
    }
}
