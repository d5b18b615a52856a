//! The steps of the demo.

use std::{path::Path, time::Duration};

use jiff::tz::TimeZone;
use reqwest::Method;
use serde_json::{Value, json};

use super::error::DemoError;
use super::file::{self, FIELDS};
use super::report::Report;
use crate::{
    client::{ApiResponse, Client},
    demo_company,
    import::{self, Options, Session},
};

/// The time zone of the dates in the exported files.
const ZONE: &str = "Asia/Jakarta";
/// Longest time to wait for a result of background work, such as an email.
const WAIT_LIMIT: Duration = Duration::from_secs(120);
/// Pause between two checks of whether such a result is there.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Runs all steps: an agent lists the contacts of their team, mentions a colleague, who is notified
/// once, and exports contacts. The export arrives as a link in an email.
pub(super) async fn run(
    anonymous: &Client,
    operator: &Client,
    file: &Path,
    report: &mut Report,
) -> Result<(), DemoError> {
    flags(operator, report).await?;
    let maya = anonymous.sign_in("maya").await?;
    let sinta = anonymous.sign_in("sinta").await?;
    visibility(anonymous, &maya, report).await?;
    import_file(&maya, file, report).await?;
    let contact = first_contact(&sinta, report).await?;
    mention(anonymous, &sinta, &contact, report).await?;
    for format in ["xlsx", "csv"] {
        export(anonymous, &sinta, format, report).await?;
    }
    report.end();
    Ok(())
}

async fn flags(operator: &Client, report: &mut Report) -> Result<(), DemoError> {
    report.step("An operator turns on team permission and mentions for Nusantara");
    let path = "/2015-03-31/functions/SetFlags/invocations";
    let company = demo_company::id("company", "kopi");
    let body = json!({
        "company_sso_id": company,
        "cdp_team_permission_enabled": true,
        "cdp_notes_mention_enabled": true,
    });
    let response = operator.fetch(Method::POST, path, Some(&body)).await?;
    report.show("POST (Lambda API) SetFlags", &response);
    let on = response["cdp_team_permission_enabled"] == true
        && response["cdp_notes_mention_enabled"] == true;
    report.check(on, "both flags are on")
}

/// All contacts that the user may see. The function reads them page by page.
async fn all(client: &Client) -> Result<Vec<Value>, DemoError> {
    let mut contacts = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/cdp/customers?limit=100&cursor={cursor}");
        let page = client.fetch(Method::GET, &path, None).await?;
        contacts.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(contacts),
        }
    }
}

/// The contacts that a person may see, by the access rule of the RFC.
fn visible<'a>(contacts: &'a [Value], person: &Value) -> Vec<&'a Value> {
    let user = &person["sso_id"];
    let teams = person["expanded_team_ids"].as_array().cloned().unwrap_or_default();
    let level = &person["levels"]["customers_customers_view"];
    let own = |contact: &Value| &contact["owner_id"] == user || &contact["assignee_id"] == user;
    let team = |contact: &Value| {
        let owners = contact["team_owner_ids"].as_array().cloned().unwrap_or_default();
        owners.is_empty() || owners.iter().any(|owner| teams.contains(owner))
    };
    let rule = |contact: &&Value| match level.as_str() {
        Some("everything") => true,
        Some("team") => team(contact) || own(contact),
        Some("own") => own(contact),
        _ => false,
    };
    contacts.iter().filter(rule).collect()
}

async fn visibility(
    anonymous: &Client,
    maya: &Client,
    report: &mut Report,
) -> Result<(), DemoError> {
    report.step("Each user sees exactly the contacts that the visibility rule allows");
    let company = all(maya).await?;
    report.check(!company.is_empty(), format!("Maya (everything) sees {}", company.len()))?;
    let users = anonymous.fetch(Method::GET, "/_local/users", None).await?;
    for handle in ["budi", "sinta", "lars", "putri", "andre"] {
        let id = demo_company::id("person", handle);
        let people = users["data"].as_array().into_iter().flatten();
        let person = people.clone().find(|person| person["sso_id"] == id.as_str());
        let person = person.cloned().unwrap_or_default();
        let level = person["levels"]["customers_customers_view"].as_str().unwrap_or("?");
        let mut expected = ids(visible(&company, &person).into_iter());
        let mut seen = ids(all(&anonymous.sign_in(handle).await?).await?.iter());
        expected.sort();
        seen.sort();
        report
            .check(seen == expected, format!("{handle} ({level}) sees {} of them", seen.len()))?;
    }
    let response =
        anonymous.sign_in("yuki").await?.call(Method::GET, "/cdp/customers", None).await?;
    report.show("GET /cdp/customers as yuki", &response.body);
    report.check(response.status == 403, "yuki (disabled) may not see the list")
}

