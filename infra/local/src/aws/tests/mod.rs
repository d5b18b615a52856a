//! Tests of the emulators behind the common endpoint, through the official clients.

mod dynamodb;
mod faults;
mod s3;
mod ses;
mod sqs;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials as SdkCredentials, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::*;
use crate::account::REGION;
use crate::record::{Invocation, InvocationCost};

const TABLE: &str = "Table";
const BUCKET: &str = "Bucket";
const FUNCTION: &str = "NoteWrite";

/// Running emulators, the key pair of one function, and the access keys of the killed processes.
struct Cloud {
    aws: Aws,
    credentials: Credentials,
    keys: Issued,
    usage: Usage,
    faults: Faults,
    killed: Arc<Mutex<Vec<String>>>,
}

fn resources() -> Resources {
    let key = |sort: &str| KeySpec { partition: "pk".to_owned(), sort: Some(sort.to_owned()) };
    let queue = |name: &str, visibility_seconds, redrive| QueueSpec {
        name: name.to_owned(),
        visibility_seconds,
        retention_seconds: 1_209_600,
        redrive,
    };
    let redrive = RedriveSpec { dead_letter_queue: "DeadLetters".to_owned(), max_receive_count: 1 };
    Resources {
        table: TableSpec {
            name: TABLE.to_owned(),
            key: key("sk"),
            indexes: vec![IndexSpec {
                name: "by_name".to_owned(),
                key: key("name_key"),
                attributes: None,
            }],
            ttl_attribute: Some("expires_at".to_owned()),
        },
        buckets: vec![BUCKET.to_owned()],
        queues: vec![queue("Work", 30, Some(redrive)), queue("DeadLetters", 30, None)],
    }
}

impl Cloud {
    async fn start() -> Self {
        Self::start_at(None).await
    }

    async fn start_at(data: Option<PathBuf>) -> Self {
        let (credentials, usage, faults) = (Credentials::new(), Usage::new(), Faults::new());
        let killed: Arc<Mutex<Vec<String>>> = Arc::default();
        let on_kill: OnKill = {
            let killed = Arc::clone(&killed);
            Arc::new(move |key| killed.lock().unwrap().push(key.to_owned()))
        };
        let aws = Aws::start(AwsOptions {
            resources: resources(),
            data,
            deletes_expired_items: false,
            credentials: credentials.clone(),
            roles: Roles::unrestricted(),
            usage: usage.clone(),
            faults: faults.clone(),
            on_kill,
        })
        .await
        .unwrap();
        let keys = credentials.issue(FUNCTION);
        Self { aws, credentials, keys, usage, faults, killed }
    }

    fn fault(&self, rule: &serde_json::Value) {
        self.faults.add(Rule::parse(rule.to_string().as_bytes()).unwrap()).unwrap();
    }

    /// The cost of the calls since the previous call of this method.
    fn cost(&self) -> InvocationCost {
        let costs = self.usage.finish_invocation(Invocation {
            function: FUNCTION.to_owned(),
            access_key_id: self.keys.access_key_id.clone(),
            cold: false,
            duration: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_memory_bytes: 0,
            status: "ok".to_owned(),
        });
        costs.total()
    }
}

fn sdk_credentials(keys: &Issued) -> SdkCredentials {
    SdkCredentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test")
}

fn http_client() -> SharedHttpClient {
    shared::http_client::for_sdk(crate::testing::client())
}

/// The common settings of the four kinds of clients. This is a macro because their builders have
/// different types. The clients do not retry, so that a test sees each response.
macro_rules! settings {
    ($sdk:ident, $cloud:expr, $keys:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url($cloud.aws.endpoint_url())
            .credentials_provider($keys)
            .http_client(http_client())
            .retry_config(RetryConfig::disabled())
    };
}

impl Cloud {
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb_as(&self.keys)
    }

    fn dynamodb_as(&self, keys: &Issued) -> aws_sdk_dynamodb::Client {
        let config = settings!(aws_sdk_dynamodb, self, sdk_credentials(keys)).build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        self.s3_as(&self.keys)
    }

    fn s3_as(&self, keys: &Issued) -> aws_sdk_s3::Client {
        let config = settings!(aws_sdk_s3, self, sdk_credentials(keys)).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn sqs_as(&self, keys: &Issued) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(settings!(aws_sdk_sqs, self, sdk_credentials(keys)).build())
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        self.sqs_as(&self.keys)
    }

    fn ses_as(&self, keys: &Issued) -> aws_sdk_ses::Client {
        aws_sdk_ses::Client::from_conf(settings!(aws_sdk_ses, self, sdk_credentials(keys)).build())
    }

    fn ses(&self) -> aws_sdk_ses::Client {
        self.ses_as(&self.keys)
    }
}

#[tokio::test]
async fn an_unknown_key_is_refused_with_the_error_of_each_service() {
    let cloud = Cloud::start().await;
    let gone = cloud.credentials.issue(FUNCTION);
    cloud.credentials.revoke(&gone.access_key_id);

    let dynamodb = cloud.dynamodb_as(&gone).list_tables().send().await.unwrap_err();
    let dynamodb = dynamodb.into_service_error();
    assert_eq!(dynamodb.meta().code(), Some("UnrecognizedClientException"));
    let s3 = cloud.s3_as(&gone).get_object().bucket(BUCKET).key("k").send().await.unwrap_err();
    assert_eq!(s3.into_service_error().meta().code(), Some("InvalidAccessKeyId"));
    let sqs = cloud.sqs_as(&gone).list_queues().send().await.unwrap_err();
    assert_eq!(sqs.into_service_error().meta().code(), Some("InvalidClientTokenId"));
    let raw = aws_sdk_ses::types::RawMessage::builder()
        .data(aws_sdk_ses::primitives::Blob::new("Subject: x\r\n\r\n"))
        .build()
        .unwrap();
    let ses = cloud.ses_as(&gone).send_raw_email().raw_message(raw).send().await.unwrap_err();
    assert_eq!(ses.into_service_error().meta().code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let cloud = Cloud::start().await;
    let url = format!("{}/{BUCKET}/k", cloud.aws.endpoint_url());
    let response = crate::testing::client().get(url).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("<Code>AccessDenied</Code>"));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_idle_clients() {
    let cloud = Cloud::start().await;
    cloud.dynamodb().list_tables().send().await.unwrap();
    let endpoint = cloud.aws.endpoint_url().to_owned();
    cloud.aws.shutdown().await;
    assert!(crate::testing::client().get(endpoint).send().await.is_err());
}
