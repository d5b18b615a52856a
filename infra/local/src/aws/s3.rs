//! The S3 emulator: it stores objects in a folder, under a hash of their keys. It checks signatures
//! as AWS does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::credentials::Credentials;
use super::error::StartError;
use super::object_keys::ObjectKeys;
use super::object_list;
use super::response::Service;

/// Name of the folder under `--data` that contains the objects.
const FOLDER: &str = "objects";
/// Name of the folder under `--data` that contains the keys of the objects.
const KEYS_FOLDER: &str = "object-keys";

/// The running S3 emulator.
pub(crate) struct ObjectStore {
    service: S3Service,
}

/// The folders of the objects and of their keys. Temporary folders are removed when this value is
/// dropped.
pub(crate) struct Folder {
    root: PathBuf,
    keys: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// Opens the folders under `data`; with `None`, creates temporary folders.
    pub(crate) fn open(data: Option<&Path>) -> std::io::Result<Self> {
        let temporary = if data.is_none() { Some(tempfile::tempdir()?) } else { None };
        let parent =
            data.or(temporary.as_ref().map(tempfile::TempDir::path)).unwrap_or(Path::new("."));
        let (root, keys) = (parent.join(FOLDER), parent.join(KEYS_FOLDER));
        std::fs::create_dir_all(&root)?;
        std::fs::create_dir_all(&keys)?;
        Ok(Self { root, keys, _temporary: temporary })
    }
}

impl ObjectStore {
    /// Serves the objects in `folder` and creates the buckets that are missing.
    pub(crate) fn start(
        buckets: &[String],
        folder: &Folder,
        credentials: Credentials,
    ) -> Result<Self, StartError> {
        for bucket in buckets {
            std::fs::create_dir_all(folder.root.join(bucket))?;
        }
        let files =
            FileSystem::new(&folder.root).map_err(|error| StartError::S3(format!("{error:?}")))?;
        let objects = Objects {
            files,
            root: folder.root.clone(),
            keys: ObjectKeys::new(&folder.keys),
            uploads: Arc::default(),
        };
        let mut builder = S3ServiceBuilder::new(objects);
        builder.set_auth(Keys(credentials));
        builder.set_validation(KnownBuckets(buckets.to_vec()));
        Ok(Self { service: builder.build() })
    }

