//! Tests of queues as event sources of functions. They use the emulated SQS and real processes.

// The helper functions of tests may panic like the tests. The setting in clippy.toml covers only
// test functions.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials as AccessKeys, Region};
use local::account::REGION;
use local::aws::{
    Aws, AwsOptions, Faults, KeySpec, QueueSpec, RedriveSpec, Resources, Roles, TableSpec,
};
use local::lambda::Lambda;
use local::record::{Events, ReceivedRequest, Requests};
use local::sources::{QueueSources, QueueSourcesOptions};
use local::template::Names;
use local::trace::LONGEST_CHAIN;
use serde_json::{Value, json};
use support::{eventually, options, template};

/// The queues of a test, with this visibility time-out in seconds.
fn queues(visibility: u32) -> String {
    format!(
        "  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: {visibility}
      RedrivePolicy: {{ deadLetterTargetArn: !GetAtt DeadJobs.Arn, maxReceiveCount: 2 }}
  DeadJobs:
    Type: AWS::SQS::Queue
    Properties: {{ MessageRetentionPeriod: 1209600 }}
  Feed:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt Fixture.Arn
      EventSourceArn: !GetAtt Jobs.Arn
      FunctionResponseTypes: [ReportBatchItemFailures]
"
    )
}

fn resources(visibility_seconds: u32) -> Resources {
    let queue = |name: &str, redrive| QueueSpec {
        name: name.to_owned(),
        visibility_seconds,
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

/// Running queues and the function that receives their messages.
struct Scene {
    aws: Aws,
    lambda: Lambda,
    options: QueueSourcesOptions,
    sources: OnceLock<QueueSources>,
    client: aws_sdk_sqs::Client,
    events: Events,
    requests: Requests,
}

impl Scene {
    async fn start(visibility: u32, properties: &str) -> Self {
        let template = template(&queues(visibility), properties);
        let mut options = options(&template);
        let aws = Aws::start(AwsOptions {
            resources: resources(visibility),
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
        options.endpoint_url = aws.endpoint_url().to_owned();
        let (credentials, events) = (options.credentials.clone(), options.events.clone());
        let requests = options.requests.clone();
        let names = options.names.clone();
        let lambda = Lambda::start(options).await.unwrap();
        let http = shared::http_client::builder().build().unwrap();
        let options = QueueSourcesOptions {
            traces: aws.traces(),
            template,
            names,
            endpoint_url: aws.endpoint_url().to_owned(),
            credentials: credentials.clone(),
            http: http.clone(),
            lambda: lambda.clone(),
        };

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
        Self { aws, lambda, options, sources: OnceLock::new(), client, events, requests }
    }

    /// Starts to deliver the messages of the queue.
    fn poll(&self) {
        self.sources.get_or_init(|| QueueSources::start(&self.options));
    }

    async fn send(&self, body: &str) {
        let url = self.aws.queue_url("Jobs").unwrap();
        self.client.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    /// Sends a message as a function does that a request with this id caused.
    async fn send_traced(&self, body: &str, id: &str) {
        let url = self.aws.queue_url("Jobs").unwrap();
        let header = format!("Root={id};Parent=0;Sampled=0;Lineage=1:Sender:1");
        let message = self.client.send_message().queue_url(url).message_body(body).customize();
        let message = message.mutate_request(move |request| {
            request.headers_mut().insert("x-amzn-trace-id", header.clone());
        });
        message.send().await.unwrap();
    }

    /// The statuses of the invocations that the request with this id caused.
    fn caused(&self, id: &str) -> Vec<Value> {
        let listed = self.requests.list(None, 10);
        let request = listed.into_iter().find(|request| request["id"] == id).unwrap();
        let invocations = request["invocations"].as_array().unwrap().iter();
        invocations.map(|one| json!([one["function"], one["source"], one["status"]])).collect()
    }

    /// Sends a message whose body is its company.
    async fn send_of(&self, company: &str) {
        let url = self.aws.queue_url("Jobs").unwrap();
        let message = self.client.send_message().queue_url(url).message_body(company);
        message.message_group_id(company).send().await.unwrap();
    }

    /// The values of a field of all delivered messages, in the order of their deliveries.
    fn delivered(&self, field: &str) -> Vec<Value> {
        let batches = self.events.list(Some("fixture_batch"));
        batches.iter().filter_map(|batch| batch[field].as_array()).flatten().cloned().collect()
    }

    /// The number of times that a message with this body was delivered.
    fn deliveries(&self, body: &str) -> usize {
        self.delivered("bodies").iter().filter(|delivered| **delivered == body).count()
    }

    async fn shutdown(self) {
        self.lambda.shutdown().await;
        if let Some(sources) = self.sources.get() {
            sources.shutdown().await;
        }
        self.aws.shutdown().await;
    }
}

#[tokio::test]
async fn failed_messages_are_delivered_again_and_then_moved_to_the_dead_letter_queue() {
    let scene = Scene::start(2, "      Timeout: 2\n").await;
    scene.poll();
    scene.send("good").await;
    scene.send("bad").await;
    // The queue delivers the bad message twice and the good message once, and then moves the bad
    // message to the dead-letter queue.
    eventually(|| scene.deliveries("bad") == 2 && scene.deliveries("good") == 1).await;
    let dead = scene
        .client
        .receive_message()
        .queue_url(scene.aws.queue_url("DeadJobs").unwrap())
        .wait_time_seconds(20)
        .send();
    let dead = tokio::time::timeout(Duration::from_secs(30), dead).await.unwrap().unwrap();
    assert_eq!(dead.messages()[0].body(), Some("bad"));
    assert_eq!((scene.deliveries("bad"), scene.deliveries("good")), (2, 1));
    scene.shutdown().await;
}

#[tokio::test]
async fn a_request_lists_every_delivery_of_the_messages_that_it_caused() {
    let scene = Scene::start(2, "      Timeout: 2\n").await;
    for id in ["first", "second"] {
        let (method, path) = ("POST".to_owned(), "/x".to_owned());
        let started_at = "2026-11-21T08:00:00Z".parse().unwrap();
        let received = ReceivedRequest { id: id.to_owned(), method, path, started_at };
        scene.requests.receive(received);
        scene.requests.answer(id, 202, Duration::ZERO);
    }
    scene.send_traced("bad", "first").await;
    scene.send_traced("good", "second").await;
    scene.send("of no request").await;
    scene.poll();
    // One batch has all messages; the bad one is delivered again.
    eventually(|| scene.caused("first").len() == 2).await;
    let invocation = json!(["Fixture", "queue", "ok"]);
    assert_eq!(scene.caused("first"), [invocation.clone(), invocation.clone()]);
    assert_eq!(scene.caused("second"), [invocation]);
    scene.shutdown().await;
}

#[tokio::test]
async fn a_throttled_delivery_is_tried_again_soon_and_not_after_the_visibility_time_out() {
    let scene =
        Scene::start(600, "      Timeout: 20\n      ReservedConcurrentExecutions: 1\n").await;
    scene.poll();
    let lambda = scene.lambda.clone();
    let busy = json!({ "do": "sleep", "n": 1500 }).to_string();
    let busy = tokio::spawn(async move { lambda.invoke("Fixture", busy.into()).await });
    eventually(|| !scene.events.list(Some("fixture_sleeps")).is_empty()).await;
    for body in ["first", "second", "third"] {
        scene.send(body).await;
    }
    let all = || ["first", "second", "third"].map(|body| scene.deliveries(body)) == [1, 1, 1];
    eventually(all).await;
    assert!(busy.await.unwrap().is_ok());
    assert!(all(), "each message is delivered once");
    scene.shutdown().await;
}

#[tokio::test]
async fn companies_with_a_backlog_do_not_delay_the_first_message_of_another() {
    let scene =
        Scene::start(600, "      Timeout: 20\n      ReservedConcurrentExecutions: 1\n").await;
    for _ in 0..20 {
        scene.send_of("first").await;
        scene.send_of("second").await;
    }
    scene.send_of("third").await;
    scene.poll();
    eventually(|| scene.delivered("bodies").len() == 41).await;
    let delivered = scene.delivered("bodies");
    assert_eq!(delivered[..4], ["first", "second", "third", "first"]);
    assert_eq!(scene.delivered("groups"), delivered, "a delivery names its company");
    scene.shutdown().await;
}

/// The function may send messages to its own queue, and has this setting for loops.
fn recursive(setting: &str) -> String {
    format!(
        "      Timeout: 2\n      RecursiveLoop: {setting}\n      Environment: {{ Variables: {{ JOBS_URL: !Ref Jobs }} }}\n"
    )
}

#[tokio::test]
async fn a_function_that_allows_recursion_continues_through_its_own_messages() {
    let scene = Scene::start(2, &recursive("Allow")).await;
    scene.poll();
    scene.send(&format!("again {}", LONGEST_CHAIN + 4)).await;
    eventually(|| scene.deliveries("again 0") == 1).await;
    scene.shutdown().await;
}

#[tokio::test]
async fn an_endless_chain_of_messages_is_dropped_after_16_invocations() {
    let scene = Scene::start(2, &recursive("Terminate")).await;
    scene.poll();
    scene.send(&format!("again {}", LONGEST_CHAIN + 4)).await;
    // The message that would cause the next invocation ends in the dead-letter queue.
    let dead = scene.client.receive_message().queue_url(scene.aws.queue_url("DeadJobs").unwrap());
    let dead = tokio::time::timeout(Duration::from_secs(30), dead.wait_time_seconds(20).send());
    assert_eq!(dead.await.unwrap().unwrap().messages()[0].body(), Some("again 4"));
    assert_eq!((scene.deliveries("again 5"), scene.deliveries("again 4")), (1, 0));
    scene.shutdown().await;
}
