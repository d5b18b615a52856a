//! From the message to the file, against an embedded table, an S3 and a Launchpad of its own.

use std::{convert::Infallible, io::Cursor};

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use calamine::{Data, Reader, Xlsx};
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as ConnectionBuilder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json, value::to_raw_value};
use shared::{
    access::{Permission, Platform, Viewer},
    clock::Clock,
    contact::ContactWriter,
    directory::{Directory, Launchpad},
    entry::queue::{Source, respond},
    export::{Column, Delivery, ExportOrder, Field, Format, Selection, Status},
    http_client,
    id::{ContactId, UserId},
    locale::Locale,
    outbox::QueueUrls,
    table::Table,
};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::*;
use crate::upload::tests::{BUCKET, Storage};

const OWNER: u128 = 1;
const OTHER: u128 = 2;

struct World {
    app: Arc<App>,
    source: Source,
    clock: Clock,
    storage: Storage,
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

fn viewer(number: u128) -> Viewer {
    Viewer {
        company: "acme".parse().unwrap(),
        user: user(number),
        name: Some(format!("Person {number}")),
        email: Some("person@acme.example".to_owned()),
        platform: Platform::Web,
    }
}

async fn table() -> Table {
    let database = dynoxide::Database::memory().unwrap();
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |sort: &str| {
        json!([
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": sort, "KeyType": "RANGE" },
        ])
    };
    let request = json!({
        "TableName": "table", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("pk"), text("sk"), text("name_key")],
        "KeySchema": key("sk"),
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_name", "KeySchema": key("name_key"),
            "Projection": { "ProjectionType": "ALL" },
        }],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("ap-southeast-3"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(http_client::for_sdk(http_client::builder().build().unwrap()))
        .build();
    Table::new(aws_sdk_dynamodb::Client::from_conf(config), "table")
}

/// A Launchpad where the owner sees everything and the other one their own.
async fn launchpad() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let answer = service_fn(|request: Request<Incoming>| {
                let body = launchpad_answer(request.uri().path()).to_string();
                let response = Response::new(Full::<bytes::Bytes>::from(body));
                async { Ok::<_, Infallible>(response) }
            });
            let connections = ConnectionBuilder::new(TokioExecutor::new());
            tokio::spawn(async move {
                let _ = connections.serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    });
    url
}

fn launchpad_answer(path: &str) -> Value {
    let level = if path.contains(&user(OTHER).to_string()) { "own" } else { "everything" };
    let permission =
        |name: &Permission| json!({ "name": name.as_str(), "is_enabled": true, "level": level });
    if path.ends_with("/permissions") {
        json!({ "data": Permission::ALL.iter().map(permission).collect::<Vec<_>>() })
    } else if path.starts_with("/iag/v1/users/") {
        let id = path.rsplit('/').next();
        json!({ "data": {
            "sso_id": id, "company_sso_id": "acme", "full_name": "Somebody",
            "email": "somebody@acme.example", "status": "active",
        } })
    } else {
        json!({ "data": [] })
    }
}

