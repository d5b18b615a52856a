use std::path::PathBuf;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as ConnectionBuilder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use shared::http_client;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

pub(crate) const BUCKET: &str = "exports";
const KEY: &str = "private/exports/company/job/1/contacts.csv";

/// An S3 on a loopback port, with its objects in a directory of its own.
pub(crate) struct Storage {
    pub(crate) client: Client,
    root: TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Storage {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(root.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let connections = ConnectionBuilder::new(TokioExecutor::new());
                    let _ = connections.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(endpoint)
            .region(Region::new("ap-southeast-3"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .force_path_style(true)
            .http_client(http_client::for_sdk(http_client::builder().build().unwrap()))
            .build();
        Self { client: Client::from_conf(config), root, server }
    }

    async fn begin(&self) -> Upload {
        Upload::begin(&self.client, BUCKET, KEY, "text/csv", "attachment; filename=\"c.csv\"")
            .await
            .unwrap()
    }

    async fn object(&self) -> Option<Bytes> {
        let object = self.client.get_object().bucket(BUCKET).key(KEY).send().await.ok()?;
        Some(object.body.collect().await.unwrap().into_bytes())
    }

    /// Files of unfinished uploads: their parts and their records.
    pub(crate) fn remains(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.root.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect()
    }
}

fn pattern(bytes: usize) -> Bytes {
    (0..bytes).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

#[tokio::test]
async fn a_stream_arrives_in_order_over_many_parts() {
    let storage = Storage::start().await;
    let mut upload = storage.begin().await;
    assert!(!upload.upload_id().is_empty());
    let file = pattern(5 * PART_BYTES + 12_345);
    for chunk in file.chunks(3_000_000) {
        upload.push(Bytes::copy_from_slice(chunk)).await.unwrap();
        assert!(upload.in_flight.len() <= PARTS_IN_FLIGHT);
        assert!(upload.pending.len() < PART_BYTES);
    }
    assert_eq!(upload.complete().await.unwrap(), u64::try_from(file.len()).unwrap());
    assert!(storage.object().await.unwrap() == file);
    let head = storage.client.head_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    assert_eq!(head.content_type(), Some("text/csv"));
    assert!(storage.remains().iter().all(|path| !path.to_string_lossy().contains("part")));
}

#[tokio::test]
async fn a_file_from_disk_arrives_as_it_is() {
    let storage = Storage::start().await;
    for size in [PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 7] {
        let file = pattern(size);
        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), &file).unwrap();
        let mut upload = storage.begin().await;
        upload.push_file(source.path()).await.unwrap();
        assert_eq!(upload.complete().await.unwrap(), u64::try_from(size).unwrap());
        assert!(storage.object().await.unwrap() == file);
    }
}

#[tokio::test]
async fn an_empty_file_is_an_object_too() {
    let storage = Storage::start().await;
    let mut upload = storage.begin().await;
    assert_eq!(upload.complete().await.unwrap(), 0);
    assert_eq!(storage.object().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_abort_waits_for_parts_in_flight_and_leaves_nothing() {
    let storage = Storage::start().await;
    let before = storage.remains();
    let mut upload = storage.begin().await;
    upload.push(pattern(2 * PART_BYTES + 1)).await.unwrap();
    assert!(!upload.in_flight.is_empty());
    upload.abort().await.unwrap();
    assert!(storage.object().await.is_none());
    assert_eq!(storage.remains(), before);
}

#[tokio::test]
async fn an_upload_that_somebody_else_aborted_makes_no_object() {
    let storage = Storage::start().await;
    let mut upload = storage.begin().await;
    abort_upload(&storage.client, BUCKET, KEY, upload.upload_id()).await.unwrap();
    upload.push(pattern(PART_BYTES)).await.unwrap();
    let refused = upload.complete().await;
    assert!(matches!(refused, Err(UploadError::Part { number: 1, .. })), "{refused:?}");
    assert!(storage.object().await.is_none());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error() {
    let storage = Storage::start().await;
    let mut upload = storage.begin().await;
    let missing = storage.root.path().join("missing");
    assert!(matches!(upload.push_file(&missing).await, Err(UploadError::Read(_))));
    upload.abort().await.unwrap();
}
