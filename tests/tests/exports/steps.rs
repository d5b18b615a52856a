//! The steps of an export, as the tests take them.

use http::Method;
use serde_json::{Value, json};
use tests::{Answer, World};

/// A body of `POST /cdp/exports` for everything that the requester's list shows.
pub(crate) fn order(format: &str) -> Value {
    json!({
        "format": format, "selection": { "filter": {} }, "fields": super::file::FIELDS,
        "file_name": "contacts", "time_zone": "Asia/Jakarta", "locale": "en",
    })
}

/// Asks for an export and returns its id.
pub(crate) async fn requested(world: &World, user: &str, body: &Value) -> String {
    let answer = world.post(user, "/cdp/exports", body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.data()["id"].as_str().unwrap().to_owned()
}

/// Asks for an export, has it made and told, and returns its id.
pub(crate) async fn completed(world: &World, user: &str, body: &Value) -> String {
    let job = requested(world, user, body).await;
    world.work().await;
    let view = view(world, user, &job).await;
    assert_eq!(view["status"], "completed", "{view}");
    job
}

/// The job as its owner sees it.
pub(crate) async fn view(world: &World, user: &str, job: &str) -> Value {
    let answer = world.get(user, &format!("/cdp/exports/{job}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.data().clone()
}

/// Calls a job off.
pub(crate) async fn cancel(world: &World, user: &str, job: &str) -> Answer {
    world.call(user, Method::DELETE, &format!("/cdp/exports/{job}"), None).await
}

/// Hands a job's message to a worker for the `count`th time, and tells whether it is done with it.
pub(crate) async fn deliver(
    world: &World,
    function: &str,
    user: &str,
    job: &str,
    count: u32,
) -> bool {
    let answer = world.invoke(function, message(world, user, job, count)).await;
    answer["batchItemFailures"].as_array().unwrap().is_empty()
}

/// Hands a job's message to a worker whom a `kill` fault ends.
pub(crate) async fn dies(world: &World, function: &str, user: &str, job: &str, count: u32) {
    let event = message(world, user, job, count);
    let answer = world.invoke_until_killed(function, event).await;
    assert!(answer.is_none(), "the worker lives: {answer:?}");
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

/// That a job ended as one that nothing went wrong with: one file, no remains, told once over each
/// channel.
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

/// That nothing of a job is left in the bucket.
pub(crate) async fn assert_no_remains(world: &World, case: &str) {
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

/// The path of the capability link in the newest mail.
pub(crate) fn link(world: &World) -> String {
    let mails = world.aws.mailbox().list();
    let text = mails.last().unwrap().text.clone().unwrap();
    let at = text.find(tests::PUBLIC_URL).unwrap() + tests::PUBLIC_URL.len();
    text[at..].split_whitespace().next().unwrap().to_owned()
}
