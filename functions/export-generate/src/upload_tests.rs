use std::path::PathBuf;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as ConnectionBuilder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use shared::http_client;
use tempfile::{NamedTempFile, TempDir};
use tokio::net::TcpListener;

use super::*;

pub(crate) const BUCKET: &str = "exports";
const KEY: &str = "private/exports/company/job/1/contacts.csv";

/// An S3 server on a loopback port. It stores its objects in its own temporary directory.
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

    async fn start_upload(&self) -> Upload {
        Upload::begin(&self.client, BUCKET, KEY, "text/csv", "attachment; filename=\"c.csv\"")
            .await
            .unwrap()
    }

    async fn object(&self) -> Option<Bytes> {
        let object = self.client.get_object().bucket(BUCKET).key(KEY).send().await.ok()?;
        Some(object.body.collect().await.unwrap().into_bytes())
    }

    /// The files of unfinished uploads in the server's directory: their parts and their records.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.root.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect()
    }
}

/// Creates a file with this number of bytes. Returns the file and its content.
fn source(bytes: u64) -> (NamedTempFile, Bytes) {
    let content: Bytes = (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    (file, content)
}

#[tokio::test]
async fn a_file_is_uploaded_unchanged_in_any_number_of_parts() {
    let storage = Storage::start().await;
    for size in [0, 1, PART_BYTES - 1, PART_BYTES, 6 * PART_BYTES + 12_345] {
        let (file, content) = source(size);
        let mut upload = storage.start_upload().await;
        assert_eq!(upload.send(file.path()).await.unwrap(), size);
        assert!(storage.object().await.unwrap() == content, "{size}");
    }
    let head = storage.client.head_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    assert_eq!(head.content_type(), Some("text/csv"));
    assert!(storage.leftovers().iter().all(|path| !path.to_string_lossy().contains("part")));
}

#[tokio::test]
async fn an_abort_waits_for_parts_in_flight_and_leaves_nothing() {
    let storage = Storage::start().await;
    let before = storage.leftovers();
    let (file, _) = source(2 * PART_BYTES + 1);
    let mut upload = storage.start_upload().await;
    let without_parts = storage.leftovers().len();
    let first_part_is_stored = async {
        while storage.leftovers().len() == without_parts {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = first_part_is_stored => {}
        _ = upload.send(file.path()) => panic!("the upload finished before the abort"),
    }
    upload.abort().await.unwrap();
    assert!(storage.object().await.is_none());
    assert_eq!(storage.leftovers(), before);
}

#[tokio::test]
async fn an_upload_that_was_aborted_elsewhere_creates_no_object() {
    let storage = Storage::start().await;
    let mut upload = storage.start_upload().await;
    abort_upload(&storage.client, BUCKET, KEY, &upload.target.upload_id).await.unwrap();
    let (file, _) = source(PART_BYTES);
    let refused = upload.send(file.path()).await;
    assert!(matches!(refused, Err(UploadError::Part { number: 1, .. })), "{refused:?}");
    assert!(storage.object().await.is_none());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error() {
    let storage = Storage::start().await;
    let mut upload = storage.start_upload().await;
    let missing = storage.root.path().join("missing");
    assert!(matches!(upload.send(&missing).await, Err(UploadError::Read(_))));
    upload.abort().await.unwrap();
}
