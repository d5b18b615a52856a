//! Functions that the export tests use for the steps of an export.

use http::Method;
use serde_json::{Value, json};
use tests::{Response, World};

/// The body of `POST /cdp/exports` for all contacts in the requester's list.
pub(crate) fn order(format: &str) -> Value {
    json!({
        "format": format, "selection": { "filter": {} }, "fields": super::file::FIELDS,
        "file_name": "contacts", "time_zone": "Asia/Jakarta", "locale": "en",
    })
}

/// Requests an export and returns its id.
pub(crate) async fn requested(world: &World, user: &str, body: &Value) -> String {
    let response = world.post(user, "/cdp/exports", body).await;
    assert_eq!(response.status, 202, "{}", response.body);
    response.data()["id"].as_str().unwrap().to_owned()
}

/// Requests an export, processes it until it is delivered, and returns its id.
pub(crate) async fn completed(world: &World, user: &str, body: &Value) -> String {
    let job = requested(world, user, body).await;
    world.process_queues().await;
    let view = view(world, user, &job).await;
    assert_eq!(view["status"], "completed", "{view}");
    job
}

/// The job as its owner receives it from the API.
pub(crate) async fn view(world: &World, user: &str, job: &str) -> Value {
    let response = world.get(user, &format!("/cdp/exports/{job}")).await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.data().clone()
}

/// Cancels a job.
pub(crate) async fn cancel(world: &World, user: &str, job: &str) -> Response {
    world.call(user, Method::DELETE, &format!("/cdp/exports/{job}"), None).await
}

/// Delivers a job's message to a worker as delivery number `count`, and returns whether the worker
/// processed the message successfully.
pub(crate) async fn deliver(
    world: &World,
    function: &str,
    user: &str,
    job: &str,
    count: u32,
) -> bool {
    let response = world.invoke(function, message(world, user, job, count)).await;
    response["batchItemFailures"].as_array().unwrap().is_empty()
}

/// Delivers a job's message to a worker whose process a `kill` fault ends.
pub(crate) async fn deliver_until_killed(
    world: &World,
    function: &str,
    user: &str,
    job: &str,
    count: u32,
) {
    let event = message(world, user, job, count);
    let response = world.invoke_until_killed(function, event).await;
    assert!(response.is_none(), "the worker was not killed: {response:?}");
}

fn message(world: &World, user: &str, job: &str, count: u32) -> Value {
    let person = world.directory.find(user).unwrap();
    let at = json!({ "company": person.company_sso_id, "user": person.sso_id, "job": job });
    json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none",
        "body": json!({ "body": at }).to_string(),
        "attributes": { "ApproximateReceiveCount": count.to_string() },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] })
}

/// The keys of all unfinished uploads in the bucket.
pub(crate) async fn uploads(world: &World) -> Vec<String> {
    let files = world.files().await;
    let listed = files.client().list_multipart_uploads().bucket(files.bucket()).send().await;
    let uploads = listed.unwrap().uploads.unwrap_or_default().into_iter();
    uploads.filter_map(|upload| upload.key).collect()
}

/// Asserts that a job ended as if there had been no fault: there is one file, nothing unfinished is
/// left, and one message was sent over each channel.
pub(crate) async fn assert_one_of_each(world: &World, user: &str, job: &str, case: &str) {
    let view = view(world, user, job).await;
    assert_eq!(
        (&view["status"], &view["email_status"]),
        (&json!("completed"), &json!("sent")),
        "{case}"
    );
    let keys = objects(world).await;
    let files = keys.iter().filter(|key| !key.ends_with("ids.json")).count();
    assert_eq!(files, 1, "{case}: {keys:?}");
    assert_eq!(uploads(world).await, Vec::<String>::new(), "{case}");
    assert_eq!(world.aws.mailbox().list().len(), 1, "{case}");
    let notifications = world.notifications.list();
    assert_eq!((notifications.len(), notifications[0].duplicates), (1, 0), "{case}");
}

/// Asserts that the bucket contains no object and no unfinished upload.
pub(crate) async fn assert_no_leftovers(world: &World, case: &str) {
    assert_eq!(objects(world).await, Vec::<String>::new(), "{case}");
    assert_eq!(uploads(world).await, Vec::<String>::new(), "{case}");
}

/// The keys of all objects in the bucket.
pub(crate) async fn objects(world: &World) -> Vec<String> {
    let files = world.files().await;
    let listed = files.client().list_objects_v2().bucket(files.bucket()).send().await.unwrap();
    let contents = listed.contents.unwrap_or_default().into_iter();
    contents.filter_map(|object| object.key).collect()
}

/// The path of the download link in the newest email.
pub(crate) fn link(world: &World) -> String {
    let mails = world.aws.mailbox().list();
    let text = mails.last().unwrap().text.clone().unwrap();
    let at = text.find(tests::PUBLIC_URL).unwrap() + tests::PUBLIC_URL.len();
    text[at..].split_whitespace().next().unwrap().to_owned()
}
