//! Uploads a file from disk with an S3 multipart upload. A part is read from disk while it is sent,
//! and is read again for a retry. A part is never in memory as a whole.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use shared::aws::CallError;
use shared::export::{FilesError, abort_upload};
use tokio::task::{JoinError, JoinSet};

/// The size of every part except the last, in bytes. S3 allows 10,000 parts, so a file can have
/// about 80 GiB.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// The number of parts that are sent in parallel.
pub const PARTS_IN_FLIGHT: usize = 4;

/// The number of bytes of a part that are read from disk at once.
const READ_BYTES: usize = 64 * 1024;

/// Why an upload failed. The S3 client had already retried the call.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The upload could not be started.
    #[error("the upload could not be started")]
    Begin(#[source] CallError),
    /// The response of S3 to the start of the upload contains no upload id.
    #[error("S3 returned no upload id")]
    NoUploadId,
    /// A part could not be sent.
    #[error("part {number} could not be uploaded")]
    Part {
        /// The number of the part. The first part has number 1.
        number: i32,
        /// Why the call failed.
        #[source]
        cause: CallError,
    },
    /// The task that sent a part panicked.
    #[error("an upload task ended early")]
    Task(#[from] JoinError),
    /// The finished file could not be read.
    #[error("the finished file could not be read")]
    Read(#[from] io::Error),
    /// A part of the finished file could not be read.
    #[error("a part of the finished file could not be read")]
    ReadPart(#[from] ByteStreamError),
    /// S3 could not join the parts into an object.
    #[error("the upload could not be completed")]
    Complete(#[source] CallError),
    /// The upload could not be aborted. The lifecycle rule of the bucket aborts it later.
    #[error("the upload could not be aborted")]
    Abort(#[from] FilesError),
}

/// An unfinished upload. If it is dropped, the requests in flight are canceled, but the upload
/// stays in S3. Call [`Upload::send`] or [`Upload::abort`] to end it.
#[derive(Debug)]
pub struct Upload {
    target: UploadTarget,
    // The requests that upload parts and, at the end, the request that joins the parts. They are
    // separate tasks, so that `abort` can wait for them after `send` was canceled.
    in_flight: JoinSet<Result<Option<CompletedPart>, UploadError>>,
    parts: Vec<CompletedPart>,
}

/// A part of a file on disk.
#[derive(Debug)]
struct FilePart {
    number: i32,
    path: PathBuf,
    offset: u64,
    length: u64,
}

#[derive(Debug, Clone)]
struct UploadTarget {
    client: Client,
    bucket: String,
    key: String,
    upload_id: String,
}

impl Upload {
    /// Starts an upload to the object with this key.
    pub async fn begin(
        client: &Client,
        bucket: &str,
        key: &str,
        content_type: &str,
        content_disposition: &str,
    ) -> Result<Self, UploadError> {
        let created = client
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type(content_type)
            .content_disposition(content_disposition)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .send()
            .await
            .map_err(|error| UploadError::Begin(CallError::new(&error)))?;
        let upload_id = created.upload_id.ok_or(UploadError::NoUploadId)?;
        Ok(Self {
            target: UploadTarget {
                client: client.clone(),
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                upload_id,
            },
            in_flight: JoinSet::new(),
            parts: Vec::new(),
        })
    }

    /// Sends the file in parts and joins them into an object. Returns the size of the file in
    /// bytes.
    ///
    /// # Errors
    /// [`UploadError`]. After an error, call only [`Upload::abort`].
    pub async fn send(&mut self, path: &Path) -> Result<u64, UploadError> {
        let size = tokio::fs::metadata(path).await?.len();
        let mut offset = 0;
        for number in 1.. {
            while self.in_flight.len() >= PARTS_IN_FLIGHT {
                self.join_next().await?;
            }
            let length = PART_BYTES.min(size - offset);
            let part = FilePart { number, path: path.to_owned(), offset, length };
            self.in_flight.spawn(self.target.clone().send_part(part));
            offset += length;
            // S3 requires at least one part, even for an empty file.
            if offset == size {
                break;
            }
        }
        while !self.in_flight.is_empty() {
            self.join_next().await?;
        }
        let parts = mem::take(&mut self.parts);
        self.in_flight.spawn(self.target.clone().complete(parts));
        self.join_next().await?;
        Ok(size)
    }

    /// Waits until the next request ends.
    async fn join_next(&mut self) -> Result<(), UploadError> {
        if let Some(part) = self.in_flight.join_next().await {
            self.parts.extend(part??);
        }
        Ok(())
    }

    /// Aborts the upload and so deletes its parts. First waits for the requests in flight, because
    /// a part that arrives after the abort would stay in the bucket. If S3 was already joining the
    /// parts, the object may exist afterwards.
    pub async fn abort(mut self) -> Result<(), UploadError> {
        while self.in_flight.join_next().await.is_some() {}
        let UploadTarget { client, bucket, key, upload_id } = &self.target;
        Ok(abort_upload(client, bucket, key, upload_id).await?)
    }
}

impl UploadTarget {
    async fn send_part(self, part: FilePart) -> Result<Option<CompletedPart>, UploadError> {
        let FilePart { number, path, offset, length } = part;
        let body = ByteStream::read_from()
            .path(path)
            .offset(offset)
            .length(Length::Exact(length))
            .buffer_size(READ_BYTES)
            .build()
            .await?;
        let sent = self
            .client
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(self.upload_id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(body)
            .send()
            .await
            .map_err(|error| UploadError::Part { number, cause: CallError::new(&error) })?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32);
        Ok(Some(part.build()))
    }

    async fn complete(
        self,
        mut parts: Vec<CompletedPart>,
    ) -> Result<Option<CompletedPart>, UploadError> {
        parts.sort_by_key(CompletedPart::part_number);
        self.client
            .complete_multipart_upload()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(self.upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await
            .map_err(|error| UploadError::Complete(CallError::new(&error)))?;
        Ok(None)
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
pub(crate) mod tests;
