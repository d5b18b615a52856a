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
    let person = world.directory.find(user).unwrap();
    let at = json!({ "company": person.company_sso_id, "user": person.sso_id, "job": job });
    let event = json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none",
        "body": json!({ "body": at }).to_string(),
        "attributes": { "ApproximateReceiveCount": count.to_string() },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] });
    let answer = world.invoke(function, event).await;
    answer["batchItemFailures"].as_array().unwrap().is_empty()
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
