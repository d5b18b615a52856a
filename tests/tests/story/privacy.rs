//! No line that the functions or the local cloud print contains a name, email, phone, query or note
//! text (SPEC §5), for any request and any fault.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use futures::{StreamExt, stream};
use http::Method;
use local::{
    LocalCloud, Options,
    client::Client,
    console::Console,
    demo::{self, Demo},
    demo_company,
    template::{Function, Template, example_parameters},
};
use serde_json::{Value, json};
use tests::workspace;

/// A text that only the requests of this test contain. This text, the email and the phone number
/// are sent in each place that a client can fill.
const PRIVATE_TEXT: &str = "zebulonquery";
const PRIVATE_EMAIL: &str = "zebulon.private@customers.example";
const PRIVATE_PHONE: &str = "+628555012345";

/// The faults that are active during the requests. The functions log each kind of fault in
/// different code.
const FAULTS: [&str; 7] = [
    r#"{"target":"launchpad.teams","status":500}"#,
    r#"{"target":"launchpad.users","status":500}"#,
    r#"{"target":"launchpad.users","latency_ms":700,"times":20}"#,
    r#"{"target":"launchpad.permissions","status":503}"#,
    r#"{"target":"notifications","status":500}"#,
    r#"{"target":"dynamodb","kind":"throttle","times":60}"#,
    r#"{"target":"dynamodb","status":500,"times":60}"#,
];

/// The maximum number of paths, and of bodies, that are sent to each route with each fault.
const WITH_FAULT: usize = 2;
/// The number of requests that are sent at the same time.
const CONCURRENT: usize = 8;

/// The text that was written to a console.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_and_the_log_never_show_a_name_an_email_or_a_phone() {
    let printed = Buffer::default();
    let console = Console::to(printed.clone(), false).verbose(true);
    let options = Options { console, ..Options::new(workspace()) };
    let cloud = LocalCloud::start(options).await.unwrap();
    let story = Demo {
        gateway_url: cloud.gateway_url().to_owned(),
        lambda_url: cloud.lambda_url().to_owned(),
        file: None,
    };
    demo::run(&story).await.unwrap();
    let anonymous = Client::new(cloud.gateway_url()).unwrap();
    let secrets = secrets(&anonymous).await;
    let sinta = anonymous.sign_in("sinta").await.unwrap();
    let list = sinta.fetch(Method::GET, "/cdp/customers?limit=1", None).await.unwrap();
    let contact = list["data"][0]["id"].as_str().unwrap();
    request_everything(&[anonymous.clone(), sinta.clone()], contact, usize::MAX).await;
    for fault in FAULTS {
        let rule: Value = serde_json::from_str(fault).unwrap();
        anonymous.fetch(Method::POST, "/_local/faults", Some(&rule)).await.unwrap();
        request_everything(std::slice::from_ref(&sinta), contact, WITH_FAULT).await;
        anonymous.fetch(Method::DELETE, "/_local/faults", None).await.unwrap();
    }
    cloud.shutdown().await;

    let printed = printed.text();
    assert!(printed.lines().count() > 200, "the output contains the functions' log lines");
    assert!(printed.contains("\"level\":\"ERROR\"") || printed.contains("\"level\":\"WARN\""));
    for line in printed.lines() {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret:?} is in: {line}");
        }
    }
}

/// The names, emails and phones of all people and contacts in the demo data, and the private texts
/// that the requests contain.
async fn secrets(anonymous: &Client) -> BTreeSet<String> {
    let mut secrets: BTreeSet<String> =
        [PRIVATE_TEXT, PRIVATE_EMAIL, PRIVATE_PHONE].map(str::to_owned).into();
    secrets.insert(PRIVATE_PHONE.trim_start_matches("+62").to_owned());
    let users = anonymous.fetch(Method::GET, "/_local/users", None).await.unwrap();
    collect(&users["data"], &["name", "email"], &mut secrets);
    for user in ["maya", "claire", "dewi"] {
        let client = anonymous.sign_in(user).await.unwrap();
        let list = client.fetch(Method::GET, "/cdp/customers?limit=100", None).await.unwrap();
        collect(&list["data"], &["name", "emails", "phones"], &mut secrets);
    }
    assert!(secrets.len() > 60, "{secrets:?}");
    secrets
}

