//! Calls and read units of single requests, by the number of contacts in the company.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Bench, BenchError,
    company::{self, EVERYTHING, FIVE_TEAMS, MANY_TEAMS, OWN},
    first_contact, succeeded,
};
use crate::{client::Client, cloud::Options};

/// What one request used of AWS: `calls / read units`.
type Row = (String, String);

struct Question {
    label: &'static str,
    user: &'static str,
    function: &'static str,
    path: String,
    body: Option<Value>,
}

/// Asks the same questions in companies of these sizes.
///
/// # Errors
/// At the first answer that is no success.
pub async fn usage(options: &Options, sizes: &[usize]) -> Result<String, BenchError> {
    let mut columns = Vec::new();
    for size in sizes {
        columns.push(column(options, *size).await?);
    }
    let mut table = String::from("| request (calls / read units) |");
    for size in sizes {
        let _ = write!(table, " {size} contacts |");
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(sizes.len()));
    for row in 0..columns.first().map_or(0, Vec::len) {
        let _ = write!(table, "\n| {} |", columns[0][row].0);
        for column in &columns {
            let _ = write!(table, " {} |", column[row].1);
        }
    }
    Ok(table)
}

async fn column(options: &Options, size: usize) -> Result<Vec<Row>, BenchError> {
    let bench = Bench::start(options, size).await?;
    let rows = rows(&bench).await;
    bench.cloud.shutdown().await;
    rows
}

async fn rows(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let contact = first_contact(&bench.sign_in(FIVE_TEAMS).await?).await?;
    let mut rows = Vec::new();
    for question in questions(&contact) {
        let client = bench.sign_in(question.user).await?;
        // The first fills the caches.
        ask(&client, &question).await?;
        bench.nobody.fetch(Method::DELETE, "/_local/usage", None).await?;
        ask(&client, &question).await?;
        let usage = bench.nobody.fetch(Method::GET, "/_local/usage", None).await?;
        rows.push((question.label.to_owned(), told(&usage["data"][question.function]["actions"])));
    }
    Ok(rows)
}

fn questions(contact: &str) -> Vec<Question> {
    let list = |label, user, order: &str| Question {
        label,
        user,
        function: "ContactList",
        path: format!("/cdp/customers?limit=25&order_by={order}"),
        body: None,
    };
    let read = |label, function, path: String| Question {
        label,
        user: FIVE_TEAMS,
        function,
        path,
        body: None,
    };
    let anchors: Vec<String> = company::colleagues()
        .iter()
        .map(|id| format!("<a data-user-id=\"{id}\">@colleague</a>"))
        .collect();
    let notes = format!("/v1/contacts/{contact}/notes");
    vec![
        list("list of 25, `team` with 5 teams, by created_at", FIVE_TEAMS, "created_at"),
        list("list of 25, `team` with 5 teams, by name", FIVE_TEAMS, "name"),
        list("list of 25, `team` with 200 teams, by created_at", MANY_TEAMS, "created_at"),
        list("list of 25, `team` with 200 teams, by name", MANY_TEAMS, "name"),
        list("list of 25, `everything`, by created_at", EVERYTHING, "created_at"),
        list("list of 25, `everything`, by name", EVERYTHING, "name"),
        list("list of 25, `own`, by created_at", OWN, "created_at"),
        read("one contact", "ContactRead", format!("/cdp/customers/{contact}")),
        read("notes page", "NoteRead", notes.clone()),
        Question {
            label: "note with 10 mentions",
            user: FIVE_TEAMS,
            function: "NoteWrite",
            path: notes,
            body: Some(json!({ "note": format!("<p>{}</p>", anchors.join(" ")) })),
        },
    ]
}

async fn ask(client: &Client, question: &Question) -> Result<(), BenchError> {
    let method = if question.body.is_some() { Method::POST } else { Method::GET };
    let answer = client.call(method, &question.path, question.body.as_ref()).await?;
    succeeded(question.label, answer).map(drop)
}

/// The calls of each action, and the read units of all.
fn told(actions: &Value) -> String {
    let actions = actions.as_object().into_iter().flatten();
    let mut calls = BTreeMap::new();
    let mut units = 0.0;
    for (action, cost) in actions {
        let action = action.rsplit('.').next().unwrap_or(action);
        calls.insert(action, cost["calls"].as_u64().unwrap_or(0));
        units += cost["read_units"].as_f64().unwrap_or(0.0);
    }
    let calls: Vec<String> =
        calls.iter().map(|(action, count)| format!("{count} {action}")).collect();
    format!("{} / {units}", calls.join(", "))
}
