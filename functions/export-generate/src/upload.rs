//! An S3 multipart upload of a file on disk. Parts are read as they are sent, and again where S3
//! wants them again: none is ever in memory as a whole.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadError;
use aws_sdk_s3::operation::upload_part::UploadPartError;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use shared::export::{FilesError, abort_upload};
use tokio::task::{JoinError, JoinSet};

/// Size of every part but the last, in bytes. S3 takes 10,000 parts, so 80 GiB in all.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts on their way at the same time.
pub const PARTS_IN_FLIGHT: usize = 4;

/// What is read of a part at a time, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// An upload that failed. S3's own retries are over by then.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The upload could not be started.
    #[error("the upload could not be started")]
    Begin(#[source] Box<SdkError<CreateMultipartUploadError>>),
    /// S3 started an upload and did not say which.
    #[error("S3 returned no upload id")]
    NoUploadId,
    /// A part was not taken.
    #[error("part {number} could not be uploaded")]
    Part {
        /// The part, from 1.
        number: i32,
        /// S3's answer.
        #[source]
        source: Box<SdkError<UploadPartError>>,
    },
    /// The task that sent a part ended early.
    #[error("an upload task ended early")]
    Task(#[from] JoinError),
    /// The finished file could not be read.
    #[error("the finished file could not be read")]
    Read(#[from] io::Error),
    /// A part of the finished file could not be read.
    #[error("a part of the finished file could not be read")]
    ReadPart(#[from] ByteStreamError),
    /// S3 did not put the parts together.
    #[error("the upload could not be completed")]
    Complete(#[source] Box<SdkError<CompleteMultipartUploadError>>),
    /// The upload could not be aborted; the bucket's lifecycle will.
    #[error("the upload could not be aborted")]
    Abort(#[from] FilesError),
}

/// An upload under way. Dropping it stops the parts in flight and leaves the upload in S3:
/// end it with [`Upload::send`] or [`Upload::abort`].
#[derive(Debug)]
pub struct Upload {
    place: Place,
    // Parts, and at the end what makes them an object: tasks, so that whoever stops waiting for
    // them can still see them end.
    in_flight: JoinSet<Result<Option<CompletedPart>, UploadError>>,
    parts: Vec<CompletedPart>,
}

/// A piece of a file on disk.
#[derive(Debug)]
struct Piece {
    number: i32,
    path: PathBuf,
    offset: u64,
    length: u64,
}

#[derive(Debug, Clone)]
struct Place {
    client: Client,
    bucket: String,
    key: String,
    upload_id: String,
}

impl Upload {
    /// Starts an upload to this key.
    ///
    /// # Errors
    /// [`UploadError::Begin`].
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
            .map_err(|error| UploadError::Begin(Box::new(error)))?;
        let upload_id = created.upload_id.ok_or(UploadError::NoUploadId)?;
        Ok(Self {
            place: Place {
                client: client.clone(),
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                upload_id,
            },
            in_flight: JoinSet::new(),
            parts: Vec::new(),
        })
    }

    /// Sends a whole file and makes it an object. Returns its size in bytes.
    ///
    /// # Errors
    /// A part's, the file's, or [`UploadError::Complete`]. The upload can then only be aborted.
    pub async fn send(&mut self, path: &Path) -> Result<u64, UploadError> {
        let size = tokio::fs::metadata(path).await?.len();
        let mut offset = 0;
        for number in 1.. {
            while self.in_flight.len() >= PARTS_IN_FLIGHT {
                self.arrived().await?;
            }
            let length = PART_BYTES.min(size - offset);
            let piece = Piece { number, path: path.to_owned(), offset, length };
            self.in_flight.spawn(self.place.clone().send_part(piece));
            offset += length;
            // S3 wants at least one part, even of an empty file.
            if offset == size {
                break;
            }
        }
        while !self.in_flight.is_empty() {
            self.arrived().await?;
        }
        let parts = mem::take(&mut self.parts);
        self.in_flight.spawn(self.place.clone().complete(parts));
        self.arrived().await?;
        Ok(size)
    }

    /// Waits for whatever arrives first.
    async fn arrived(&mut self) -> Result<(), UploadError> {
        if let Some(part) = self.in_flight.join_next().await {
            self.parts.extend(part??);
        }
        Ok(())
    }

    /// Takes the parts back. Waits for what is in flight first: a part that arrived after the abort
    /// would stay in the bucket. What was being completed may be an object then.
    ///
    /// # Errors
    /// [`UploadError::Abort`].
    pub async fn abort(mut self) -> Result<(), UploadError> {
        while self.in_flight.join_next().await.is_some() {}
        let Place { client, bucket, key, upload_id } = &self.place;
        Ok(abort_upload(client, bucket, key, upload_id).await?)
    }
}

impl Place {
    async fn send_part(self, piece: Piece) -> Result<Option<CompletedPart>, UploadError> {
        let Piece { number, path, offset, length } = piece;
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
            .map_err(|error| UploadError::Part { number, source: Box::new(error) })?;
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
            .map_err(|error| UploadError::Complete(Box::new(error)))?;
        Ok(None)
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
pub(crate) mod tests;
