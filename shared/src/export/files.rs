//! The objects of export jobs: the selected ids, the files, and what is left of attempts.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use jiff::Timestamp;

use super::{Job, Selection, content_disposition};
use crate::{aws, id::ContactId};

/// How long a download's address works, once it was asked for.
const DOWNLOAD_TIME: Duration = Duration::from_secs(600);

/// The bucket's trouble. It names no key, which holds words of people.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The bucket did not do what it was asked.
    #[error("{call} failed: {reason}")]
    Bucket {
        /// The call.
        call: &'static str,
        /// S3's code, or how the call ended without one.
        reason: String,
    },
    /// The object of the selected ids does not have its shape.
    #[error("could not parse the selected ids")]
    Ids(#[source] serde_json::Error),
}

/// The bucket of exports.
#[derive(Clone, Debug)]
pub struct Files {
    client: Client,
    bucket: String,
}

fn failed_call<E, R>(call: &'static str, error: &SdkError<E, R>) -> FilesError
where
    E: ProvideErrorMetadata,
{
    FilesError::Bucket { call, reason: aws::reason(error) }
}

impl Files {
    /// The files in this bucket.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    /// The bucket's client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Keeps a job's selected ids.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn put_ids(&self, job: &Job, ids: &[ContactId]) -> Result<(), FilesError> {
        let body = serde_json::to_vec(ids).map_err(FilesError::Ids)?;
        let put = self.client.put_object().bucket(&self.bucket).key(job.ids_key());
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        sent.map_err(|error| failed_call("PutObject", &error))?;
        Ok(())
    }

    /// The ids that a job's requester selected.
    ///
    /// # Errors
    /// The bucket's, or [`FilesError::Ids`].
    pub async fn ids(&self, job: &Job) -> Result<Vec<ContactId>, FilesError> {
        serde_json::from_slice(&self.read(&job.ids_key()).await?).map_err(FilesError::Ids)
    }

    /// A whole object, for the few that are small.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>, FilesError> {
        let got = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = got.map_err(|error| failed_call("GetObject", &error))?;
        let bytes = object.body.collect().await.map_err(|_| FilesError::Bucket {
            call: "GetObject",
            reason: "the body ended early".to_owned(),
        })?;
        Ok(bytes.to_vec())
    }

    /// An address under which the file can be had for ten minutes, and no longer than the file's
    /// 48 hours; `None` when it cannot be had any more.
    ///
    /// # Errors
    /// When no address can be signed.
    pub async fn download_url(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<Option<String>, FilesError> {
        let left = job.available_until(now).map(|until| until.duration_since(now).unsigned_abs());
        let Some(left) = left.filter(|left| left.as_secs() > 0) else { return Ok(None) };
        let refused = |reason: String| FilesError::Bucket { call: "presigning", reason };
        let time = PresigningConfig::expires_in(left.min(DOWNLOAD_TIME))
            .map_err(|error| refused(error.to_string()))?;
        let get = self.client.get_object().bucket(&self.bucket).key(job.object_key());
        let signed = get
            .response_content_disposition(content_disposition(&job.file_name))
            .response_content_type(job.format.content_type())
            .presigned(time)
            .await
            .map_err(|error| failed_call("presigning", &error))?;
        Ok(Some(signed.uri().to_owned()))
    }

    /// Takes away whatever a job that is over may have left: unfinished uploads, the objects of all
    /// attempts, the selected ids. Doing so twice is harmless.
    ///
    /// # Errors
    /// The bucket's; the rest then stands until it is done again.
    pub async fn purge(&self, job: &Job) -> Result<(), FilesError> {
        self.discard_attempts(job, job.attempt).await?;
        match job.selection {
            Selection::Ids { .. } => self.delete(&job.ids_key()).await,
            Selection::Filter(_) => Ok(()),
        }
    }

    /// Takes away what the attempts up to this one may have left. The bucket itself is asked which
    /// uploads there are: one whose worker died before it could tell anybody is found too, and
    /// those of later attempts are not touched.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn discard_attempts(&self, job: &Job, up_to: u32) -> Result<(), FilesError> {
        if up_to == 0 {
            return Ok(());
        }
        let keys: Vec<_> = (1..=up_to).map(|attempt| job.object_key_of(attempt)).collect();
        for (key, upload_id) in self.uploads(job).await? {
            if keys.contains(&key) {
                abort_upload(&self.client, &self.bucket, &key, &upload_id).await?;
            }
        }
        // An upload that was completed just before it could be aborted is an object by now.
        for key in &keys {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// The unfinished uploads of a job, by key and id. One page holds more than a job can have.
    async fn uploads(&self, job: &Job) -> Result<Vec<(String, String)>, FilesError> {
        let list = self.client.list_multipart_uploads().bucket(&self.bucket);
        let listed = list.prefix(format!("{}/", job.prefix())).send().await;
        let listed = listed.map_err(|error| failed_call("ListMultipartUploads", &error))?;
        let uploads = listed.uploads.unwrap_or_default().into_iter();
        Ok(uploads.filter_map(|upload| Some((upload.key?, upload.upload_id?))).collect())
    }

    /// Takes one object away.
    ///
    /// # Errors
    /// The bucket's; that there is none is no error.
    pub async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            Err(error) => Err(failed_call("DeleteObject", &error)),
        }
    }
}

/// Aborts an upload by its id. One that is gone already is no error.
///
/// # Errors
/// The bucket's.
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
        Err(error) => Err(failed_call("AbortMultipartUpload", &error)),
    }
}
