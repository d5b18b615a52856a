//! Requests of browsers and of strangers to the running local cloud, which answers them as API
//! Gateway does.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use local::{
    LocalCloud, Options,
    client::Client,
    template::{Function, Parameters, Template, example_parameters},
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::workspace;

const ORIGIN: &str = "https://app.example.com";

/// The origin of a page on this machine that may use the local endpoints.
const CONSOLE: &str = "http://127.0.0.1:3002";

/// The methods and paths of all routes of the template, with each path variable replaced.
fn routes() -> BTreeSet<(Method, String)> {
    let template = workspace().join("template.yaml");
    let template = Template::read(&template, &example_parameters()).unwrap();
    let routes = template.functions.values().flat_map(Function::routes);
    let filled = |path: &str| {
        let segments = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        segments.collect::<Vec<_>>().join("/")
    };
    let named =
        routes.filter_map(|route| Some((route.method.clone()?, filled(route.path.as_ref()?))));
    named.filter(|(method, _)| method != Method::OPTIONS).collect()
}

async fn preflight(cloud: &LocalCloud, method: &Method, path: &str) -> reqwest::Response {
    let request = reqwest::Client::new()
        .request(Method::OPTIONS, format!("{}{path}", cloud.gateway_url()))
        .header("origin", ORIGIN)
        .header("access-control-request-method", method.as_str())
        .header("access-control-request-headers", "authorization,content-type");
    request.send().await.unwrap()
}

async fn a_browser_may_call_every_route(cloud: &LocalCloud) {
    let unknown = (Method::GET, "/nothing/here".to_owned());
    let root = (Method::GET, "/".to_owned());
    for (method, path) in routes().into_iter().chain([unknown, root]) {
        let response = preflight(cloud, &method, &path).await;
        let headers = response.headers();
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{method} {path}");
        assert_eq!(headers["access-control-allow-origin"], ORIGIN, "{method} {path}");
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        let allowed = methods.split(',').any(|allowed| allowed == method.as_str());
        assert!(allowed || method == Method::HEAD, "{method} {path}: {methods}");
        let names = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(names.contains("authorization") && names.contains("idempotency-key"), "{names}");
    }
}

async fn a_foreign_page_reads_no_token(cloud: &LocalCloud) {
    let url = format!("{}/_local/token?user=sinta", cloud.gateway_url());
    let rebound = reqwest::Client::new().get(&url).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let foreign = reqwest::Client::new().get(&url).header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let function = format!("{}/2015-03-31/functions/CleanUp/invocations", cloud.lambda_url());
    let form = reqwest::Client::new().post(&function).header("content-type", "text/plain");
    assert_eq!(form.body("{}").send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(reqwest::get(&url).await.unwrap().status().is_success());
}

/// The web console sends analytics events as `text/plain`, and other pages cannot.
async fn only_the_console_sends_analytics_events(cloud: &LocalCloud) {
    let url = format!("{}/_local/analytics", cloud.gateway_url());
    let send = |origin: &'static str| {
        let beacon = reqwest::Client::new().post(&url).header("origin", origin);
        let beacon = beacon.header("content-type", "text/plain");
        beacon.body(json!({ "name": "cdp_test", "properties": {} }).to_string()).send()
    };
    assert_eq!(send("https://evil.example").await.unwrap().status(), StatusCode::FORBIDDEN);
    let sent = send(CONSOLE).await.unwrap();
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    assert_eq!(sent.headers()["access-control-allow-origin"], CONSOLE);
    let client = Client::new(cloud.gateway_url()).unwrap();
    let events = client.call(Method::GET, "/_local/events?name=cdp_test", None).await.unwrap();
    assert_eq!(events.body["data"].as_array().unwrap().len(), 1, "{:?}", events.body);
}

/// Sends 300 requests to a path at once. Returns the number of requests that were throttled.
async fn flood(cloud: &LocalCloud, path: &str) -> usize {
    let client = reqwest::Client::new();
    let request = |_| client.get(format!("{}{path}", cloud.gateway_url())).send();
    let responses = stream::iter(0..300).map(request).buffer_unordered(50);
    let throttled = responses.map(|response| response.unwrap().status() == 429);
    throttled.filter(|throttled| std::future::ready(*throttled)).count().await
}

async fn a_flood_of_strangers_does_not_throttle_signed_in_users(cloud: &LocalCloud) {
    let client = Client::new(cloud.gateway_url()).unwrap().sign_in("sinta").await.unwrap();
    assert!(flood(cloud, "/nothing/here").await > 0);
    for _ in 0..20 {
        let response = client.call(Method::GET, "/cdp/customers?limit=1", None).await.unwrap();
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_serves_browsers_and_withstands_strangers() {
    let origins = format!("{ORIGIN},{CONSOLE}");
    let settings = [
        ("UnknownRouteRate", "1"),
        ("UnknownRouteBurst", "5"),
        ("PreflightBurst", "500"),
        ("AllowOrigins", &origins),
    ];
    let parameters = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let parameters: Parameters = parameters.into();
    let cloud =
        LocalCloud::start(Options { parameters, ..Options::new(workspace()) }).await.unwrap();
    a_browser_may_call_every_route(&cloud).await;
    a_foreign_page_reads_no_token(&cloud).await;
    only_the_console_sends_analytics_events(&cloud).await;
    a_flood_of_strangers_does_not_throttle_signed_in_users(&cloud).await;
    cloud.shutdown().await;
}