    /// Runs a call. Both the request body and the response body are streamed.
    pub(crate) async fn call(&self, request: Request<Body>) -> Response {
        match self.service.call(request.map(s3s::Body::http_body_unsync)).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::error!(?error, "the S3 emulator failed");
                Service::S3.failure(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// The logical ids of the buckets, which are accepted as bucket names although AWS forbids capital
/// letters in names.
struct KnownBuckets(Vec<String>);

impl NameValidation for KnownBuckets {
    fn validate_bucket_name(&self, name: &str) -> bool {
        self.0.iter().any(|bucket| bucket == name) || s3s::path::check_bucket_name(name)
    }
}

struct Keys(Credentials);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.secret(access_key).map(SecretKey::from).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}

/// The storage in the file system, with three changes: it stores an object under a hash of its key,
/// it can also list uploads, and an upload belongs to the bucket instead of the access key that
/// created it. The last change is needed because a function that cancels an export aborts the upload
/// of another function.
struct Objects {
    files: FileSystem,
    root: PathBuf,
    keys: ObjectKeys,
    uploads: Arc<Mutex<Vec<Upload>>>,
}

struct Upload {
    bucket: String,
    key: String,
    id: String,
    initiated: SystemTime,
}

impl Objects {
    fn uploads(&self) -> MutexGuard<'_, Vec<Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that an upload is in progress. For an upload that has ended, the file system would
    /// return a permission error, but AWS returns `NoSuchUpload`.
    fn check_upload(&self, id: &str) -> S3Result<()> {
        let known = uuid::Uuid::parse_str(id)
            .is_ok_and(|id| self.root.join(format!(".upload-{id}.json")).exists());
        if known { Ok(()) } else { Err(s3_error!(NoSuchUpload)) }
    }

    /// Returns all objects of a request's bucket with their keys.
    async fn all(&self, request: S3Request<ListObjectsV2Input>) -> S3Result<Vec<Object>> {
        let bucket = request.input.bucket.clone();
        let request = anonymous(request.map_input(|input| ListObjectsV2Input {
            bucket: input.bucket,
            max_keys: Some(i32::MAX),
            ..ListObjectsV2Input::default()
        }));
        let stored = self.files.list_objects_v2(request).await?.output.contents;
        let with_key = |mut object: Object| {
            object.key = Some(self.keys.key(&bucket, object.key.as_deref()?)?);
            Some(object)
        };
        Ok(stored.unwrap_or_default().into_iter().filter_map(with_key).collect())
    }

    fn keep_key(&self, bucket: &str, key: &str) -> S3Result<String> {
        self.keys.keep(bucket, key).map_err(|error| s3_error!(error, InternalError))
    }

    fn forget(&self, id: &str) {
        self.uploads().retain(|upload| upload.id != id);
    }
}

/// Removes the caller from a request, so that the file system does not compare the caller with the
/// creator of the upload.
fn anonymous<T>(mut request: S3Request<T>) -> S3Request<T> {
    request.credentials = None;
    request
}

/// Implements the named operations of the trait by forwarding them to the file system. This is a
/// macro because each method of the trait has its own types.
macro_rules! forward {
    (
        buckets { $($bucket_method:ident($bucket_input:ident) -> $bucket_output:ident;)* }
        objects { $($method:ident($input:ident) -> $output:ident;)* }
        uploads { $($upload_method:ident($upload_input:ident) -> $upload_output:ident;)* }
        $($rest:item)*
    ) => {
        #[async_trait::async_trait]
        impl S3 for Objects {
            $(async fn $bucket_method(
                &self,
                request: S3Request<$bucket_input>,
            ) -> S3Result<S3Response<$bucket_output>> {
                self.files.$bucket_method(anonymous(request)).await
            })*

            $(async fn $method(
                &self,
                mut request: S3Request<$input>,
            ) -> S3Result<S3Response<$output>> {
                request.input.key = ObjectKeys::name(&request.input.key);
                self.files.$method(anonymous(request)).await
            })*

            $(async fn $upload_method(
                &self,
                mut request: S3Request<$upload_input>,
            ) -> S3Result<S3Response<$upload_output>> {
                request.input.key = ObjectKeys::name(&request.input.key);
                self.check_upload(&request.input.upload_id)?;
                self.files.$upload_method(anonymous(request)).await
            })*

            $($rest)*
        }
    };
}

forward! {
    buckets {
        create_bucket(CreateBucketInput) -> CreateBucketOutput;
        delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
        head_bucket(HeadBucketInput) -> HeadBucketOutput;
        list_buckets(ListBucketsInput) -> ListBucketsOutput;
    }
    objects {
        get_object(GetObjectInput) -> GetObjectOutput;
        head_object(HeadObjectInput) -> HeadObjectOutput;
    }
    uploads {
        upload_part(UploadPartInput) -> UploadPartOutput;
    }

    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        request.input.key = self.keep_key(&request.input.bucket, &request.input.key)?;
        self.files.put_object(anonymous(request)).await
    }

    async fn copy_object(
        &self,
        mut request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        if let CopySource::Bucket { key, .. } = &mut request.input.copy_source {
            *key = ObjectKeys::name(key).into();
        }
        request.input.key = self.keep_key(&request.input.bucket, &request.input.key)?;
        self.files.copy_object(anonymous(request)).await
    }

    async fn delete_object(
        &self,
        mut request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        request.input.key = ObjectKeys::name(&key);
        let response = self.files.delete_object(anonymous(request)).await?;
        self.keys.forget(&bucket, &key);
        Ok(response)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input.clone();
        let all = self.all(request).await?;
        Ok(S3Response::new(object_list::page(input, all)))
    }

    async fn list_parts(
        &self,
        mut request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let key = request.input.key.clone();
        request.input.key = ObjectKeys::name(&key);
        self.check_upload(&request.input.upload_id)?;
        let mut response = self.files.list_parts(anonymous(request)).await?;
        response.output.key = Some(key);
        Ok(response)
    }

    async fn create_multipart_upload(
        &self,
        mut request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        request.input.key = ObjectKeys::name(&key);
        let mut response = self.files.create_multipart_upload(anonymous(request)).await?;
        response.output.key = Some(key.clone());
        if let Some(id) = response.output.upload_id.clone() {
            self.uploads().push(Upload { bucket, key, id, initiated: SystemTime::now() });
        }
        Ok(response)
    }

    async fn complete_multipart_upload(
        &self,
        mut request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (id, key) = (request.input.upload_id.clone(), request.input.key.clone());
        self.check_upload(&id)?;
        request.input.key = self.keep_key(&request.input.bucket, &key)?;
        let mut response = self.files.complete_multipart_upload(anonymous(request)).await?;
        response.output.key = Some(key);
        self.forget(&id);
        Ok(response)
    }

    async fn abort_multipart_upload(
        &self,
        mut request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        request.input.key = ObjectKeys::name(&request.input.key);
        let id = request.input.upload_id.clone();
        self.check_upload(&id)?;
        let response = self.files.abort_multipart_upload(anonymous(request)).await?;
        self.forget(&id);
        Ok(response)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let ListMultipartUploadsInput { bucket, prefix, .. } = request.input;
        let under = prefix.clone().unwrap_or_default();
        let uploads = self
            .uploads()
            .iter()
            .filter(|upload| upload.bucket == bucket && upload.key.starts_with(&under))
            .map(|upload| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(upload.id.clone()),
                initiated: Some(Timestamp::from(upload.initiated)),
                ..MultipartUpload::default()
            })
            .collect();
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(bucket),
            prefix,
            uploads: Some(uploads),
            is_truncated: Some(false),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}