impl World {
    async fn new() -> Self {
        let clock = Clock::manual("2026-11-21T08:00:00Z".parse().unwrap());
        let directory = Directory::new(
            http_client::builder().build().unwrap(),
            Launchpad {
                url: launchpad().await,
                user: "user".to_owned(),
                password: "password".to_owned(),
                timeout: Duration::from_secs(5),
                team_set_ttl: SignedDuration::from_secs(60),
            },
            clock.clone(),
        );
        let (table, storage) = (table().await, Storage::start().await);
        // Nobody listens there: messages stay due, and holds are only logged.
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url("http://127.0.0.1:9")
            .region(Region::new("ap-southeast-3"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .http_client(http_client::for_sdk(http_client::builder().build().unwrap()))
            .build();
        let sqs = aws_sdk_sqs::Client::from_conf(sqs);
        let source =
            Source { sqs: sqs.clone(), url: "http://queue".to_owned(), table: table.clone() };
        let app = App {
            jobs: Jobs::new(table.clone()),
            authority: Authority::new(table, directory, clock.clone()),
            files: Files::new(storage.client.clone(), BUCKET),
            outbox: Outbox::new(sqs, QueueUrls::default()),
            limits: Limits { rows: 150, cells: 450 },
        };
        Self { app: Arc::new(app), source, clock, storage }
    }

    /// Contacts of the person with these names, the first one created first.
    async fn contacts(&self, owner: u128, names: &[String]) -> Vec<ContactId> {
        let actor = viewer(owner);
        let writer = ContactWriter::new(self.app.authority.clone());
        let mut ids = Vec::new();
        for name in names {
            self.clock.advance(SignedDuration::from_millis(1));
            let row = json!({ "external_id": name, "name": name, "phones": ["+62812345678"],
                "owner_id": user(owner) });
            let rows = [to_raw_value(&row).unwrap()];
            let (_, outcomes) = writer.sync(&actor, &rows).await.unwrap();
            let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
            ids.push(outcome.result.as_ref().unwrap().1);
        }
        ids
    }

    async fn order(&self, who: u128, format: Format, ids: Option<&[ContactId]>) -> Job {
        let now = self.clock.now();
        let selection = match ids {
            Some(ids) => Selection::Ids { count: u64::try_from(ids.len()).unwrap() },
            None => Selection::Filter(Box::default()),
        };
        let columns = [Field::Name, Field::Phone, Field::CreatedAt];
        let order = ExportOrder {
            format,
            selection,
            ids: ids.unwrap_or_default().to_vec(),
            columns: columns.map(|field| Column::of(field, Locale::En)).to_vec(),
            file_name: format!("contacts.{}", format.extension()),
            time_zone: "Asia/Jakarta".to_owned(),
            locale: Locale::En,
        };
        let job = Job::queued(&viewer(who), &order, now);
        if let Some(ids) = ids {
            self.app.files.put_ids(&job, ids).await.unwrap();
        }
        self.app.jobs.create(&job, None, now).await.unwrap();
        job
    }

    /// Delivers the job's message; tells whether it is done.
    async fn deliver(&self, job: &Job) -> bool {
        let body = json!({ "body": job.at() }).to_string();
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [{
            "messageId": "m", "receiptHandle": "r", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
        }] }))
        .unwrap();
        let work = |message| handle(Arc::clone(&self.app), message);
        respond("r", event, &self.source, work).await.batch_item_failures.is_empty()
    }

    async fn now_is(&self, job: &Job) -> Job {
        self.app.jobs.get(&job.at()).await.unwrap().unwrap()
    }

    async fn file(&self, job: &Job) -> Vec<u8> {
        self.app.files.read(&self.now_is(job).await.object_key()).await.unwrap()
    }

    async fn objects(&self) -> Vec<String> {
        let listed = self.storage.client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        listed.contents().iter().filter_map(|it| it.key().map(str::to_owned)).collect()
    }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}{index:04}")).collect()
}

#[tokio::test]
async fn a_filter_exports_what_the_requester_sees_the_newest_first() {
    let world = World::new().await;
    world.contacts(OWNER, &names("mine", 3)).await;
    world.contacts(OTHER, &names("theirs", 120)).await;
    let everything = world.order(OWNER, Format::Csv, None).await;
    assert!(world.deliver(&everything).await);
    let done = world.now_is(&everything).await;
    assert_eq!((done.status, done.rows, done.skipped), (Status::Completed, 123, 0));
    let own = world.order(OTHER, Format::Csv, None).await;
    assert!(world.deliver(&own).await);
    let text = String::from_utf8(world.file(&own).await).unwrap();
    let first: Vec<&str> = text.lines().map(|line| line.split(',').next().unwrap()).collect();
    let mut expected = names("theirs", 120);
    expected.push("\u{feff}Name".to_owned());
    expected.reverse();
    assert_eq!(first, expected);
    assert_eq!(world.now_is(&own).await.size_bytes, Some(u64::try_from(text.len()).unwrap()));
}

