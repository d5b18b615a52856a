//! Tests that the API document describes the routes of the template, and that its examples are
//! valid.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{World, contract::Contract};

use super::scene::Scenes;

/// Whether an event source is a documented route. The route `$default`, which handles unknown
/// paths, and the route for the preflight requests of browsers are not.
fn is_route(source: &str) -> bool {
    source.contains(" /") && !source.starts_with("OPTIONS ")
}

#[tokio::test]
async fn the_api_document_describes_exactly_the_routes_of_the_template() {
    let world = World::start().await;
    let sources = world.sources().into_iter().map(|(_, source)| source);
    let routes: BTreeSet<_> = sources.filter(|source| is_route(source)).collect();
    assert_eq!(Contract::documented().routes(), routes);
    let public: BTreeSet<_> = world.public_routes().into_iter().filter(|it| is_route(it)).collect();
    assert_eq!(Contract::documented().public_routes(), public);
}

#[test]
fn every_body_parameter_and_header_has_an_example_that_matches_its_schema() {
    let examples = Contract::documented().check_examples();
    assert!(examples > 50, "only {examples} examples");
}

#[test]
fn every_documented_error_code_has_an_example() {
    let responses = Contract::documented().error_codes();
    assert!(responses.len() > 10, "{responses:?}");
    for (response, possible, shown) in responses {
        assert_eq!(shown, possible, "{response}");
    }
}

#[tokio::test]
async fn every_documented_example_request_succeeds() {
    let requests = Contract::documented().requests();
    assert!(requests.len() > 60, "only {} requests", requests.len());
    let mut scenes = Scenes::default();
    for request in requests {
        let scene = scenes.unchanged().await;
        // Only a viewer at level `everything` can request an explanation of access.
        let user = if request.route.ends_with("/access") { "maya" } else { "budi" };
        let (method, _) = request.route.split_once(' ').unwrap();
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let body = match &request.body {
            // A JSON body is always an object.
            Some(Value::String(text)) => scene.with_ids(text),
            Some(body) => scene.with_ids(&body.to_string()),
            None => String::new(),
        };
        if matches!(request.body, Some(Value::String(_))) {
            headers[0].1 = "application/octet-stream";
        }
        let path = scene.with_ids(&request.path);
        let response =
            scene.world.send(user, method.parse().unwrap(), &path, &headers, body.into()).await;
        assert!(response.status < 400, "{} {path}: {}", request.route, response.body);
        scenes.after(method);
    }
}
