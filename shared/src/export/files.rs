//! The objects of export jobs in the bucket: selected contact ids, files and unfinished uploads.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{disposition::content_disposition, job::Job, order::Selection};
use crate::{aws::CallError, id::ContactId};

/// The time for which a download URL is valid.
const DOWNLOAD_TIME: Duration = Duration::from_secs(600);

/// An error of the bucket. It never contains an object key, because a key contains a file name.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A call to S3 failed.
    #[error("{call} failed")]
    Bucket {
        /// The name of the S3 action.
        call: &'static str,
        /// Why the call failed.
        #[source]
        cause: CallError,
    },
    /// The download URL could not be signed.
    #[error("could not sign a download URL")]
    Presigning(#[source] CallError),
    /// The object with the selected ids or the filter could not be read or written as JSON. The message of the
    /// JSON parser is not included, because it may quote a value.
    #[error("invalid JSON in the selection: {:?} error at line {}, column {}", .0.classify(), .0.line(), .0.column())]
    Selection(serde_json::Error),
}

/// The bucket of exports. A clone shares the client.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
}

/// Returns a function that converts the error of a failed call into a [`FilesError`]. `call` is the
/// name of the S3 action.
fn failed(call: &'static str) -> impl Fn(CallError) -> FilesError {
    move |cause| FilesError::Bucket { call, cause }
}

impl Files {
    /// Creates the client for the bucket with this name.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// The S3 client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Stores the ids of the contacts that the user selected for a job.
    pub async fn put_ids(&self, job: &Job, ids: &[ContactId]) -> Result<(), FilesError> {
        self.put_json(job.ids_key(), ids).await
    }

    /// Stores the whole filter of a job whose item does not contain the filter's texts.
    pub async fn put_filter(&self, job: &Job, selection: &Selection) -> Result<(), FilesError> {
        self.put_json(job.filter_key(), selection).await
    }

    async fn put_json<T: Serialize + ?Sized>(
        &self,
        key: String,
        value: &T,
    ) -> Result<(), FilesError> {
        let body = serde_json::to_vec(value).map_err(FilesError::Selection)?;
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        sent.map_err(|error| CallError::new(&error)).map_err(failed("PutObject"))?;
        Ok(())
    }

    /// Returns what the user selected for a job, with the texts of the filter.
    pub async fn selection(&self, job: &Job) -> Result<Selection, FilesError> {
        if job.filter_texts.is_empty() {
            return Ok(job.selection.clone());
        }
        serde_json::from_slice(&self.read(&job.filter_key()).await?).map_err(FilesError::Selection)
    }

    /// Reads the ids of the contacts that the user selected for a job.
    pub async fn ids(&self, job: &Job) -> Result<Vec<ContactId>, FilesError> {
        serde_json::from_slice(&self.read(&job.ids_key()).await?).map_err(FilesError::Selection)
    }

