//! The list of requests with the invocations that they caused, in the running local cloud with real
//! function processes.

use std::time::Duration;

use local::{
    LocalCloud, Options,
    client::Client,
    record::{MAX_REQUESTS, Requests},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::workspace;

/// Longest wait for the invocations that a request causes.
const LIMIT: Duration = Duration::from_mins(1);

async fn requests(client: &Client, query: &str) -> Vec<Value> {
    let path = format!("/_local/requests{query}");
    let listed = client.fetch(Method::GET, &path, None).await.unwrap();
    listed["data"].as_array().unwrap().clone()
}

/// The functions of the invocations of a request with their sources.
fn functions(request: &Value) -> Vec<[&str; 2]> {
    let invocations = request["invocations"].as_array().unwrap().iter();
    let names = ["function", "source"];
    invocations.map(|one| names.map(|field| one[field].as_str().unwrap())).collect()
}

/// Waits until the newest request with this method and path has this many invocations.
async fn caused(cloud: &LocalCloud, client: &Client, path: &str, count: usize) -> Value {
    let newest = |listed: Vec<Value>| {
        listed.into_iter().find(|one| one["method"] == "POST" && one["path"] == path)
    };
    let has_caused = |requests: &Requests| {
        newest(requests.list(None, MAX_REQUESTS))
            .is_some_and(|one| one["invocations"].as_array().unwrap().len() >= count)
    };
    let wait = cloud.requests().wait_until(has_caused);
    let ended = tokio::time::timeout(LIMIT, wait).await;
    ended.unwrap_or_else(|_| panic!("POST {path} did not cause {count} invocations"));
    newest(requests(client, "?limit=200").await).unwrap()
}

async fn a_mention_lists_the_notification_that_it_caused(
    cloud: &LocalCloud,
    client: &Client,
    users: &Value,
) {
    let contacts = client.fetch(Method::GET, "/cdp/customers?limit=1", None).await.unwrap();
    let path = format!("/v1/contacts/{}/notes", contacts["data"][0]["id"].as_str().unwrap());
    let id = |handle: &str| {
        let mut users = users["data"].as_array().unwrap().iter();
        users.find(|user| user["handle"] == handle).unwrap()["sso_id"].as_str().unwrap()
    };
    let budi = id("budi");
    let body = json!({ "note": format!(r#"<p><a data-user-id="{budi}">@Budi</a></p>"#) });
    let note = client.call(Method::POST, &path, Some(&body)).await.unwrap();
    assert_eq!(note.status, StatusCode::CREATED, "{}", note.body);

    let request = caused(cloud, client, &path, 2).await;
    assert_eq!(functions(&request), [["NoteWrite", "http"], ["MentionNotify", "queue"]]);
    assert_eq!((&request["status"], &request["sso_id"]), (&json!(201), &json!(id("maya"))));
    let [write, notify] = [0, 1].map(|index| &request["invocations"][index]);
    assert_eq!(write["actions"]["sqs.SendMessageBatch"]["calls"], 1, "{write}");
    assert!(notify["write_units"].as_f64().unwrap() > 0.0, "{notify}");
    let costs = [write, notify].map(|invocation| invocation["cost_usd"].as_f64().unwrap());
    assert!(costs.iter().all(|cost| *cost > 2e-7), "{costs:?}");
    let total = request["cost_usd"].as_f64().unwrap();
    assert!((total - 1e-6 - costs.iter().sum::<f64>()).abs() < 1e-12, "{total} {costs:?}");
}

async fn an_export_lists_the_file_and_the_email(cloud: &LocalCloud, client: &Client) {
    let body = json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["id", "name"] });
    let job = client.call(Method::POST, "/cdp/exports", Some(&body)).await.unwrap();
    assert_eq!(job.status, StatusCode::ACCEPTED, "{}", job.body);
    let request = caused(cloud, client, "/cdp/exports", 3).await;
    let expected =
        [["ExportRequest", "http"], ["ExportGenerate", "queue"], ["ExportEmail", "queue"]];
    assert_eq!(functions(&request), expected);
}

async fn a_refused_request_has_no_invocations_and_no_person(cloud: &LocalCloud, client: &Client) {
    let anonymous = Client::new(cloud.gateway_url()).unwrap();
    let refused = anonymous.call(Method::GET, "/cdp/me?x=1", None).await.unwrap();
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let preflight = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}/cdp/me", cloud.gateway_url()))
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET");
    assert!(preflight.send().await.unwrap().status().is_success());
    let newest = &requests(client, "?limit=1").await[0];
    assert_eq!((&newest["path"], &newest["status"]), (&json!("/cdp/me?x=1"), &json!(401)));
    assert_eq!((&newest["sso_id"], &newest["invocations"]), (&Value::Null, &json!([])));
}

async fn the_list_has_requests_to_the_api_only_and_is_cleared(client: &Client, maya: &str) {
    let all = requests(client, "?limit=200").await;
    let is_api = |request: &Value| !request["path"].as_str().unwrap().starts_with("/_local");
    assert!(all.iter().all(is_api), "{all:?}");
    let own = requests(client, &format!("?user={maya}")).await;
    assert!(!own.is_empty() && own.iter().all(|request| request["sso_id"] == maya), "{own:?}");
    assert!(own.len() < all.len());
    client.fetch(Method::DELETE, "/_local/requests", None).await.unwrap();
    assert!(requests(client, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_lists_the_invocations_that_it_caused() {
    let cloud = LocalCloud::start(Options::new(workspace())).await.unwrap();
    let client = Client::new(cloud.gateway_url()).unwrap().sign_in("maya").await.unwrap();
    let users = client.fetch(Method::GET, "/_local/users", None).await.unwrap();
    a_mention_lists_the_notification_that_it_caused(&cloud, &client, &users).await;
    an_export_lists_the_file_and_the_email(&cloud, &client).await;
    a_refused_request_has_no_invocations_and_no_person(&cloud, &client).await;
    let maya = local::demo_company::id("person", "maya");
    the_list_has_requests_to_the_api_only_and_is_cleared(&client, &maya).await;
    cloud.shutdown().await;
}
