//! Converts the rows of a file to contacts.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::file::CsvRow;
use super::known::{NamePart, Program};
use super::mapping::{Column, Mapping, Target};
use super::records::QuoteError;
use super::values::{addresses, is_rounded, numbers, tags};
use crate::cell_text::{split_list, unprotect};
use crate::contact::{CellField, ImportedCell, ImportedRow};
use crate::id::ContactId;
use crate::invisible::trim;

/// The result of reading one row.
#[derive(Debug)]
pub enum Imported {
    /// The row is a contact.
    Contact(ImportedRow),
    /// The row is not meant to become a contact, and why.
    Skipped(&'static str),
}

/// Why a row is not a contact.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RowError {
    /// The row cannot be divided into cells.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The row has more cells than the header.
    #[error(
        "the row has {cells} cells, but the header has {columns}; put a cell that contains the delimiter in quotes"
    )]
    Surplus {
        /// The number of cells in the row.
        cells: usize,
        /// The number of columns in the header.
        columns: usize,
    },
    /// A cell has a value, but its column has no name.
    #[error("column {0} has no name in the header, but a value in this row")]
    Unnamed(usize),
    /// The cell is not an id of this service, and another column has the external id.
    #[error(
        "{0} is not an id of this service; map the column to external_id, to custom.<key>, or to -"
    )]
    Id(String),
    /// A spreadsheet replaced the digits of a number by an exponent.
    #[error("{column} was rounded by a spreadsheet (\"{text}\"); export it again as text")]
    Rounded {
        /// The name of the column.
        column: String,
        /// The text of the cell.
        text: String,
    },
}

impl RowError {
    /// The name of the column, if the error is about one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Id(column) | Self::Rounded { column, .. } => Some(column),
            Self::Quote(_) | Self::Surplus { .. } | Self::Unnamed(_) => None,
        }
    }
}

/// The values of a row, by field.
#[derive(Default)]
struct Values {
    contact: Map<String, Value>,
    cells: Vec<ImportedCell>,
    name: Option<String>,
    parts: Vec<(NamePart, String)>,
    emails: Vec<String>,
    phones: Vec<String>,
    tags: Vec<String>,
    custom: Map<String, Value>,
    /// Whether this service wrote the row.
    is_own: bool,
}

impl Mapping {
    /// Converts a row to a contact. An empty cell does not change its field.
    ///
    /// # Errors
    /// [`RowError`] if the cells of the row cannot be assigned to columns with certainty, or if a
    /// value was damaged before.
    pub fn row(&self, row: &CsvRow<'_>) -> Result<Imported, RowError> {
        let cells = row.cells.as_ref().map_err(|error| *error)?;
        let columns = self.columns.len();
        if cells.len() > columns {
            return Err(RowError::Surplus { cells: cells.len(), columns });
        }
        if cells.len() == 1 && columns > 1 && self.is_text_below(&cells[0]) {
            return Ok(Imported::Skipped("a line of text below the report"));
        }
        let cells: Vec<_> = cells.iter().map(|cell| unprotect(trim(cell))).collect();
        let cell = |index: usize| cells.get(index).map_or("", |cell| trim(cell));
        let is_own_id = |(index, column): (usize, &Column)| {
            column.target == Target::Id && cell(index).parse::<ContactId>().is_ok()
        };
        let is_own = self.is_own || self.columns.iter().enumerate().any(is_own_id);
        let mut values = Values { is_own, ..Values::default() };
        for (index, column) in self.columns.iter().enumerate() {
            let text = cell(index);
            // Outlook writes this for a date that is not set.
            let is_unset = self.program == Some(Program::Outlook) && text == "0/0/00";
            if text.is_empty() || is_unset {
                continue;
            }
            if column.name.is_empty() && column.target == Target::Ignored {
                return Err(RowError::Unnamed(index + 1));
            }
            if column.target == Target::Deleted {
                match text {
                    "1" | "true" | "TRUE" | "True" => {
                        return Ok(Imported::Skipped("deleted in Salesforce"));
                    }
                    _ => continue,
                }
            }
            let label = column.label.map_or("", cell);
            self.add(column, text, label, &cell, &mut values)?;
        }
        Ok(Imported::Contact(values.finish()))
    }

    /// Whether the only cell of a row is a text below the table of a report, and not an id, which has
    /// no white space.
    fn is_text_below(&self, cell: &str) -> bool {
        let is_key = matches!(self.columns[0].target, Target::Id | Target::ExternalId);
        self.program == Some(Program::SalesforceReport)
            || (is_key && trim(cell).contains(char::is_whitespace))
    }