    /// Reads a whole object into memory. Use it only for small objects.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>, FilesError> {
        let got = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = got.map_err(|error| CallError::new(&error)).map_err(failed("GetObject"))?;
        let bytes = object.body.collect().await;
        let bytes = bytes.map_err(|error| CallError::body(&error)).map_err(failed("GetObject"))?;
        Ok(bytes.to_vec())
    }

    /// Creates a signed URL from which the file can be downloaded. The URL is valid for ten
    /// minutes, but at most until the file expires. `None` if the file can no longer be downloaded.
    pub async fn download_url(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<Option<String>, FilesError> {
        let Some(time) = download_time(job, now)? else { return Ok(None) };
        let get = self.client.get_object().bucket(&self.bucket).key(job.object_key());
        let signed = get
            .response_content_disposition(content_disposition(&job.file_name))
            .response_content_type(job.format.content_type())
            .presigned(time)
            .await;
        signed_url(signed)
    }

    /// Like [`Files::download_url`], for a `HEAD` request. A signature includes the method, so the
    /// URL for a download does not work for it.
    pub async fn head_url(&self, job: &Job, now: Timestamp) -> Result<Option<String>, FilesError> {
        let Some(time) = download_time(job, now)? else { return Ok(None) };
        let head = self.client.head_object().bucket(&self.bucket).key(job.object_key());
        let signed = head
            .response_content_disposition(content_disposition(&job.file_name))
            .response_content_type(job.format.content_type())
            .presigned(time)
            .await;
        signed_url(signed)
    }

    /// Deletes everything that an ended job may have left in the bucket: unfinished uploads, the
    /// files of all attempts, and the selected ids or the filter. It is safe to call this again.
    ///
    /// # Errors
    /// [`FilesError::Bucket`]. The remaining objects stay until this is called again.
    pub async fn purge(&self, job: &Job) -> Result<(), FilesError> {
        self.discard_attempts(job, job.attempt).await?;
        self.delete_selection(job).await
    }

    /// Deletes the object with the selected ids or the filter of a job, if it has one.
    pub async fn delete_selection(&self, job: &Job) -> Result<(), FilesError> {
        match job.selection {
            Selection::Ids { .. } => self.delete(&job.ids_key()).await,
            Selection::Filter(_) if job.filter_texts.is_empty() => Ok(()),
            Selection::Filter(_) => self.delete(&job.filter_key()).await,
        }
    }

    /// Deletes everything that the attempts up to number `up_to` may have left in the bucket. The
    /// unfinished uploads are listed from S3, so that this also finds an upload whose worker died
    /// before it recorded anything. Uploads of later attempts are not changed.
    pub async fn discard_attempts(&self, job: &Job, up_to: u32) -> Result<(), FilesError> {
        if up_to == 0 {
            return Ok(());
        }
        let keys: Vec<_> = (1..=up_to).map(|attempt| job.object_key_of_attempt(attempt)).collect();
        for (key, upload_id) in self.uploads(job).await? {
            if keys.contains(&key) {
                abort_upload(&self.client, &self.bucket, &key, &upload_id).await?;
            }
        }
        // An upload that was completed just before the abort is an object now.
        for key in &keys {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// The object keys and upload ids of a job's unfinished uploads. One page is enough, because it
    /// can have 1,000 uploads and a job has fewer.
    async fn uploads(&self, job: &Job) -> Result<Vec<(String, String)>, FilesError> {
        let list = self.client.list_multipart_uploads().bucket(&self.bucket);
        let listed = list.prefix(format!("{}/", job.prefix())).send().await;
        let listed = listed
            .map_err(|error| CallError::new(&error))
            .map_err(failed("ListMultipartUploads"))?;
        let uploads = listed.uploads.unwrap_or_default().into_iter();
        Ok(uploads.filter_map(|upload| Some((upload.key?, upload.upload_id?))).collect())
    }

    /// Deletes an object. If the object does not exist, this is not an error.
    pub async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(failed("DeleteObject")(CallError::new(&error))),
        }
    }
}

/// The validity of a download URL; `None` if the file can no longer be downloaded.
fn download_time(job: &Job, now: Timestamp) -> Result<Option<PresigningConfig>, FilesError> {
    let left = job.available_until(now).map(|until| until.duration_since(now).unsigned_abs());
    let Some(left) = left.filter(|left| left.as_secs() > 0) else { return Ok(None) };
    let time = PresigningConfig::expires_in(left.min(DOWNLOAD_TIME));
    let failed = |error| FilesError::Presigning(CallError::response(format!("{error}")));
    time.map(Some).map_err(failed)
}

/// The URL of a presigned request.
fn signed_url<E>(
    signed: Result<PresignedRequest, SdkError<E>>,
) -> Result<Option<String>, FilesError>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let signed = signed.map_err(|error| FilesError::Presigning(CallError::new(&error)))?;
    Ok(Some(signed.uri().to_owned()))
}

/// Aborts an upload. If the upload does not exist, this is not an error.
pub async fn abort_upload(
    client: &Client,
    bucket: &str,
    key: &str,
    upload_id: &str,
) -> Result<(), FilesError> {
    let aborted =
        client.abort_multipart_upload().bucket(bucket).key(key).upload_id(upload_id).send().await;
    match aborted {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
        Err(error) => Err(failed("AbortMultipartUpload")(CallError::new(&error))),
    }
}
