//! Measures the AWS calls and read units of single requests in companies with different numbers of
//! contacts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::company::{self, EVERYTHING, FIVE_TEAMS, MANY_TEAMS, OWN, OWN_ONE, SHARES};
use super::error::BenchError;
use super::session::{Session, first_contact, succeeded};
use crate::{client::Client, cloud::Options};

/// The label of a request, and its usage as a text in the form `calls / read units / contacts
/// in the answer`.
type Row = (String, String);

/// A request to measure.
struct Sample {
    label: String,
    user: &'static str,
    function: &'static str,
    path: String,
    body: Option<Value>,
}

/// Sends the same requests in companies with `sizes` contacts and returns a table of their usage.
///
/// # Errors
/// Returns an error if a request fails.
pub async fn usage(options: &Options, sizes: &[usize]) -> Result<String, BenchError> {
    let mut columns = Vec::new();
    for size in sizes {
        columns.push(column(options, *size).await?);
    }
    let mut table = String::from("| request (calls / read units / contacts found) |");
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
    let session = Session::start(options, size).await?;
    let rows = rows(&session).await;
    session.cloud.shutdown().await;
    rows
}

async fn rows(session: &Session) -> Result<Vec<Row>, BenchError> {
    let contact = first_contact(&session.sign_in(FIVE_TEAMS).await?).await?;
    let only = json!({ "name": "Contact Only" });
    let owner = session.sign_in(OWN_ONE).await?;
    let created = owner.call(Method::POST, "/cdp/customers", Some(&only)).await?;
    succeeded("the contact of one person", created)?;
    let mut rows = Vec::new();
    for sample in samples(&contact).into_iter().chain(searches_and_views()) {
        let client = session.sign_in(sample.user).await?;
        // The first request fills the caches, so it is not measured.
        send(&client, &sample).await?;
        session.anonymous.fetch(Method::DELETE, "/_local/usage", None).await?;
        let body = send(&client, &sample).await?;
        let usage = session.anonymous.fetch(Method::GET, "/_local/usage", None).await?;
        let actions = &usage["data"][sample.function]["actions"];
        let found = body["data"].as_array().map_or(0, Vec::len);
        rows.push((sample.label.clone(), format!("{} / {found}", calls_and_units(actions))));
    }
    Ok(rows)
}

/// The searches and views of each level. Every contact that was loaded has the word "contact", so
/// its matches are spread evenly; only the oldest thousand have a word that begins with "0000", so
/// these matches are clustered.
fn searches_and_views() -> Vec<Sample> {
    let viewers = [
        ("`own` with one contact", OWN_ONE),
        ("`team` with 5 teams", FIVE_TEAMS),
        ("`team` with 200 teams", MANY_TEAMS),
        ("`everything`", EVERYTHING),
    ];
    let requests = [
        ("search, spread", "ContactSearch", "/cdp/customers/search-assoc?limit=25&q=contact"),
        ("search, clustered", "ContactSearch", "/cdp/customers/search-assoc?limit=25&q=0000"),
        ("view owned-by-me", "ContactList", "/cdp/customers?limit=25&view=owned-by-me"),
        ("view assigned-to-me", "ContactList", "/cdp/customers?limit=25&view=assigned-to-me"),
        ("view teams", "ContactList", "/cdp/customers?limit=25&view=teams"),
    ];
    let of_viewer = |(what, function, path): (&str, &'static str, &str)| {
        viewers.map(|(level, user)| Sample {
            label: format!("{what}, {level}"),
            user,
            function,
            path: path.to_owned(),
            body: None,
        })
    };
    requests.into_iter().flat_map(of_viewer).chain(searches_by_share()).collect()
}

/// Searches of users who own one in so many contacts, with matches that are spread evenly: all
/// contacts have the word "contact", and one in 211 has the word "rarely".
fn searches_by_share() -> Vec<Sample> {
    let of_word = |word: &str| {
        SHARES.map(|(user, distance)| Sample {
            label: format!("search \"{word}\", `own` with one contact in {distance}"),
            user,
            function: "ContactSearch",
            path: format!("/cdp/customers/search-assoc?limit=25&q={}", word.replace(' ', "+")),
            body: None,
        })
    };
    ["contact", "rarely", "contact rarely"].into_iter().flat_map(of_word).collect()
}

fn samples(contact: &str) -> Vec<Sample> {
    let list = |label: &str, user, order: &str| Sample {
        label: label.to_owned(),
        user,
        function: "ContactList",
        path: format!("/cdp/customers?limit=25&order_by={order}"),
        body: None,
    };
    let read = |label: &str, function, path: String| Sample {
        label: label.to_owned(),
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
        Sample {
            label: "note with 10 mentions".to_owned(),
            user: FIVE_TEAMS,
            function: "NoteWrite",
            path: notes,
            body: Some(json!({ "note": format!("<p>{}</p>", anchors.join(" ")) })),
        },
    ]
}

async fn send(client: &Client, sample: &Sample) -> Result<Value, BenchError> {
    let method = if sample.body.is_some() { Method::POST } else { Method::GET };
    let response = client.call(method, &sample.path, sample.body.as_ref()).await?;
    succeeded(&sample.label, response)
}

/// A text with the number of calls of each action and the read units of all calls.
fn calls_and_units(actions: &Value) -> String {
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
