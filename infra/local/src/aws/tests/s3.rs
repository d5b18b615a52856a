use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::*;

const KEY: &str = "private/exports/co/job/1/Contacts, all.xlsx";
/// The smallest upload part that AWS accepts, in bytes. The last part may be smaller.
const PART: usize = 5 * 1024 * 1024;

async fn create_upload(s3: &aws_sdk_s3::Client) -> String {
    let created = s3.create_multipart_upload().bucket(BUCKET).key(KEY).send().await.unwrap();
    created.upload_id.unwrap()
}

#[tokio::test]
async fn an_object_is_read_as_it_was_written() {
    let cloud = Cloud::start().await;
    let s3 = cloud.s3();
    let body = ByteStream::from_static(b"hello");
    s3.put_object().bucket(BUCKET).key(KEY).body(body).send().await.unwrap();
    let object = s3.get_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"hello");
    s3.delete_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    let missing = s3.get_object().bucket(BUCKET).key(KEY).send().await.unwrap_err();
    assert!(missing.into_service_error().is_no_such_key());

    assert_eq!(cloud.cost().calls, 4);
    let usage = cloud.usage.snapshot();
    assert_eq!(usage[FUNCTION]["actions"]["s3.GetObject"]["calls"], 2);
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let cloud = Cloud::start().await;
    let s3 = cloud.s3();
    let id = create_upload(&s3).await;
    let mut parts = Vec::new();
    for (number, body) in [(1, vec![b'a'; PART]), (2, vec![b'b'; 10])] {
        let part = s3
            .upload_part()
            .bucket(BUCKET)
            .key(KEY)
            .upload_id(&id)
            .part_number(number)
            .body(body.into())
            .send()
            .await
            .unwrap();
        let part = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build();
        parts.push(part);
    }
    let listed = s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(listed.uploads()[0].upload_id(), Some(id.as_str()));
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    s3.complete_multipart_upload()
        .bucket(BUCKET)
        .key(KEY)
        .upload_id(&id)
        .multipart_upload(parts)
        .send()
        .await
        .unwrap();
    let head = s3.head_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    assert_eq!(head.content_length(), Some(i64::try_from(PART).unwrap() + 10));
    let listed = s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert!(listed.uploads().is_empty());
}

#[tokio::test]
async fn another_function_may_abort_an_upload_which_then_no_longer_exists() {
    let cloud = Cloud::start().await;
    let id = create_upload(&cloud.s3()).await;
    let other = cloud.s3_as(&cloud.credentials.issue("ExportRead"));
    let abort = || other.abort_multipart_upload().bucket(BUCKET).key(KEY).upload_id(&id).send();
    abort().await.unwrap();
    let again = abort().await.unwrap_err().into_service_error();
    assert_eq!(again.meta().code(), Some("NoSuchUpload"));
    let part = cloud
        .s3()
        .upload_part()
        .bucket(BUCKET)
        .key(KEY)
        .upload_id(&id)
        .part_number(1)
        .body(ByteStream::from_static(b"late"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(part.into_service_error().meta().code(), Some("NoSuchUpload"));
    let listed = other.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert!(listed.uploads().is_empty());
}

#[tokio::test]
async fn a_presigned_url_works_without_credentials_unless_it_was_changed() {
    let cloud = Cloud::start().await;
    let s3 = cloud.s3();
    let body = ByteStream::from_static(b"file");
    s3.put_object().bucket(BUCKET).key(KEY).body(body).send().await.unwrap();
    let presigned = s3
        .get_object()
        .bucket(BUCKET)
        .key(KEY)
        .response_content_disposition("attachment; filename=\"x.xlsx\"")
        .presigned(PresigningConfig::expires_in(Duration::from_secs(600)).unwrap())
        .await
        .unwrap();
    let response = crate::testing::client().get(presigned.uri()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"x.xlsx\"");
    assert_eq!(response.bytes().await.unwrap().as_ref(), b"file");

    let tampered = presigned.uri().replace("job", "bob");
    assert_eq!(crate::testing::client().get(tampered).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn keys_of_any_length_and_script_are_stored_listed_and_deleted() {
    let cloud = Cloud::start().await;
    let s3 = cloud.s3();
    let long = |letter: &str| {
        let name = letter.repeat(180 / letter.len());
        format!("private/exports/{}/{}/1/{name}.xlsx", "c".repeat(36), "j".repeat(36))
    };
    let mut keys = vec![long("a"), long("ж"), long("客"), long("ت"), "a".into(), "a/b".into()];
    for key in &keys {
        let body = ByteStream::from(key.clone().into_bytes());
        s3.put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
    }
    keys.sort_unstable();
    let listed = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let listed: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(listed, keys);
    let page = s3.list_objects_v2().bucket(BUCKET).prefix("private/").max_keys(3).send();
    let page = page.await.unwrap();
    assert_eq!((page.contents().len(), page.is_truncated()), (3, Some(true)));
    for key in &keys {
        let object = s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(object.body.collect().await.unwrap().to_vec(), key.as_bytes());
        s3.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    let listed = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert!(listed.contents().is_empty());
}
