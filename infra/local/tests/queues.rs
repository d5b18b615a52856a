//! Tests of queues as event sources of functions. They use the emulated SQS and real processes.

// The helper functions of tests may panic like the tests. The setting in clippy.toml covers only
// test functions.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials as AccessKeys, Region};
use local::account::REGION;
use local::aws::{
    Aws, AwsOptions, Faults, KeySpec, QueueSpec, RedriveSpec, Resources, Roles, TableSpec,
};
use local::lambda::Lambda;
use local::sources::{QueueSources, QueueSourcesOptions};
use local::template::Names;
use serde_json::json;
use support::{eventually, options, template};

const QUEUES: &str = "  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 2
      RedrivePolicy: { deadLetterTargetArn: !GetAtt DeadJobs.Arn, maxReceiveCount: 2 }
  DeadJobs:
    Type: AWS::SQS::Queue
    Properties: { MessageRetentionPeriod: 1209600 }
  Feed:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt Fixture.Arn
      EventSourceArn: !GetAtt Jobs.Arn
      FunctionResponseTypes: [ReportBatchItemFailures]
";

fn resources() -> Resources {
    let queue = |name: &str, redrive| QueueSpec {
        name: name.to_owned(),
        visibility_seconds: 2,
        retention_seconds: 1_209_600,
        redrive,
    };
    let redrive = RedriveSpec { dead_letter_queue: "DeadJobs".to_owned(), max_receive_count: 2 };
    Resources {
        table: TableSpec {
            name: "Table".to_owned(),
            key: KeySpec { partition: "pk".to_owned(), sort: None },
            indexes: Vec::new(),
            ttl_attribute: None,
        },
        buckets: Vec::new(),
        queues: vec![queue("Jobs", Some(redrive)), queue("DeadJobs", None)],
    }
}

#[tokio::test]
async fn failed_messages_are_delivered_again_and_then_moved_to_the_dead_letter_queue() {
    let template = template(QUEUES, "      Timeout: 2\n");
    let mut options = options(&template);
    let aws = Aws::start(AwsOptions {
        resources: resources(),
        data: None,
        deletes_expired_items: false,
        credentials: options.credentials.clone(),
        roles: Roles::unrestricted(),
        usage: options.usage.clone(),
        faults: Faults::default(),
        on_kill: Arc::new(|_| {}),
    })
    .await
    .unwrap();
    options.names = Names::new(Arc::clone(&template), aws.endpoint_url(), [].into());
    let (credentials, events) = (options.credentials.clone(), options.events.clone());
    let names = options.names.clone();
    let lambda = Lambda::start(options).await.unwrap();
    let http = shared::http_client::builder().build().unwrap();
    let sources = QueueSources::start(&QueueSourcesOptions {
        template,
        names,
        endpoint_url: aws.endpoint_url().to_owned(),
        credentials: credentials.clone(),
        http: http.clone(),
        lambda: lambda.clone(),
    });

    let keys = credentials.operator();
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(aws.endpoint_url())
        .credentials_provider(AccessKeys::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            None,
            None,
            "test",
        ))
        .http_client(shared::http_client::for_sdk(http))
        .build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    for body in ["good", "bad"] {
        let url = aws.queue_url("Jobs").unwrap();
        client.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    // The queue delivers the bad message twice and the good message once, and then moves the bad
    // message to the dead-letter queue.
    let deliveries = |body: &str| {
        let batches = events.list(Some("fixture_batch"));
        let bodies = batches.iter().filter_map(|batch| batch["bodies"].as_array()).flatten();
        bodies.filter(|delivered| **delivered == json!(body)).count()
    };
    eventually(|| deliveries("bad") == 2 && deliveries("good") == 1).await;
    let dead = client
        .receive_message()
        .queue_url(aws.queue_url("DeadJobs").unwrap())
        .wait_time_seconds(20)
        .send();
    let dead = tokio::time::timeout(Duration::from_secs(30), dead).await.unwrap().unwrap();
    assert_eq!(dead.messages()[0].body(), Some("bad"));
    assert_eq!((deliveries("bad"), deliveries("good")), (2, 1));

    lambda.shutdown().await;
    sources.shutdown().await;
    aws.shutdown().await;
}
