//! Many exports at the same time in the running local cloud, with real function processes.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use local::{LocalCloud, Options, client::Client, record::Events};
use reqwest::{Method, StatusCode, header::RETRY_AFTER};
use serde_json::json;
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

const COMPLETED: &str = "cdp_contacts_export_completed";
const FAILED: &str = "cdp_contacts_export_failed";

/// The time after which an export has certainly been forgotten: its message would be hidden for 11
/// minutes.
const FORGOTTEN: Duration = Duration::from_mins(4);

/// Requests an export and returns its id. On a busy machine, the simulated Launchpad can need longer
/// than a function waits for it. Then the answer is 503 and names the time after which the client
/// may try again.
async fn request(client: &Client) -> String {
    let body = json!({
        "format": "csv", "selection": { "filter": {} }, "fields": ["id", "name"],
    });
    loop {
        let response = client.call(Method::POST, "/cdp/exports", Some(&body)).await.unwrap();
        match response.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = response.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            StatusCode::ACCEPTED => {
                return response.body["data"]["id"].as_str().unwrap().to_owned();
            }
            status => panic!("{status}: {}", response.body),
        }
    }
}

/// The ids of the exports that ended with this event.
fn ended(events: &Events, name: &str) -> BTreeSet<String> {
    let events = events.list(Some(name));
    events.iter().map(|event| event["job_id"].as_str().unwrap().to_owned()).collect()
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
    let jobs: BTreeSet<String> = join_all(clients.iter().map(request)).await.into_iter().collect();
    assert_eq!(jobs.len(), 21);
    let have_ended = |events: &Events| {
        ended(events, COMPLETED).len() + ended(events, FAILED).len() == jobs.len()
    };
    let all = tokio::time::timeout(FORGOTTEN, cloud.events().wait_until(have_ended)).await;
    let completed = ended(cloud.events(), COMPLETED);
    cloud.shutdown().await;
    all.expect("an export was forgotten");
    assert_eq!(completed, jobs);
}