fn collect(records: &Value, fields: &[&str], into: &mut BTreeSet<String>) {
    for record in records.as_array().unwrap() {
        for field in fields {
            match &record[*field] {
                Value::String(text) => drop(into.insert(text.clone())),
                Value::Array(texts) => {
                    into.extend(texts.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    into.retain(|text| text.len() > 4);
}

/// Sends requests to every route of the template as these clients. The requests are valid and
/// invalid and contain private text in each place. Each route gets at most `each` paths and `each`
/// bodies. The responses are ignored.
async fn request_everything(clients: &[Client], contact: &str, each: usize) {
    let template =
        Template::read(&workspace().join("template.yaml"), &example_parameters()).unwrap();
    let mut calls = Vec::new();
    for route in template.functions.values().flat_map(Function::routes) {
        let (Some(method), Some(path)) = (&route.method, &route.path) else { continue };
        let paths = paths(path, contact);
        let bodies = bodies(method);
        let on_known = bodies.iter().take(each).map(|body| (paths[0].clone(), body.clone()));
        let on_each = paths.iter().take(each).map(|path| (path.clone(), bodies[0].clone()));
        for (path, body) in on_known.chain(on_each) {
            calls.extend(
                clients.iter().map(|client| (client, method.clone(), path.clone(), body.clone())),
            );
        }
    }
    stream::iter(calls)
        .for_each_concurrent(CONCURRENT, async |(client, method, path, body)| {
            let _ = client.call(method, &path, body.as_ref()).await;
        })
        .await;
}

/// The paths that the test requests for a route: with the id of an existing contact, with texts
/// instead of ids, and with query strings.
fn paths(route: &str, contact: &str) -> Vec<String> {
    let fill = |value: &str| {
        route
            .split('/')
            .map(|part| if part.starts_with('{') { value } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    let known = fill(contact);
    vec![
        known.clone(),
        fill(PRIVATE_TEXT),
        fill(PRIVATE_EMAIL),
        format!("{known}?q={PRIVATE_TEXT}&query={PRIVATE_TEXT}&cursor={PRIVATE_TEXT}"),
        format!("{known}?query={PRIVATE_TEXT}"),
        format!("{known}?q={PRIVATE_TEXT}&source={PRIVATE_TEXT}"),
    ]
}

fn bodies(method: &Method) -> Vec<Option<Value>> {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        return vec![None];
    }
    let person = demo_company::id("person", "budi");
    let contact = json!({
        "external_id": PRIVATE_TEXT, "name": PRIVATE_TEXT, "emails": [PRIVATE_EMAIL], "phones": [PRIVATE_PHONE],
        "tags": [PRIVATE_TEXT], "source": PRIVATE_TEXT, "custom_fields": { PRIVATE_TEXT: PRIVATE_TEXT },
    });
    vec![
        Some(
            json!({ "note": format!("<p>{PRIVATE_TEXT} <a data-user-id=\"{person}\">@{PRIVATE_TEXT}</a></p>") }),
        ),
        Some(json!({ "contacts": [contact, { "name": [PRIVATE_TEXT] }] })),
        Some(contact),
        Some(json!({ PRIVATE_TEXT: PRIVATE_TEXT })),
        Some(json!(PRIVATE_TEXT)),
        Some(json!({
            "format": "csv", "selection": { "filter": { "source": [PRIVATE_TEXT] } }, "fields": ["name"],
            "file_name": PRIVATE_TEXT,
        })),
        Some(
            json!({ "name": PRIVATE_TEXT, "format": PRIVATE_TEXT, "fields": [{ "field": PRIVATE_TEXT, "label": PRIVATE_TEXT }] }),
        ),
    ]
}
