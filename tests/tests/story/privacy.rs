//! No name, email address, phone, query or note text in any line that the functions or the local
//! cloud print (SPEC §5), whatever is asked and whatever goes wrong.

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
    template::{Function, Parameters, Template},
};
use serde_json::{Value, json};
use tests::workspace;

/// What only these requests say, in each place that a client can fill.
const SAID: &str = "zebulonquery";
const SAID_EMAIL: &str = "zebulon.private@customers.example";
const SAID_PHONE: &str = "+628555012345";

/// What goes wrong while everything is asked: each kind of trouble is logged by other code.
const TROUBLES: [&str; 7] = [
    r#"{"target":"launchpad.teams","status":500}"#,
    r#"{"target":"launchpad.users","status":500}"#,
    r#"{"target":"launchpad.users","latency_ms":700,"times":20}"#,
    r#"{"target":"launchpad.permissions","status":503}"#,
    r#"{"target":"notifications","status":500}"#,
    r#"{"target":"dynamodb","kind":"throttle","times":60}"#,
    r#"{"target":"dynamodb","status":500,"times":60}"#,
];

/// Paths and bodies of each route that are asked in each kind of trouble.
const IN_TROUBLE: usize = 2;
/// Requests under way at the same time.
const AT_ONCE: usize = 8;

/// What a console printed.
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
    let nobody = Client::new(cloud.gateway_url()).unwrap();
    let secrets = secrets(&nobody).await;
    let sinta = nobody.sign_in("sinta").await.unwrap();
    let list = sinta.fetch(Method::GET, "/cdp/customers?limit=1", None).await.unwrap();
    let contact = list["data"][0]["id"].as_str().unwrap();
    ask_everything(&[nobody.clone(), sinta.clone()], contact, usize::MAX).await;
    for trouble in TROUBLES {
        let rule: Value = serde_json::from_str(trouble).unwrap();
        nobody.fetch(Method::POST, "/_local/faults", Some(&rule)).await.unwrap();
        ask_everything(std::slice::from_ref(&sinta), contact, IN_TROUBLE).await;
        nobody.fetch(Method::DELETE, "/_local/faults", None).await.unwrap();
    }
    cloud.shutdown().await;

    let printed = printed.text();
    assert!(printed.lines().count() > 200, "the functions' own lines are there");
    assert!(printed.contains("\"level\":\"ERROR\"") || printed.contains("\"level\":\"WARN\""));
    for line in printed.lines() {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret:?} is in: {line}");
        }
    }
}

/// Names, email addresses and phones of everybody in the demo, and what the requests say.
async fn secrets(nobody: &Client) -> BTreeSet<String> {
    let mut secrets: BTreeSet<String> = [SAID, SAID_EMAIL, SAID_PHONE].map(str::to_owned).into();
    secrets.insert(SAID_PHONE.trim_start_matches("+62").to_owned());
    let users = nobody.fetch(Method::GET, "/_local/users", None).await.unwrap();
    collect(&users["data"], &["name", "email"], &mut secrets);
    for user in ["maya", "claire", "dewi"] {
        let client = nobody.sign_in(user).await.unwrap();
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

/// Every route of the template on behalf of these people, well formed and not, with something
/// private in each place: at most `each` paths and bodies of a route. What is answered is not the
/// question here.
async fn ask_everything(clients: &[Client], contact: &str, each: usize) {
    let template = Template::read(&workspace().join("template.yaml"), &Parameters::new()).unwrap();
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
        .for_each_concurrent(AT_ONCE, async |(client, method, path, body)| {
            let _ = client.call(method, &path, body.as_ref()).await;
        })
        .await;
}

/// The route's path with a contact that is there, with words in place of ids, and with queries.
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
        fill(SAID),
        fill(SAID_EMAIL),
        format!("{known}?q={SAID}&query={SAID}&cursor={SAID}"),
        format!("{known}?query={SAID}"),
        format!("{known}?q={SAID}&source={SAID}"),
    ]
}

fn bodies(method: &Method) -> Vec<Option<Value>> {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        return vec![None];
    }
    let person = demo_company::id("person", "budi");
    let contact = json!({
        "external_id": SAID, "name": SAID, "emails": [SAID_EMAIL], "phones": [SAID_PHONE],
        "tags": [SAID], "source": SAID, "custom_fields": { SAID: SAID },
    });
    vec![
        Some(json!({ "note": format!("<p>{SAID} <a data-user-id=\"{person}\">@{SAID}</a></p>") })),
        Some(json!({ "contacts": [contact, { "name": [SAID] }] })),
        Some(contact),
        Some(json!({ SAID: SAID })),
        Some(json!(SAID)),
        Some(json!({
            "format": "csv", "selection": { "filter": { "source": [SAID] } }, "fields": ["name"],
            "file_name": SAID,
        })),
        Some(json!({ "name": SAID, "format": SAID, "fields": [{ "field": SAID, "label": SAID }] })),
    ]
}
