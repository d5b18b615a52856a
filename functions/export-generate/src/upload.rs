//! An S3 multipart upload that is fed while the file is written.
//!
//! Every file goes this way, small ones too, so that the job can name its upload from the start
//! and whoever takes the job over can abort it.

use std::io;
use std::mem;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadError;
use aws_sdk_s3::operation::upload_part::UploadPartError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use shared::export::{FilesError, abort_upload};
use tokio::io::AsyncReadExt;
use tokio::task::{JoinError, JoinSet};

/// Size of every part but the last, in bytes. S3 takes 10,000 parts, so 80 GiB in all.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts on their way at the same time; one more is being filled, so an upload holds at most
/// four in memory.
pub const PARTS_IN_FLIGHT: usize = 3;

/// An upload that failed. S3's own retries are over by then.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The upload could not be started.
    #[error("the upload could not be started")]
    Begin(#[source] Box<SdkError<CreateMultipartUploadError>>),
    /// S3 started an upload and did not say which.
    #[error("S3 gave the upload no id")]
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
    /// S3 did not put the parts together.
    #[error("the upload could not be completed")]
    Complete(#[source] Box<SdkError<CompleteMultipartUploadError>>),
    /// The upload could not be aborted; the bucket's lifecycle will.
    #[error("the upload could not be aborted")]
    Abort(#[from] FilesError),
}

/// An upload under way. Dropping it stops the parts in flight and leaves the upload in S3:
/// end it with [`Upload::complete`] or [`Upload::abort`].
#[derive(Debug)]
pub struct Upload {
    place: Place,
    pending: BytesMut,
    in_flight: JoinSet<Result<CompletedPart, UploadError>>,
    parts: Vec<CompletedPart>,
    next_number: i32,
    size: u64,
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
            pending: BytesMut::new(),
            in_flight: JoinSet::new(),
            parts: Vec::new(),
            next_number: 1,
            size: 0,
        })
    }

    /// The id under which S3 knows the upload.
    pub fn upload_id(&self) -> &str {
        &self.place.upload_id
    }

    /// Adds to the file. Returns once the bytes are held or on their way; with
    /// [`PARTS_IN_FLIGHT`] parts under way that means after one of them has arrived.
    ///
    /// # Errors
    /// A part's, perhaps an earlier one's. The upload can then only be aborted.
    pub async fn push(&mut self, mut bytes: Bytes) -> Result<(), UploadError> {
        while !bytes.is_empty() {
            let room = PART_BYTES - self.pending.len();
            self.pending.reserve(room);
            let piece = bytes.split_to(room.min(bytes.len()));
            self.pending.extend_from_slice(&piece);
            if self.pending.len() == PART_BYTES {
                self.send_pending().await?;
            }
        }
        Ok(())
    }

    /// Adds a whole file from disk, part by part.
    ///
    /// # Errors
    /// As [`Upload::push`], or [`UploadError::Read`].
    pub async fn push_file(&mut self, path: &Path) -> Result<(), UploadError> {
        let mut file = tokio::fs::File::open(path).await?;
        loop {
            let room = PART_BYTES - self.pending.len();
            self.pending.reserve(room);
            let room = u64::try_from(room).unwrap_or(u64::MAX);
            let read = (&mut file).take(room).read_buf(&mut self.pending).await?;
            if read == 0 {
                return Ok(());
            }
            if self.pending.len() == PART_BYTES {
                self.send_pending().await?;
            }
        }
    }

    /// Sends the rest, waits for all parts and makes them an object. Returns its size in bytes.
    ///
    /// # Errors
    /// A part's, or [`UploadError::Complete`]. The upload can then only be aborted.
    pub async fn complete(&mut self) -> Result<u64, UploadError> {
        // S3 wants at least one part, even of an empty file.
        if !self.pending.is_empty() || self.next_number == 1 {
            self.send_pending().await?;
        }
        while let Some(part) = self.in_flight.join_next().await {
            self.parts.push(part??);
        }
        self.parts.sort_by_key(|part| part.part_number);
        let parts =
            CompletedMultipartUpload::builder().set_parts(Some(mem::take(&mut self.parts))).build();
        self.place
            .client
            .complete_multipart_upload()
            .bucket(&self.place.bucket)
            .key(&self.place.key)
            .upload_id(&self.place.upload_id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| UploadError::Complete(Box::new(error)))?;
        Ok(self.size)
    }

    /// Takes everything back. Waits for the parts in flight first: one that arrived after the
    /// abort would stay in the bucket.
    ///
    /// # Errors
    /// [`UploadError::Abort`].
    pub async fn abort(mut self) -> Result<(), UploadError> {
        while self.in_flight.join_next().await.is_some() {}
        let Place { client, bucket, key, upload_id } = &self.place;
        Ok(abort_upload(client, bucket, key, upload_id).await?)
    }

    async fn send_pending(&mut self) -> Result<(), UploadError> {
        while self.in_flight.len() >= PARTS_IN_FLIGHT {
            if let Some(part) = self.in_flight.join_next().await {
                self.parts.push(part??);
            }
        }
        let body = self.pending.split().freeze();
        let number = self.next_number;
        self.next_number += 1;
        self.size += u64::try_from(body.len()).unwrap_or(u64::MAX);
        self.in_flight.spawn(self.place.clone().send_part(number, body));
        Ok(())
    }
}

impl Place {
    async fn send_part(self, number: i32, body: Bytes) -> Result<CompletedPart, UploadError> {
        let sent = self
            .client
            .upload_part()
            .bucket(self.bucket)
            .key(self.key)
            .upload_id(self.upload_id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(|error| UploadError::Part { number, source: Box::new(error) })?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_crc32(sent.checksum_crc32)
            .build())
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
pub(crate) mod tests;
