use serde_json::{Value, json};
use tests::{Log, World};

/// The faults of the call for teams, and the cause that the log contains for each fault.
fn faults() -> [(Value, &'static str); 3] {
    let call = "the Launchpad call `teams` failed: ";
    let fault = |field: &str, value: u32| json!({ "target": "launchpad.teams", field: value });
    [
        (fault("status", 401), "HTTP status 401"),
        (fault("status", 500), "HTTP status 500"),
        (fault("latency_ms", 60_000), "time-out while waiting for the response"),
    ]
    .map(|(fault, cause)| (fault, &*format!("{call}{cause}").leak()))
}

#[tokio::test]
async fn a_fallback_names_its_cause_once_and_says_when_it_is_a_remembered_one() {
    for (fault, cause) in faults() {
        let world = World::with_flags().await;
        world.fault(&fault);
        let log = Log::capture();
        for _ in 0..2 {
            let response = world.get("sinta", "/cdp/customers").await;
            assert_eq!(response.headers["x-team-permission-fallback"], "owned-only", "{fault}");
        }
        let fallbacks = log.events("cdp_team_permission_fallback");
        let said: Vec<_> =
            fallbacks.iter().map(|line| (line["cause"].as_str(), &line["remembered"])).collect();
        let expected = [(Some(cause), &json!(false)), (Some(cause), &json!(true))];
        assert_eq!(said, expected, "{fault}");
        assert_eq!(log.text().matches(cause).count(), 2, "once for each request: {}", log.text());
    }
}

#[tokio::test]
async fn a_request_that_fails_since_launchpad_does_logs_the_cause() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.permissions", "status": 503 }));
    let log = Log::capture();
    assert_eq!(world.get("sinta", "/cdp/customers").await.error(), "DIRECTORY_UNAVAILABLE");
    let responses = log.responses();
    assert_eq!(
        responses[0]["error"],
        "DIRECTORY_UNAVAILABLE: the Launchpad call `permissions` failed: HTTP status 503"
    );
}

#[tokio::test]
async fn a_plan_that_cannot_be_loaded_is_logged_with_its_cause() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 500 }));
    let log = Log::capture();
    assert_eq!(world.get("sinta", "/cdp/customers").await.status, 200);
    let cause = "the Launchpad call `companies` failed: HTTP status 500";
    assert_eq!(log.text().matches(cause).count(), 1, "{}", log.text());
}

#[tokio::test]
async fn a_refused_call_of_the_table_is_logged_with_the_code_of_aws() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "dynamodb", "kind": "throttle" }));
    let log = Log::capture();
    assert_eq!(world.get("sinta", "/cdp/customers").await.error(), "THROTTLED");
    let error = log.responses()[0]["error"].as_str().unwrap_or_default().to_owned();
    assert!(error.contains("ProvisionedThroughputExceededException"), "{error}");
}
