//! The bucket, as far as a backfill needs it: files read by ranges, and its own small objects.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::aws;

/// The bytes of one read. A file is never in memory as a whole.
pub(crate) const WINDOW: u64 = 1024 * 1024;

/// The bucket's trouble. It names no key, which holds words of people.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// There is no such object, or it may not be read.
    #[error("the file does not exist in the bucket")]
    Missing,
    /// The object is another one than when its reading began.
    #[error("the file was changed while it was being read")]
    Changed,
    /// The bucket did not do what it was asked.
    #[error("{call} failed: {reason}")]
    Failed {
        /// The call.
        call: &'static str,
        /// S3's code, or how the call ended without one.
        reason: String,
    },
    /// One of the backfill's own objects does not have its shape.
    #[error("could not parse or serialize an object of the run: {0}")]
    Shape(#[from] serde_json::Error),
}

/// The bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

/// A file as it was when its reading began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) etag: String,
    pub(crate) size: u64,
}

/// A part of an object, and which object that was.
struct Part {
    bytes: Bytes,
    etag: String,
    size: u64,
}

fn failed_call<E, R>(call: &'static str, error: &SdkError<E, R>) -> BucketError
where
    E: ProvideErrorMetadata,
{
    match error.code() {
        // Without the right to list, S3 calls what is missing forbidden.
        Some("NoSuchKey" | "AccessDenied") => BucketError::Missing,
        _ => BucketError::Failed { call, reason: aws::reason(error) },
    }
}

impl Bucket {
    /// The bucket with this name.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// The file under `key`, and its first bytes.
    ///
    /// # Errors
    /// [`BucketError::Missing`] when there is none; an empty file is one of no bytes.
    pub(crate) async fn open(&self, key: &str) -> Result<(File, Bytes), BucketError> {
        match self.part(key, 0).await {
            Ok(Part { bytes, etag, size }) => Ok((File { key: key.to_owned(), etag, size }, bytes)),
            Err(BucketError::Failed { reason, .. }) if reason == "InvalidRange" => {
                let file = File { key: key.to_owned(), etag: String::new(), size: 0 };
                Ok((file, Bytes::new()))
            }
            Err(error) => Err(error),
        }
    }

    /// Up to [`WINDOW`] bytes of a file, from `from`, which is within it.
    ///
    /// # Errors
    /// [`BucketError::Changed`] when it is not the same file any more.
    pub(crate) async fn window(&self, file: &File, from: u64) -> Result<Bytes, BucketError> {
        match self.part(&file.key, from).await {
            Ok(part) if part.etag == file.etag => Ok(part.bytes),
            Ok(_) | Err(BucketError::Missing) => Err(BucketError::Changed),
            Err(BucketError::Failed { reason, .. }) if reason == "InvalidRange" => {
                Err(BucketError::Changed)
            }
            Err(error) => Err(error),
        }
    }

    async fn part(&self, key: &str, from: u64) -> Result<Part, BucketError> {
        let range = format!("bytes={from}-{}", from + WINDOW - 1);
        let get = self.client.get_object().bucket(&self.name).key(key).range(range);
        let got = get.send().await.map_err(|error| failed_call("GetObject", &error))?;
        let failed =
            |reason: &str| BucketError::Failed { call: "GetObject", reason: reason.to_owned() };
        let etag = got.e_tag().unwrap_or_default().to_owned();
        let size = got.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let size: u64 = size.ok_or_else(|| failed("no content range in the response"))?;
        let bytes = got.body.collect().await.map_err(|_| failed("the body ended early"))?;
        let bytes = bytes.into_bytes();
        if bytes.len() as u64 == WINDOW.min(size.saturating_sub(from)) {
            Ok(Part { bytes, etag, size })
        } else {
            Err(failed("the body ended early"))
        }
    }

    /// A whole small object of the backfill's own.
    ///
    /// # Errors
    /// The bucket's, or [`BucketError::Shape`].
    pub(crate) async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, BucketError> {
        let got = self.client.get_object().bucket(&self.name).key(key).send().await;
        let object = got.map_err(|error| failed_call("GetObject", &error))?;
        let early = |_| BucketError::Failed {
            call: "GetObject",
            reason: "the body ended early".to_owned(),
        };
        Ok(serde_json::from_slice(&object.body.collect().await.map_err(early)?.into_bytes())?)
    }

    /// Writes a small object, whatever stood there.
    ///
    /// # Errors
    /// The bucket's, or [`BucketError::Shape`].
    pub(crate) async fn write(
        &self,
        key: &str,
        object: &(impl Serialize + Sync),
    ) -> Result<(), BucketError> {
        let body = ByteStream::from(serde_json::to_vec_pretty(object)?);
        let put = self.client.put_object().bucket(&self.name).key(key);
        let sent = put.content_type("application/json").body(body).send().await;
        sent.map(drop).map_err(|error| failed_call("PutObject", &error))
    }
}
