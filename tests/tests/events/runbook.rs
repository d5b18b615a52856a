//! Tests that the log queries of the runbook find lines that the functions write, and that these
//! lines have the fields that the runbook names.

use std::{collections::BTreeSet, fs};

use http::Method;
use local::upstreams::Upserts;
use serde_json::{Value, json};
use tests::{Log, World, workspace};

use super::scene::Scene;

/// One log query of the runbook, its first condition, and the fields that it uses or that its
/// paragraph explains.
#[derive(Debug)]
struct LogQuery {
    field: String,
    value: String,
    fields: BTreeSet<String>,
}

/// The parts of a text in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.')
}

/// The fields that a query uses after its first condition.
fn query_fields(rest: &str) -> BTreeSet<String> {
    let conditions = rest.split(" and ").skip(1).filter_map(|part| part.split_whitespace().next());
    let groups = rest.split(" by ").skip(1).flat_map(|part| part.split([',', '|']));
    let all = conditions.chain(groups).map(str::trim);
    all.filter(|name| is_field(name)).map(str::to_owned).collect()
}

/// The fields that a paragraph explains: names in backticks before a verb such as “is” or “says”.
fn explained(paragraph: &str) -> BTreeSet<String> {
    let mut parts = paragraph.split('`');
    let mut found = BTreeSet::new();
    while let (Some(_), Some(name)) = (parts.next(), parts.next()) {
        let after = parts.clone().next().unwrap_or_default().trim_start();
        let explains =
            ["is ", "says ", "counts ", "names "].iter().any(|verb| after.starts_with(verb));
        found.extend((is_field(name) && explains).then(|| name.to_owned()));
    }
    found
}

fn queries(runbook: &str) -> Vec<LogQuery> {
    let mut found = Vec::new();
    for paragraph in runbook.lines() {
        for code in quoted(paragraph) {
            let Some(query) = code.strip_prefix("filter ") else { continue };
            let Some((field, rest)) = query.split_once(" = \"") else { continue };
            let (value, rest) = rest.split_once('"').unwrap_or((rest, ""));
            let mut fields = query_fields(rest);
            fields.extend(explained(paragraph));
            found.push(LogQuery { field: field.to_owned(), value: value.to_owned(), fields });
        }
    }
    found
}

/// The value of a field of a log line. A dot in the name separates an object from its field. `None`
/// if the line has no such field or its value is null.
fn value<'l>(line: &'l Value, field: &str) -> Option<&'l Value> {
    let found = field.split('.').try_fold(line, |value, part| value.get(part));
    found.filter(|value| !value.is_null())
}

/// Sends requests of team members until team scope refuses one.
async fn denied(world: &World) {
    let contacts = world.get("maya", "/cdp/customers").await.ids();
    for (user, id) in
        ["sinta", "andre", "hendra"].iter().flat_map(|u| contacts.iter().map(move |c| (u, c)))
    {
        if world.get(user, &format!("/cdp/customers/{id}")).await.status == 403 {
            return;
        }
    }
    panic!("no team member was refused a contact");
}

/// Requests an export, and takes the view permission of its requester away.
async fn fail_an_export(world: &World) {
    let order = json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name"] });
    assert_eq!(world.post("andre", "/cdp/exports", &order).await.status, 202);
    let mut andre = world.directory.find("andre").unwrap();
    andre.levels.insert("customers_customers_view".to_owned(), "disabled".to_owned());
    world.directory.upsert(Upserts { people: vec![andre], ..Upserts::default() }).unwrap();
}

#[tokio::test]
async fn the_runbooks_log_queries_find_what_functions_write() {
    let log = Log::capture();
    let scene = Scene::requested().await;
    let world = &scene.world;
    denied(world).await;
    fail_an_export(world).await;
    let erased = world.get("maya", "/cdp/customers").await.ids().remove(0);
    let path = format!("/cdp/customers/{erased}?erase=true");
    assert_eq!(world.call("maya", Method::DELETE, &path, None).await.status, 200);
    for target in ["notifications", "ses"] {
        world.fault(&json!({ "target": target, "status": 400 }));
    }
    world.process_queues().await;
    world.clean_up(world.clock.now()).await;
    for minutes in [1, 5, 10] {
        world.clean_up(world.clock.now() + jiff::SignedDuration::from_mins(minutes)).await;
    }
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    world.advance(jiff::SignedDuration::from_mins(10));
    world.get("sinta", "/cdp/customers").await;
    world.fault(&json!({ "target": "launchpad.users", "status": 500 }));
    world.get("sinta", "/cdp/people?query=bu").await;

    let lines = log.lines();
    let runbook = fs::read_to_string(workspace().join("docs/runbook.md")).unwrap();
    let queries = queries(&runbook);
    assert!(queries.len() >= 6, "{queries:?}");
    for LogQuery { field, value: wanted, fields } in queries {
        let is_placeholder = wanted == "…" || wanted == "ERROR" || wanted == "WARN";
        let matching: Vec<&Value> = lines
            .iter()
            .filter(|line| value(line, &field).is_some_and(|v| is_placeholder || *v == wanted))
            .collect();
        assert!(!matching.is_empty(), "no line has {field} = {wanted:?}");
        for name in fields {
            let has = matching.iter().any(|line| value(line, &name).is_some());
            assert!(has, "no line with {field} = {wanted:?} has the field {name}: {matching:#?}");
        }
    }
}
