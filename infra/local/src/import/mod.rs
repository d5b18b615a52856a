//! The `import` command: sends the rows of a CSV file of contacts to `POST /cdp/customers/sync` and
//! reports the result of every row.

mod mapping;

use std::{fmt, io::IsTerminal, path::Path, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::{Value, json};

pub use mapping::{Mapping, MappingError, parse_override};

use crate::client::{Client, ClientError};

/// The number of rows in one request.
const BATCH: usize = 100;
/// The maximum number of attempts to send a row if the service is busy.
const ATTEMPTS: u32 = 5;
/// The maximum number of rejected rows that are printed.
const SHOWN: usize = 50;

/// The reason why an import ended before its last row.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    File {
        /// Path of the file.
        file: String,
        /// The reason why the file cannot be read.
        reason: String,
    },
    /// The columns of the file cannot be mapped to the fields of a contact.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A request to the API failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A row that was not imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// The line of the file on which the row begins.
    pub line: u64,
    /// The reason why the row was not imported.
    pub reason: String,
}

/// The results of all rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The number of contacts that were created.
    pub created: usize,
    /// The number of existing contacts that were updated.
    pub updated: usize,
    /// The rows that were not imported.
    pub rejected: Vec<Rejected>,
}

impl Summary {
    /// The number of rows in the file.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.created + self.updated + self.rejected.len()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, rejected) = (self.rows(), self.rejected.len());
        let (created, updated) = (self.created, self.updated);
        write!(f, "{rows} rows: {created} created, {updated} updated, {rejected} rejected")?;
        for row in self.rejected.iter().take(SHOWN) {
            write!(f, "\n  line {}: {}", row.line, row.reason)?;
        }
        if rejected > SHOWN {
            write!(f, "\n  … and {} more", rejected - SHOWN)?;
        }
        Ok(())
    }
}

/// A row of the file, converted to the form of a contact in the API.
struct Row {
    line: u64,
    contact: Value,
}

/// Imports a file on behalf of the signed-in user. Rows are sent in the order of the file; if two
/// rows have the same key, the later one wins.
///
/// # Errors
/// Returns an error if the file cannot be read or a request fails. The errors of single rows are in
/// the summary.
pub async fn run(
    client: &Client,
    file: &Path,
    overrides: &[(String, String)],
) -> Result<Summary, ImportError> {
    let unreadable = |error: csv::Error| ImportError::File {
        file: file.display().to_string(),
        reason: error.to_string(),
    };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_path(file).map_err(unreadable)?;
    let mapping = Mapping::new(reader.headers().map_err(unreadable)?, overrides)?;
    let mut summary = Summary::default();
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => rows.push(Row {
                line: record.position().map_or(0, csv::Position::line),
                contact: mapping.contact(&record),
            }),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                summary.rejected.push(Rejected { line, reason: error.to_string() });
            }
        }
    }
    let bar = progress(rows.len());
    for batch in rows.chunks(BATCH) {
        send(client, batch, &mut summary).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    summary.rejected.sort_by_key(|row| row.line);
    Ok(summary)
}

fn progress(rows: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows  {per_sec}  {eta} left");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Sends one batch. Rows that fail because the service is busy are sent again after a pause.
async fn send(client: &Client, rows: &[Row], summary: &mut Summary) -> Result<(), ImportError> {
    let mut open: Vec<&Row> = rows.iter().collect();
    for attempt in 1..=ATTEMPTS {
        let contacts: Vec<&Value> = open.iter().map(|row| &row.contact).collect();
        let body = json!({ "contacts": contacts });
        let answer = client.call(Method::POST, "/cdp/customers/sync", Some(&body)).await?;
        let busy = answer.status.as_u16() == 429 || answer.status.is_server_error();
        if busy && attempt < ATTEMPTS {
            tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
            continue;
        }
        if !answer.status.is_success() {
            return Err(ClientError::Refused {
                call: "POST /cdp/customers/sync".to_owned(),
                status: answer.status,
                body: answer.body,
            }
            .into());
        }
        let again = account(&open, &answer.body["data"], summary, attempt == ATTEMPTS);
        if again.is_empty() {
            return Ok(());
        }
        open = again;
        tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
    }
    Ok(())
}

/// Adds the results of the rows to the summary. Returns the rows that must be sent again.
fn account<'r>(
    rows: &[&'r Row],
    answers: &Value,
    summary: &mut Summary,
    last: bool,
) -> Vec<&'r Row> {
    let mut again = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let answer = &answers[index];
        let error = &answer["error"];
        let passing = matches!(
            error["error"].as_str(),
            Some("CONFLICT" | "THROTTLED" | "UNAVAILABLE" | "DIRECTORY_UNAVAILABLE")
        );
        match answer["status"].as_str() {
            Some("created") => summary.created += 1,
            Some("updated") => summary.updated += 1,
            _ if passing && !last => again.push(*row),
            _ => summary.rejected.push(Rejected {
                line: row.line,
                reason: format!(
                    "{} {}",
                    error["error"].as_str().unwrap_or("NO_RESPONSE"),
                    error["message"].as_str().unwrap_or("the response has no result for this row"),
                ),
            }),
        }
    }
    again
}