#[tokio::test]
async fn selected_contacts_out_of_scope_or_gone_are_skipped_and_counted() {
    let world = World::new().await;
    let mine = world.contacts(OTHER, &names("mine", 2)).await;
    let hidden = world.contacts(OWNER, &names("hidden", 1)).await;
    let gone = ContactId::generate(world.clock.now());
    let job = world.order(OTHER, Format::Xlsx, Some(&[mine[1], hidden[0], gone, mine[0]])).await;
    assert!(world.deliver(&job).await);
    let done = world.now_is(&job).await;
    assert_eq!((done.status, done.rows, done.skipped), (Status::Completed, 2, 2));
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(world.file(&job).await)).unwrap();
    let sheet = book.worksheet_range("Contacts").unwrap();
    let cells: Vec<Vec<Data>> = sheet.rows().map(<[Data]>::to_vec).collect();
    assert_eq!(cells.len(), 3);
    assert_eq!(
        cells[1][..2],
        [Data::String("mine0001".into()), Data::String("+62812345678".into())]
    );
    assert_eq!(cells[2][0], Data::String("mine0000".into()));
    assert!(matches!(cells[1][2], Data::DateTime(_)), "{:?}", cells[1][2]);
}

#[tokio::test]
async fn a_message_that_comes_twice_changes_nothing() {
    let world = World::new().await;
    world.contacts(OWNER, &names("c", 1)).await;
    let job = world.order(OWNER, Format::Csv, None).await;
    assert!(world.deliver(&job).await);
    let (once, objects) = (world.now_is(&job).await, world.objects().await);
    assert!(world.deliver(&job).await);
    assert_eq!((world.now_is(&job).await, world.objects().await), (once, objects));
}

#[tokio::test]
async fn messages_at_the_same_time_make_one_file() {
    let world = World::new().await;
    world.contacts(OWNER, &names("c", 30)).await;
    let job = world.order(OWNER, Format::Csv, None).await;
    let (one, other) = tokio::join!(world.deliver(&job), world.deliver(&job));
    assert!(one || other);
    assert_eq!(world.now_is(&job).await.status, Status::Completed);
    assert_eq!(world.objects().await.len(), 1);
}

#[tokio::test]
async fn past_the_limits_of_rows_and_cells_an_export_fails_at_once_and_leaves_nothing() {
    let world = World::new().await;
    world.contacts(OWNER, &names("c", 150)).await;
    for (more, end) in [(0, Status::Completed), (1, Status::Failed)] {
        world.contacts(OWNER, &names("more", more)).await;
        for format in [Format::Csv, Format::Xlsx] {
            let job = world.order(OWNER, format, None).await;
            assert!(world.deliver(&job).await, "another attempt would end alike");
            let job = world.now_is(&job).await;
            assert_eq!((job.status, job.attempt), (end, 1));
            if end == Status::Failed {
                assert_eq!(job.error, Some(FailureCode::ExportTooLarge));
                assert_eq!(job.email_status, Delivery::Pending);
                assert!(!world.objects().await.contains(&job.object_key()));
            }
        }
    }
    assert_eq!(world.objects().await.len(), 2);
    let remains = world.storage.remains().into_iter();
    assert_eq!(remains.filter(|file| file.to_string_lossy().contains("upload")).count(), 0);
}

#[tokio::test]
async fn a_cancelled_job_makes_no_file_and_its_selection_goes() {
    let world = World::new().await;
    let ids = world.contacts(OWNER, &names("c", 1)).await;
    let job = world.order(OWNER, Format::Csv, Some(&ids)).await;
    let now: Timestamp = world.clock.now();
    let cancelled = world.app.jobs.cancel(&job.at(), now).await.unwrap();
    let shared::export::Cancellation::Done(cancelled) = cancelled else { panic!("{cancelled:?}") };
    world.app.files.purge(&cancelled).await.unwrap();
    assert!(world.deliver(&job).await);
    assert_eq!(world.now_is(&job).await.status, Status::Cancelled);
    assert_eq!(world.objects().await, [""; 0]);
}