fn ids<'a>(contacts: impl Iterator<Item = &'a Value>) -> Vec<String> {
    contacts.filter_map(|contact| contact["id"].as_str().map(str::to_owned)).collect()
}

async fn import_file(maya: &Client, file: &Path, report: &mut Report) -> Result<(), DemoError> {
    let shown = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    report.step(format!("Maya imports {shown}"));
    // The demo ends with the process, so nothing interrupts the import.
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let mut session = Session::from_client(maya, "maya", stop);
    let summary = import::run(&mut session, file, &Options::default()).await?;
    println!("   {summary}");
    let rows = csv::ReaderBuilder::new().flexible(true).from_path(file);
    let rows = rows.map_or(0, |mut reader| reader.records().count());
    report.check(summary.rows() == rows, format!("all {rows} rows are accounted for"))?;
    report.check(summary.rejected.is_empty(), "no row was rejected")?;
    let again = import::run(&mut session, file, &Options::default()).await?;
    let same = again.created == 0 && again.updated == rows;
    report.check(same, "importing the same file again creates no contact")
}

async fn first_contact(sinta: &Client, report: &mut Report) -> Result<Value, DemoError> {
    report.step("Sinta opens her list and a contact");
    let page = sinta.fetch(Method::GET, "/cdp/customers?limit=2", None).await?;
    report.show("GET /cdp/customers?limit=2", &page);
    let id = page["data"][0]["id"].as_str().unwrap_or_default().to_owned();
    let response = sinta.fetch(Method::GET, &format!("/cdp/customers/{id}"), None).await?;
    report.show(&format!("GET /cdp/customers/{id}"), &response);
    report.check(response["data"] == page["data"][0], "the contact is the same as in the list")?;
    Ok(response["data"].clone())
}

async fn mention(
    anonymous: &Client,
    sinta: &Client,
    contact: &Value,
    report: &mut Report,
) -> Result<(), DemoError> {
    report.step("Sinta writes a note that mentions Budi");
    let budi = demo_company::id("person", "budi");
    let path = format!("/v1/contacts/{}/notes", contact["id"].as_str().unwrap_or_default());
    let anchor = format!("<a data-user-id=\"{budi}\" data-mention=\"true\">@Budi</a>");
    let body = json!({ "note": format!(
        "<p>Called today, wants a quote. {anchor} <script>alert(1)</script></p>"
    ) });
    let response = sinta.fetch(Method::POST, &path, Some(&body)).await?;
    report.show(&format!("POST {path}"), &response);
    let note = response["data"].clone();
    let html = note["note"].as_str().unwrap_or_default();
    report.check(!html.contains("script"), "the script was removed")?;
    report.check(html.contains("@Budi Hartono</a>"), "the mention shows Budi's full name")?;
    let only_budi = note["mentioned_user_ids"] == json!([budi]);
    report.check(only_budi, "Budi is listed as mentioned")?;
    let key = format!("{}:{budi}", note["id"].as_str().unwrap_or_default());
    let delivered = wait(|| deliveries(anonymous, &key), |found| !found.is_empty()).await?;
    report.show("GET /_local/notifications", &json!(delivered));

    report.step("Sinta edits the note: the same mention, and one of Maya in the mobile format");
    let maya = demo_company::id("person", "maya");
    let edited = json!({ "note": format!(
        "<p>Called twice. {anchor} <a href=\"../../../users/{maya}/edit_user\">@Maya</a></p>"
    ) });
    let id = note["id"].as_str().unwrap_or_default();
    let response = sinta.fetch(Method::PUT, &format!("{path}/{id}"), Some(&edited)).await?;
    report.show(&format!("PUT {path}/{id}"), &response);
    let second = format!("{id}:{maya}");
    wait(|| deliveries(anonymous, &second), |found| !found.is_empty()).await?;
    report.check(true, "Maya, who was added, was notified")?;
    let first = deliveries(anonymous, &key).await?;
    let once = first.len() == 1 && first[0]["duplicates"].as_u64().unwrap_or(0) == 0;
    report.check(once, "Budi was notified exactly once")?;
    let notes = sinta.fetch(Method::GET, &path, None).await?;
    report.show(&format!("GET {path}"), &notes);
    report.check(notes["data"][0]["id"] == note["id"], "the note is in the contact's list")
}

