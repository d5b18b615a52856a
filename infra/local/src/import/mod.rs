//! The `import` command: sends the rows of a CSV file of contacts to `POST /cdp/customers/import` and
//! accounts for every row.
//!
//! | module | what it does |
//! |---|---|
//! | `session` | sends parts of the file, signs in again, and repeats what failed for a time |
//! | `report` | the results of the rows, and the file of rejected rows |
//! | `progress` | the rate and the remaining time |

mod progress;
mod report;
mod session;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use progress::Progress;
use report::{Rejects, columns, rows_text};
use serde_json::Value;
use session::{ATTEMPTS, Sent};
use shared::import::{CsvRow, CsvText, Delimiter, EncodingError, FileError, MappingError, decode};

pub use report::{Rejected, Stopped, Summary};
pub use session::{Credentials, Session, SessionError};

/// The maximum number of rows in one request.
const BATCH: usize = 100;
/// The maximum size of a request in bytes. The API accepts 3 MiB.
const MAX_PART: usize = 3 * 1_048_576;

/// The reason why an import did not start.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read or written.
    #[error("{file} cannot be used: {reason}")]
    File {
        /// Path of the file.
        file: String,
        /// The reason.
        reason: String,
    },
    /// The file cannot be decoded.
    #[error("{0} (--encoding)")]
    Encoding(#[from] EncodingError),
    /// The file is not a table.
    #[error(transparent)]
    Format(#[from] FileError),
    /// An override is malformed.
    #[error("--map {0}")]
    Map(#[from] MappingError),
    /// The API refuses the file.
    #[error("nothing was imported: {0}")]
    Refused(String),
    /// The user cannot sign in.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// The options of an import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The fields that the user chose for columns, each as `Column=field`.
    pub map: Vec<String>,
    /// The delimiter of the file; `None` if it is to be detected.
    pub delimiter: Option<Delimiter>,
    /// The encoding of the file; `None` if it is to be detected.
    pub encoding: Option<String>,
    /// The file to which rejected rows are written.
    pub rejects: Option<PathBuf>,
    /// The first row to import, from 1.
    pub from_row: usize,
    /// Whether to print what each column becomes.
    pub verbose: bool,
}

/// A row of the file that waits for its result.
struct Row<'t> {
    number: usize,
    csv: CsvRow<'t>,
}

/// An import in progress.
struct Run<'t, 's> {
    text: &'t str,
    head: &'t str,
    query: String,
    session: &'s mut Session,
    summary: Summary,
    rejects: Option<(PathBuf, Rejects)>,
    progress: Progress,
}

/// Reports what an import of the file would do.
///
/// # Errors
/// [`ImportError`] if the file cannot be read, or if the API refuses it.
pub async fn dry_run(
    session: &mut Session,
    file: &Path,
    options: &Options,
) -> Result<String, ImportError> {
    let bytes = read(file).await?;
    let (text, encoding) = decode(&bytes, options.encoding.as_deref())?;
    let csv = CsvText::open(&text, options.delimiter)?;
    let query = format!("dry_run=true&{}", query(options, &csv)?);
    let mut first: Option<Value> = None;
    let (mut rows, mut skipped, mut rejected, mut number) = (0, 0, 0, 0);
    let mut errors = String::new();
    let mut queue: VecDeque<CsvRow<'_>> = csv.rows().collect();
    loop {
        let (mut part, mut lines) = (csv.head().to_owned(), Vec::new());
        while let Some(row) = queue.front() {
            let is_full = part.len() + row.span.len() > MAX_PART;
            if !lines.is_empty() && (is_full || row.cells.is_err()) {
                break;
            }
            let Some(row) = queue.pop_front() else { break };
            number += 1;
            rows += 1;
            match &row.cells {
                Ok(_) => {
                    part.push_str(&text[row.span.clone()]);
                    lines.push((number, row.line));
                }
                Err(error) => {
                    rejected += 1;
                    errors.push_str(&format!("\n  row {number}, line {}: {error}", row.line));
                }
            }
        }
        if lines.is_empty() && first.is_some() {
            break;
        }
        let mut report = match session.send(&query, &part).await {
            Sent::Ok(report) => report,
            Sent::TooLarge => return Err(ImportError::Refused("a part is too large".to_owned())),
            Sent::Refused(reason) | Sent::Stopped(reason) => {
                return Err(ImportError::Refused(reason));
            }
        };
        skipped += report["skipped"].as_u64().unwrap_or(0);
        rejected += report["rejected"].as_u64().unwrap_or(0);
        for error in report["errors"].as_array().into_iter().flatten() {
            let index = error["index"].as_u64().and_then(|index| usize::try_from(index).ok());
            if let Some((number, line)) = index.and_then(|index| lines.get(index)) {
                let reason = error["error"]["message"].as_str().unwrap_or_default();
                errors.push_str(&format!("\n  row {number}, line {line}: {reason}"));
            }
        }
        report["encoding"] = encoding.into();
        first.get_or_insert(report);
    }
    let columns = first.as_ref().map(columns).unwrap_or_default();
    Ok(format!(
        "{columns}\n{}: {skipped} skipped, {rejected} rejected; nothing was written{errors}",
        rows_text(rows)
    ))
}

/// Imports a file on behalf of the signed-in user. Rows are sent in the order of the file; if two
/// rows have the same key, the later one wins. The summary accounts for every row, whatever ends the
/// import.
///
/// # Errors
/// [`ImportError`] if nothing was imported because the file or an option is wrong.
pub async fn run(
    session: &mut Session,
    file: &Path,
    options: &Options,
) -> Result<Summary, ImportError> {
    let bytes = read(file).await?;
    let (text, encoding) = decode(&bytes, options.encoding.as_deref())?;
    let csv = CsvText::open(&text, options.delimiter)?;
    let query = query(options, &csv)?;
    // A wrong mapping is reported before anything is written.
    let sample = csv.rows().find(|row| row.cells.is_ok()).map(|row| row.span);
    let sample = format!("{}{}", csv.head(), sample.map_or("", |span| &text[span]));
    match session.send(&format!("dry_run=true&{query}"), &sample).await {
        Sent::Ok(mut report) if options.verbose => {
            report["encoding"] = encoding.into();
            println!("{}", columns(&report));
        }
        Sent::Ok(_) | Sent::TooLarge => {}
        Sent::Refused(reason) | Sent::Stopped(reason) => return Err(ImportError::Refused(reason)),
    }
    let rejects = match &options.rejects {
        None => None,
        Some(path) if same_file(path, file) => {
            return Err(unusable(path, "it is the file to import"));
        }
        Some(path) => {
            let created = Rejects::create(path, &csv);
            Some((path.clone(), created.map_err(|error| unusable(path, &error.to_string()))?))
        }
    };
    let numbered = csv.rows().enumerate().map(|(index, csv)| Row { number: index + 1, csv });
    let rows: VecDeque<Row<'_>> = numbered.filter(|row| row.number >= options.from_row).collect();
    let run = Run {
        text: &text,
        head: csv.head(),
        query,
        session,
        summary: Summary { rejects_file: rejects.is_some(), ..Summary::default() },
        rejects,
        progress: Progress::new(rows.len()),
    };
    Ok(run.all(rows).await)
}

impl<'t> Run<'t, '_> {
    /// Sends all rows.
    async fn all(mut self, mut rows: VecDeque<Row<'t>>) -> Summary {
        while !rows.is_empty() && self.summary.stopped.is_none() {
            if self.session.is_stopped() {
                self.stop(&rows, "interrupted");
                break;
            }
            let mut batch = Vec::new();
            let mut size = self.head.len();
            while let Some(row) = rows.pop_front() {
                if let Err(error) = &row.csv.cells {
                    let reason = error.to_string();
                    self.reject(&row, reason);
                    continue;
                }
                size += row.csv.span.len();
                if !batch.is_empty() && (batch.len() == BATCH || size > MAX_PART) {
                    rows.push_front(row);
                    break;
                }
                batch.push(row);
            }
            // The rows whose result is missing come back, for the row from which to continue.
            for row in self.batch(batch).await.into_iter().rev() {
                rows.push_front(row);
            }
            self.progress.show(&self.summary);
        }
        self.summary.open = rows.len();
        self.summary.rejected.sort_by_key(|row| row.row);
        self.progress.finish();
        self.summary
    }

    /// Sends some rows until each has a result, in halves if they are too large together. Returns the
    /// rows without a result, after the import stopped.
    async fn batch(&mut self, batch: Vec<Row<'t>>) -> Vec<Row<'t>> {
        let mut parts = VecDeque::from([batch]);
        let mut attempt = 0;
        while let Some(mut part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            let mut body = self.head.to_owned();
            part.iter().for_each(|row| body.push_str(&self.text[row.csv.span.clone()]));
            let reason = match self.session.send(&self.query, &body).await {
                Sent::Ok(results) => {
                    let before = part.len();
                    let again = self.account(part, &results);
                    attempt = if again.len() < before { 1 } else { attempt + 1 };
                    let reason = again.first().map(|(_, reason)| reason.clone());
                    parts.push_front(again.into_iter().map(|(row, _)| row).collect());
                    match reason {
                        None => continue,
                        Some(reason) if attempt >= ATTEMPTS => reason,
                        Some(_) if self.session.pause(attempt, None).await => continue,
                        Some(_) => "interrupted".to_owned(),
                    }
                }
                Sent::TooLarge if part.len() == 1 => {
                    let row = part.remove(0);
                    self.reject(&row, "the row is too large for one request".to_owned());
                    continue;
                }
                Sent::TooLarge => {
                    let second = part.split_off(part.len() / 2);
                    parts.push_front(second);
                    parts.push_front(part);
                    continue;
                }
                Sent::Refused(reason) | Sent::Stopped(reason) => {
                    parts.push_front(part);
                    reason
                }
            };
            let open: Vec<Row<'t>> = parts.into_iter().flatten().collect();
            self.stop(&open, &reason);
            return open;
        }
        Vec::new()
    }

    /// Adds the results of rows to the summary. Returns the rows that must be sent again, with the
    /// reason.
    fn account(&mut self, rows: Vec<Row<'t>>, results: &Value) -> Vec<(Row<'t>, String)> {
        let mut again = Vec::new();
        for (index, row) in rows.into_iter().enumerate() {
            let result = &results[index];
            let error = &result["error"];
            let code = error["error"].as_str().unwrap_or("NO_RESULT");
            let message =
                error["message"].as_str().unwrap_or("the response has no result for the row");
            match result["status"].as_str() {
                Some("created") => self.summary.created += 1,
                Some("updated") => self.summary.updated += 1,
                Some("skipped") => self.summary.skipped += 1,
                Some("rejected")
                    if !matches!(
                        code,
                        "CONFLICT" | "THROTTLED" | "UNAVAILABLE" | "DIRECTORY_UNAVAILABLE"
                    ) =>
                {
                    self.reject(&row, format!("{code} {message}"));
                }
                _ => again.push((row, format!("{code} {message}"))),
            }
        }
        again
    }

    fn reject(&mut self, row: &Row<'t>, reason: String) {
        let rejected = Rejected { row: row.number, line: row.csv.line, reason };
        if let Some((path, file)) = &mut self.rejects
            && let Err(error) = file.add(self.text, &row.csv, &rejected)
        {
            eprintln!("{} cannot be written: {error}", path.display());
            self.rejects = None;
            self.summary.rejects_file = false;
        }
        self.summary.rejected.push(rejected);
    }

    /// Notes that the import stops before the first of these rows.
    fn stop<'r>(&mut self, open: impl IntoIterator<Item = &'r Row<'t>>, reason: &str)
    where
        't: 'r,
    {
        if let Some(row) = open.into_iter().min_by_key(|row| row.number) {
            let (row, line) = (row.number, row.csv.line);
            self.summary.stopped = Some(Stopped { row, line, reason: reason.to_owned() });
        }
    }
}

/// The parameters of every part: the text is sent as UTF-8.
fn query(options: &Options, csv: &CsvText<'_>) -> Result<String, ImportError> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("encoding", "utf-8").append_pair("delimiter", csv.delimiter().name());
    for map in &options.map {
        map.parse::<shared::import::Override>()?;
        query.append_pair("map", map);
    }
    Ok(query.finish())
}

async fn read(file: &Path) -> Result<Vec<u8>, ImportError> {
    tokio::fs::read(file).await.map_err(|error| unusable(file, &error.to_string()))
}

fn unusable(file: &Path, reason: &str) -> ImportError {
    ImportError::File { file: file.display().to_string(), reason: reason.to_owned() }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let canonical = (std::fs::canonicalize(one), std::fs::canonicalize(other));
    matches!(canonical, (Ok(one), Ok(other)) if one == other)
}
