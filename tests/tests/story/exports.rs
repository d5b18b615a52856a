//! Many exports at the same time in the running local cloud, with real function processes.

use std::time::Duration;

use futures::future::join_all;
use local::{LocalCloud, Options, client::Client};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::workspace;

/// The users who export: eight of one company and one of another. A user can have 3 active exports,
/// and a company 20.
const USERS: [(&str, usize); 8] = [
    ("maya", 3),
    ("budi", 3),
    ("sinta", 3),
    ("lars", 3),
    ("hendra", 3),
    ("putri", 3),
    ("andre", 2),
    ("claire", 1),
];

/// The time after which an export has certainly been forgotten: its message would be hidden for 11
/// minutes.
const FORGOTTEN: Duration = Duration::from_mins(4);

/// Sends a request, again if the answer is 503: on a busy machine, the simulated Launchpad can need
/// longer than a function waits for it.
async fn call(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Value {
    loop {
        let response = client.call(method.clone(), path, body).await.unwrap();
        match response.status {
            StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(Duration::from_secs(1)).await,
            status if status.is_success() => return response.body["data"].clone(),
            status => panic!("{status}: {}", response.body),
        }
    }
}

/// Requests an export and returns its id.
async fn request(client: &Client) -> String {
    let body = json!({
        "format": "csv", "selection": { "filter": {} }, "fields": ["id", "name"],
    });
    let job = call(client, Method::POST, "/cdp/exports", Some(&body)).await;
    job["id"].as_str().unwrap().to_owned()
}

/// Waits until the export is completed.
async fn completed(client: &Client, id: &str) {
    loop {
        let job = call(client, Method::GET, &format!("/cdp/exports/{id}"), None).await;
        match job["status"].as_str() {
            Some("completed") => return,
            Some("queued" | "running") => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => panic!("{job}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_requested_at_the_same_time_are_all_answered_and_none_waits_for_minutes() {
    let cloud = LocalCloud::start(Options::new(workspace())).await.unwrap();
    let client = Client::new(cloud.gateway_url()).unwrap();
    let mut clients = Vec::new();
    for (user, exports) in USERS {
        let client = client.sign_in(user).await.unwrap();
        clients.extend(std::iter::repeat_n(client, exports));
    }
    let jobs = join_all(clients.iter().map(request)).await;
    assert_eq!(jobs.len(), 21);
    let all = join_all(clients.iter().zip(&jobs).map(|(client, id)| completed(client, id)));
    let all = tokio::time::timeout(FORGOTTEN, all).await;
    cloud.shutdown().await;
    all.expect("an export was forgotten");
}