    fn add<'c>(
        &self,
        column: &Column,
        text: &str,
        label: &str,
        cell: &impl Fn(usize) -> &'c str,
        values: &mut Values,
    ) -> Result<(), RowError> {
        let exact = || match is_rounded(text) {
            true => Err(RowError::Rounded { column: column.name.clone(), text: text.to_owned() }),
            false => Ok(()),
        };
        let is_main = label.starts_with('*');
        match &column.target {
            Target::Id if text.parse::<ContactId>().is_ok() => {
                values.contact.insert("id".to_owned(), json!(text.to_ascii_lowercase()));
            }
            Target::Id if self.has_external_id => return Err(RowError::Id(column.name.clone())),
            Target::Id | Target::ExternalId => {
                exact()?;
                values.set(CellField::ExternalId, text);
            }
            Target::Name => values.name = Some(text.to_owned()),
            Target::Part(part) => values.parts.push((*part, text.to_owned())),
            Target::Emails => {
                // Outlook writes the internal addresses of Exchange, which are not for email.
                if !text.starts_with("/o=") && !text.starts_with("/O=") {
                    extend(&mut values.emails, addresses(text), is_main);
                    values.cell(CellField::Emails, text);
                }
            }
            Target::Phones => {
                exact()?;
                extend(&mut values.phones, numbers(text), is_main);
                values.cell(CellField::Phones, text);
            }
            Target::Tags => {
                let is_system =
                    |tag: &String| self.program == Some(Program::Google) && tag.starts_with('*');
                let tags = match values.is_own {
                    true => split_list(text).into_iter().map(Cow::into_owned).collect(),
                    false => tags(text),
                };
                let tags = tags.into_iter().filter(|tag| !is_system(tag));
                extend(&mut values.tags, tags.collect(), false);
                values.cell(CellField::Tags, text);
            }
            Target::CompanyName => values.set(CellField::CompanyName, text),
            Target::Source => values.set(CellField::Source, text),
            Target::OwnerId => values.set(CellField::OwnerId, text),
            Target::AssigneeId => values.set(CellField::AssigneeId, text),
            Target::TeamOwnerIds => {
                let teams: Vec<_> =
                    text.split([';', ',']).map(trim).filter(|team| !team.is_empty()).collect();
                values.contact.insert("team_owner_ids".to_owned(), json!(teams));
                values.cell(CellField::TeamOwnerIds, text);
            }
            Target::Custom(key) => values.custom(key, text),
            Target::CustomNamedBy(label, key) => {
                let named = trim(cell(*label));
                let key = if named.is_empty() { key } else { named };
                values.custom(&values.free_key(key), text);
            }
            Target::Deleted | Target::Ignored => {}
        }
        Ok(())
    }
}

impl Values {
    /// Notes that a cell sets a field, so that it can be compared with the stored contact.
    fn cell(&mut self, field: CellField, text: &str) {
        self.cells.push(ImportedCell { field, text: text.to_owned() });
    }

    fn set(&mut self, field: CellField, text: &str) {
        self.contact.insert(field.name().to_owned(), json!(text));
        self.cell(field, text);
    }

    fn custom(&mut self, key: &str, text: &str) {
        self.custom.insert(key.to_owned(), json!(text));
        self.cell(CellField::Custom(key.to_owned()), text);
    }

    /// The key itself, or with a number if a column of the row has it already: `Child 2`.
    fn free_key(&self, key: &str) -> String {
        let numbered = (2..).map(|number| format!("{key} {number}"));
        let mut keys = std::iter::once(key.to_owned()).chain(numbered);
        keys.find(|key| !self.custom.contains_key(key)).unwrap_or_default()
    }

    fn finish(mut self) -> ImportedRow {
        self.parts.sort_by_key(|(part, _)| *part);
        let parts = self.parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
        if let Some(name) = self.name.take().or(Some(parts)).filter(|name| !name.is_empty()) {
            self.set(CellField::Name, &name);
        }
        let lists = [("emails", &self.emails), ("phones", &self.phones), ("tags", &self.tags)];
        for (field, values) in lists {
            if !values.is_empty() {
                self.contact.insert(field.to_owned(), json!(values));
            }
        }
        if !self.custom.is_empty() {
            self.contact.insert("custom_fields".to_owned(), Value::Object(self.custom));
        }
        ImportedRow { contact: self.contact, cells: self.cells }
    }
}

/// Adds the values that the list does not have yet: at its start if they are the main ones.
fn extend(list: &mut Vec<String>, values: Vec<String>, first: bool) {
    let mut at = 0;
    for value in values {
        if !list.contains(&value) {
            list.insert(if first { at } else { list.len() }, value);
            at += 1;
        }
    }
}
