use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    contact::RowOutcome,
    entry::{Code, Failure},
    error::chain,
    id::ContactId,
    import::{CsvText, Imported, Mapping, RowError},
};

/// The maximum number of sample values of a column, and of sample rows.
const SAMPLES: usize = 5;
/// The maximum number of rejected rows that a dry run lists.
const LISTED: usize = 100;
/// The maximum length of a sample value, in characters.
const SAMPLE_LENGTH: usize = 100;

/// What happened to a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Created,
    Updated,
    /// The row is not meant to become a contact.
    Skipped,
    Rejected,
}

/// The result of one row in the response.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// The number of the row in the request, from 0.
    pub(crate) index: usize,
    /// The line of the request on which the row begins, from 1.
    pub(crate) line: usize,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Value>,
}

impl Row {
    /// The result of a row that is not written.
    pub(crate) fn not_written(index: usize, line: usize, status: Status) -> Self {
        Self { index, line, status, id: None, reason: None, error: None }
    }

    pub(crate) fn skipped(index: usize, line: usize, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::not_written(index, line, Status::Skipped) }
    }

    pub(crate) fn rejected(index: usize, line: usize, failure: &Failure) -> Self {
        Self { error: Some(failure.body()), ..Self::not_written(index, line, Status::Rejected) }
    }

    pub(crate) fn unreadable(index: usize, line: usize, error: &RowError) -> Self {
        Self::rejected(index, line, &Failure::invalid(error.column().unwrap_or("row"), error))
    }

    /// The result of a row that the time of the request did not suffice for.
    pub(crate) fn unprocessed(index: usize, line: usize) -> Self {
        let message = "the request ended before this row was written; send the row again";
        Self::rejected(index, line, &Failure::new(Code::Unavailable, message))
    }

    pub(crate) fn written(index: usize, line: usize, outcome: RowOutcome) -> Self {
        use shared::contact::RowStatus;
        match outcome.result {
            Ok((status, id)) => {
                let status = match status {
                    RowStatus::Created => Status::Created,
                    RowStatus::Updated => Status::Updated,
                    RowStatus::Rejected => Status::Rejected,
                };
                Self { id: Some(id), ..Self::not_written(index, line, status) }
            }
            Err(error) => {
                let failure = Failure::from(error);
                if failure.code().parts().1 >= 500 {
                    tracing::warn!(index, error = %chain(&failure), "could not write a row of the import");
                }
                Self::rejected(index, line, &failure)
            }
        }
    }
}

/// What an import would do.
#[derive(Debug, Serialize)]
pub(crate) struct DryRun {
    /// The encoding of the file.
    encoding: &'static str,
    /// The delimiter of the file.
    delimiter: &'static str,
    /// The program that wrote the file.
    program: Option<&'static str>,
    columns: Vec<Column>,
    /// The number of rows.
    rows: usize,
    /// The number of rows that would be skipped.
    skipped: usize,
    /// The number of rows that cannot be read.
    rejected: usize,
    /// The first rows that cannot be read.
    errors: Vec<Row>,
    /// The first contacts.
    samples: Vec<Map<String, Value>>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: String,
    /// The field that the column becomes; `-` if it is ignored.
    field: String,
    /// The first values of the column.
    samples: Vec<String>,
}

impl DryRun {
    /// Reads a file without writing anything.
    pub(crate) fn new(csv: &CsvText<'_>, mapping: &Mapping, encoding: &'static str) -> Self {
        let columns = mapping.columns().iter().map(|column| Column {
            name: column.name.clone(),
            field: column.field(),
            samples: Vec::new(),
        });
        let mut dry_run = Self {
            encoding,
            delimiter: csv.delimiter().name(),
            program: mapping.program(),
            columns: columns.collect(),
            rows: 0,
            skipped: 0,
            rejected: 0,
            errors: Vec::new(),
            samples: Vec::new(),
        };
        for (index, row) in csv.rows().enumerate() {
            dry_run.rows += 1;
            match mapping.row(&row) {
                Ok(Imported::Contact(contact)) => {
                    dry_run.add_samples(row.cells.iter().flatten().map(AsRef::as_ref));
                    if dry_run.samples.len() < SAMPLES {
                        dry_run.samples.push(contact.contact);
                    }
                }
                Ok(Imported::Skipped(_)) => dry_run.skipped += 1,
                Err(error) => {
                    dry_run.rejected += 1;
                    if dry_run.errors.len() < LISTED {
                        dry_run.errors.push(Row::unreadable(index, row.line, &error));
                    }
                }
            }
        }
        dry_run
    }

    fn add_samples<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if !cell.trim().is_empty() && column.samples.len() < SAMPLES {
                column.samples.push(cell.chars().take(SAMPLE_LENGTH).collect());
            }
        }
    }
}
