//! What happened to the rows of a file.

use std::{fmt, fs::File, path::Path};

use csv::{Writer, WriterBuilder};
use serde_json::Value;
use shared::import::{CsvRow, CsvText};

/// The maximum number of rejected rows that are printed if a file contains all of them.
const SHOWN: usize = 20;

/// The names of the columns that a file of rejected rows has in addition. An import ignores them.
const ADDED: [&str; 3] = ["Import row", "Import line", "Import error"];

/// A row that was not imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// The number of the row, from 1.
    pub row: usize,
    /// The line of the file on which the row begins.
    pub line: usize,
    /// The reason why the row was not imported.
    pub reason: String,
}

/// The place at which an import stopped before the end of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stopped {
    /// The first row without a result. All rows before it have one.
    pub row: usize,
    /// The line of the file on which this row begins.
    pub line: usize,
    /// Why the import stopped.
    pub reason: String,
}

/// The results of all rows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The number of contacts that were created.
    pub created: usize,
    /// The number of existing contacts that were updated, or that already were as in the file.
    pub updated: usize,
    /// The number of rows that are not meant to become contacts, such as the last lines of a report.
    pub skipped: usize,
    /// The rows that were not imported.
    pub rejected: Vec<Rejected>,
    /// The number of rows without a result.
    pub open: usize,
    /// Where and why the import stopped; `None` if it did not.
    pub stopped: Option<Stopped>,
    /// Whether a file contains all rejected rows.
    pub rejects_file: bool,
}

impl Summary {
    /// The number of rows in the file, from the first row that was to be imported.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.created + self.updated + self.skipped + self.rejected.len() + self.open
    }

    /// Whether every row was imported.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rejected.is_empty() && self.stopped.is_none()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, rejected) = (rows_text(self.rows()), self.rejected.len());
        let (created, updated) = (self.created, self.updated);
        write!(
            f,
            "{rows}: {created} created, {updated} updated or unchanged, {rejected} rejected"
        )?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        if self.open > 0 {
            write!(f, ", {} not sent", self.open)?;
        }
        let shown = if self.rejects_file { SHOWN } else { usize::MAX };
        for row in self.rejected.iter().take(shown) {
            write!(f, "\n  row {}, line {}: {}", row.row, row.line, row.reason)?;
        }
        if rejected > shown {
            write!(f, "\n  … and {} more in the file of rejected rows", rejected - shown)?;
        }
        if let Some(Stopped { row, line, reason }) = &self.stopped {
            write!(
                f,
                "\nstopped at row {row}, line {line}: {reason}\ncontinue with --from-row {row}"
            )?;
        }
        Ok(())
    }
}

/// A number of rows with its noun.
pub(super) fn rows_text(rows: usize) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

/// A CSV file of rejected rows. After a correction, it can be imported itself.
pub(super) struct Rejects {
    writer: Writer<File>,
    columns: usize,
}

impl Rejects {
    pub(super) fn create(path: &Path, csv: &CsvText<'_>) -> Result<Self, csv::Error> {
        let mut file = File::create(path)?;
        std::io::Write::write_all(&mut file, "\u{feff}".as_bytes())?;
        let mut writer =
            WriterBuilder::new().delimiter(csv.delimiter().byte()).flexible(true).from_writer(file);
        writer.write_record(csv.headers().iter().map(String::as_str).chain(ADDED))?;
        writer.flush()?;
        Ok(Self { writer, columns: csv.headers().len() })
    }

    /// Adds a row: its cells, or its text in the first cell if it has no readable cells.
    pub(super) fn add(
        &mut self,
        text: &str,
        row: &CsvRow<'_>,
        rejected: &Rejected,
    ) -> Result<(), csv::Error> {
        let text = text[row.span.clone()].trim_end_matches(['\r', '\n']);
        let cells = row.cells.as_ref().ok().filter(|cells| cells.len() <= self.columns);
        let mut record: Vec<&str> = match cells {
            Some(cells) => cells.iter().map(AsRef::as_ref).collect(),
            None => vec![text],
        };
        record.resize(self.columns, "");
        let (number, line) = (rejected.row.to_string(), rejected.line.to_string());
        record.extend([number.as_str(), line.as_str(), rejected.reason.as_str()]);
        self.writer.write_record(record)?;
        self.writer.flush()?;
        Ok(())
    }
}

/// What the columns of a file become, for a person.
pub(super) fn columns(report: &Value) -> String {
    use std::fmt::Write;
    let program = report["program"].as_str().map(|name| format!(", from {name}"));
    let mut text = format!(
        "{} with delimiter {}{}",
        report["encoding"].as_str().unwrap_or_default(),
        report["delimiter"].as_str().unwrap_or_default(),
        program.unwrap_or_default()
    );
    for column in report["columns"].as_array().into_iter().flatten() {
        let field = match column["field"].as_str().unwrap_or_default() {
            "-" => "(ignored)",
            field => field,
        };
        let name = column["name"].as_str().unwrap_or_default();
        let sample = column["samples"][0].as_str().map(|it| format!("   e.g. {it:?}"));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {name:<30} → {field}{}", sample.unwrap_or_default());
    }
    text
}
