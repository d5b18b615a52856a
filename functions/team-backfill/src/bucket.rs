//! The bucket of the backfill. It contains input files, which are read in ranges, and small objects
//! that the backfill writes.

use aws_sdk_s3::{Client, primitives::ByteStream};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::aws::CallError;

/// The maximum number of bytes of one read. A file is never read into memory as a whole.
pub(crate) const WINDOW: u64 = 1024 * 1024;

/// An error of the bucket. It never contains an object key, because users choose the names of input
/// files.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The object does not exist, or the function may not read it.
    #[error("the file does not exist in the bucket")]
    Missing(#[source] CallError),
    /// The object was replaced or deleted after it was opened.
    #[error("the file was changed while it was being read")]
    Changed,
    /// A call to S3 failed.
    #[error("{call} failed")]
    Failed {
        /// The name of the S3 action.
        call: &'static str,
        /// Why the call failed.
        #[source]
        cause: CallError,
    },
    /// An object that the backfill writes could not be read or written as JSON. The message of the
    /// JSON parser is not included, because it may quote a value.
    #[error("invalid JSON in an object of the run: {:?} error at line {}, column {}", .0.classify(), .0.line(), .0.column())]
    Shape(serde_json::Error),
}

/// The bucket. A clone shares the client.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// An input file, in its version at the time when it was opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) size: u64,
}

/// The bytes of a range of an object, with the ETag and size of the whole object.
struct Part {
    bytes: Bytes,
    etag: String,
    size: u64,
}

/// Returns a function that converts the error of a failed call into a [`BucketError`]. `call` is
/// the name of the S3 action.
fn failed(call: &'static str) -> impl Fn(CallError) -> BucketError {
    move |cause| {
        // If the function may not list objects, S3 returns AccessDenied for an object that does not
        // exist.
        if cause.is_code("NoSuchKey") || cause.is_code("AccessDenied") {
            BucketError::Missing(cause)
        } else {
            BucketError::Failed { call, cause }
        }
    }
}

impl Bucket {
    /// Creates the client for the bucket with this name.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Opens the file with this key and reads its first bytes. For an empty file, the bytes are
    /// empty.
    pub(crate) async fn open(&self, key: &str) -> Result<(File, Bytes), BucketError> {
        match self.part(key, 0).await {
            Ok(Part { bytes, etag, size }) => Ok((File { key: key.to_owned(), etag, size }, bytes)),
            Err(BucketError::Failed { cause, .. }) if cause.is_code("InvalidRange") => {
                let file = File { key: key.to_owned(), etag: String::new(), size: 0 };
                Ok((file, Bytes::new()))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads up to [`WINDOW`] bytes of a file, starting at byte `from`. `from` must be less than
    /// the size of the file.
    ///
    /// # Errors
    /// [`BucketError::Changed`] if the file was replaced or deleted after [`Bucket::open`].
    pub(crate) async fn window(&self, file: &File, from: u64) -> Result<Bytes, BucketError> {
        match self.part(&file.key, from).await {
            Ok(part) if part.etag == file.etag => Ok(part.bytes),
            Ok(_) | Err(BucketError::Missing(_)) => Err(BucketError::Changed),
            Err(BucketError::Failed { cause, .. }) if cause.is_code("InvalidRange") => {
                Err(BucketError::Changed)
            }
            Err(error) => Err(error),
        }
    }

    async fn part(&self, key: &str, from: u64) -> Result<Part, BucketError> {
        let range = format!("bytes={from}-{}", from + WINDOW - 1);
        let get = self.client.get_object().bucket(&self.name).key(key).range(range);
        let failed = failed("GetObject");
        let got = get.send().await.map_err(|error| failed(CallError::new(&error)))?;
        let invalid = |reason: &str| failed(CallError::response(reason));
        let etag = got.e_tag().unwrap_or_default().to_owned();
        let size = got.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let size: u64 = size.ok_or_else(|| invalid("no content range in the response"))?;
        let bytes = got.body.collect().await.map_err(|error| failed(CallError::body(&error)))?;
        let bytes = bytes.into_bytes();
        if bytes.len() as u64 == WINDOW.min(size.saturating_sub(from)) {
            Ok(Part { bytes, etag, size })
        } else {
            Err(invalid("the response body ended early"))
        }
    }

    /// Reads a small object as a whole and parses its JSON.
    pub(crate) async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, BucketError> {
        let got = self.client.get_object().bucket(&self.name).key(key).send().await;
        let failed = failed("GetObject");
        let object = got.map_err(|error| failed(CallError::new(&error)))?;
        let bytes = object.body.collect().await.map_err(|error| failed(CallError::body(&error)))?;
        serde_json::from_slice(&bytes.into_bytes()).map_err(BucketError::Shape)
    }

    /// Writes a small object as JSON. Replaces an object with the same key.
    pub(crate) async fn write(
        &self,
        key: &str,
        object: &(impl Serialize + Sync),
    ) -> Result<(), BucketError> {
        let body = ByteStream::from(serde_json::to_vec_pretty(object).map_err(BucketError::Shape)?);
        let put = self.client.put_object().bucket(&self.name).key(key);
        let sent = put.content_type("application/json").body(body).send().await;
        sent.map(drop).map_err(|error| failed("PutObject")(CallError::new(&error)))
    }
}