/// The notifications that were sent with the idempotency key `key`.
async fn deliveries(anonymous: &Client, key: &str) -> Result<Vec<Value>, DemoError> {
    let all = anonymous.fetch(Method::GET, "/_local/notifications", None).await?;
    let all = all["data"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|one| one["headers"]["idempotency-key"] == key).collect())
}

async fn export(
    anonymous: &Client,
    sinta: &Client,
    format: &str,
    report: &mut Report,
) -> Result<(), DemoError> {
    report.step(format!("Sinta exports her contacts as {}", format.to_uppercase()));
    let name = format!("demo-{format}");
    let body = json!({
        "format": format, "selection": { "filter": {} }, "fields": FIELDS,
        "file_name": name, "time_zone": ZONE, "locale": "en",
    });
    let accepted = sinta.call(Method::POST, "/cdp/exports", Some(&body)).await?;
    report.show("POST /cdp/exports", &accepted.body);
    report.check(accepted.status == 202, "the export is accepted")?;
    let job = accepted.body["data"]["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("/cdp/exports/{job}");
    let done = wait(
        || async { Ok(sinta.fetch(Method::GET, &path, None).await?["data"].clone()) },
        |job| job["status"] != "queued" && job["status"] != "running",
    )
    .await?;
    report.show(&format!("GET {path}"), &done);
    report.check(done["status"] == "completed", "the job is completed")?;
    let contacts = all(sinta).await?;
    report.check(done["rows"] == json!(contacts.len()), format!("{} rows", contacts.len()))?;

    let mail = wait(|| mail_of(anonymous, &name), |mail| !mail.is_null()).await?;
    let to = &mail["to"];
    let subject = mail["subject"].as_str().unwrap_or_default();
    println!("   email to {to}: {subject}");
    let link = link_in(mail["text"].as_str().unwrap_or_default()).unwrap_or_default();
    let downloaded = anonymous.download(&link).await?;
    let zone = TimeZone::get(ZONE).map_err(|error| DemoError::Check(error.to_string()))?;
    let rows = |bytes: Vec<u8>| match format {
        "xlsx" => file::xlsx(bytes),
        _ => file::csv(&bytes),
    };
    let difference = file::difference(rows(downloaded.clone())?, &contacts, &zone, format == "csv");
    let equal = difference.is_none();
    let result = difference.unwrap_or_else(|| "all cells are equal".to_owned());
    report.check(equal, format!("the file behind the link: {result}"))?;
    if let Some(base64) = mail["attachments"][0]["base64"].as_str() {
        let attached = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64);
        let same = attached.is_ok_and(|bytes| bytes == downloaded);
        report.check(same, "the attached file is identical")?;
    }
    let ApiResponse { status, .. } = anonymous.call(Method::GET, "/d/no-such-token", None).await?;
    report.check(status == 404, "an unknown link is not found")?;
    let key = |one: &Value| one["headers"]["idempotency-key"] == job.as_str();
    let sent = wait(
        || async {
            let all = anonymous.fetch(Method::GET, "/_local/notifications", None).await?;
            let all = all["data"].as_array().cloned().unwrap_or_default();
            Ok(all.into_iter().filter(key).collect::<Vec<_>>())
        },
        |found| !found.is_empty(),
    )
    .await?;
    report.check(sent.len() == 1, "there is one notification in the application")
}

/// The mail that contains a link to this file, or null.
async fn mail_of(anonymous: &Client, file_name: &str) -> Result<Value, DemoError> {
    let all = anonymous.fetch(Method::GET, "/_local/mail", None).await?;
    let mut found = all["data"].as_array().into_iter().flatten().filter(|mail| {
        mail["subject"].as_str().is_some_and(|subject| subject.contains(file_name))
            || mail["text"].as_str().is_some_and(|text| text.contains(file_name))
    });
    Ok(found.next().cloned().unwrap_or_default())
}

/// The download link in the text of a mail; `None` if there is no link.
fn link_in(text: &str) -> Option<String> {
    let words = text.split_whitespace().map(|word| word.trim_matches(['<', '>', '(', ')']));
    words.filter(|word| word.starts_with("http") && word.contains("/d/")).map(str::to_owned).next()
}

/// Reads a value repeatedly until it is as expected.
async fn wait<T, F>(read: impl Fn() -> F, is_expected: impl Fn(&T) -> bool) -> Result<T, DemoError>
where
    F: Future<Output = Result<T, DemoError>>,
{
    let polling = async {
        loop {
            let value = read().await?;
            if is_expected(&value) {
                return Ok(value);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    let late = |_| DemoError::Check(format!("there was no result within {WAIT_LIMIT:?}"));
    tokio::time::timeout(WAIT_LIMIT, polling).await.map_err(late)?
}
