//! Converts the rows of a file to contacts.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::file::CsvRow;
use super::known::NamePart;
use super::mapping::{Column, Mapping};
use super::program::Program;
use super::records::QuoteError;
use super::target::Target;
use super::values::{addresses, numbers, tags};
use crate::cell_text::{is_rounded, read_cell, split_list, without_decimal};
use crate::contact::{CellField, Extent, ImportedCell, ImportedRow};
use crate::id::ContactId;
use crate::invisible::trim;

/// What Outlook writes for a date that is not set, in each language.
const UNSET_DATE: &str = "0/0/00";

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
    #[error(
        "column {0} has no name in the header, but a value in this row; add a name, or map #{0} to a field or to -"
    )]
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
        let cells: Vec<_> = cells.iter().map(|cell| read_cell(cell)).collect();
        if columns > 1 && self.is_text_below(&cells) {
            return Ok(Imported::Skipped("a line of text below the report"));
        }
        let cell = |index: usize| cells.get(index).map_or("", AsRef::as_ref);
        let is_own_id = |(index, column): (usize, &Column)| {
            column.target == Target::Id && own_id(cell(index)).is_some()
        };
        let is_own = self.is_own || self.columns.iter().enumerate().any(is_own_id);
        let mut values = Values { is_own, ..Values::default() };
        for (index, column) in self.columns.iter().enumerate() {
            let text = cell(index);
            if text.is_empty() || text == UNSET_DATE {
                continue;
            }
            if column.target == Target::Unnamed {
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

    /// Whether the only value of a row is a text below the table of a report, and not an id, which has
    /// no white space. A spreadsheet adds empty cells to such a line.
    fn is_text_below(&self, cells: &[Cow<'_, str>]) -> bool {
        let Some((text, others)) = cells.split_first() else { return false };
        if others.iter().any(|cell| !cell.is_empty()) {
            return false;
        }
        let is_key = matches!(self.columns[0].target, Target::Id | Target::ExternalId);
        let has_space = text.contains(char::is_whitespace);
        if self.program == Some(Program::SalesforceReport) {
            // Every id of Salesforce has digits.
            let is_word = is_key && !text.contains(|c: char| c.is_ascii_digit());
            return others.is_empty() || has_space || is_word;
        }
        is_key && has_space
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
            Target::Id if own_id(text).is_some() => {
                values.contact.insert("id".to_owned(), json!(text.to_ascii_lowercase()));
            }
            Target::Id if self.has_external_id => return Err(RowError::Id(column.name.clone())),
            Target::Id | Target::ExternalId => {
                exact()?;
                values.set(CellField::ExternalId, text);
            }
            Target::Name => values.name = Some(text.to_owned()),
            Target::Part(part) => values.parts.push((*part, text.to_owned())),
            Target::Emails(_) | Target::Phones(_) if is_placeholder(text) => {}
            Target::Emails(extent) => {
                // Outlook writes the internal addresses of Exchange, which are not for email.
                if !text.starts_with("/o=") && !text.starts_with("/O=") {
                    let found = addresses(text);
                    extend(&mut values.emails, &found, is_main);
                    values.list(CellField::Emails(values.extent(*extent)), text, found);
                }
            }
            Target::Phones(extent) => {
                exact()?;
                let found = match values.extent(*extent) {
                    // An export writes the first number as it is.
                    Extent::First => vec![without_decimal(text).to_owned()],
                    Extent::All | Extent::Any => numbers(text),
                };
                extend(&mut values.phones, &found, is_main);
                values.list(CellField::Phones(values.extent(*extent)), text, found);
            }
            Target::Tags => {
                let is_system =
                    |tag: &String| self.program == Some(Program::Google) && tag.starts_with('*');
                let tags = match values.is_own {
                    true => split_list(text).into_iter().map(Cow::into_owned).collect(),
                    false => tags(text),
                };
                let tags: Vec<_> = tags.into_iter().filter(|tag| !is_system(tag)).collect();
                extend(&mut values.tags, &tags, false);
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
            Target::Deleted | Target::Unnamed | Target::Ignored => {}
        }
        Ok(())
    }
}

impl Values {
    /// Notes that a cell sets a field, so that it can be compared with the stored contact.
    fn cell(&mut self, field: CellField, text: &str) {
        self.list(field, text, Vec::new());
    }

    /// [`Values::cell`] for a cell with several values.
    fn list(&mut self, field: CellField, text: &str, values: Vec<String>) {
        self.cells.push(ImportedCell { field, text: text.to_owned(), values });
    }

    /// Which of the contact's addresses or numbers a column has. In the files of other programs, the
    /// name of a column does not show it.
    fn extent(&self, of_column: Extent) -> Extent {
        if self.is_own { of_column } else { Extent::Any }
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

/// The id of this service's contact. All of them are UUIDs of version 7; those of other programs are
/// mostly of version 4.
fn own_id(text: &str) -> Option<ContactId> {
    text.parse().ok().filter(|id: &ContactId| id.as_uuid().get_version_num() == 7)
}

/// Whether people write the text, such as `-`, for an address or number that they do not know.
fn is_placeholder(text: &str) -> bool {
    !text.contains(char::is_alphanumeric)
}

/// Adds the values that the list does not have yet: at its start if they are the main ones.
fn extend(list: &mut Vec<String>, values: &[String], first: bool) {
    let mut at = 0;
    for value in values {
        if !list.contains(value) {
            list.insert(if first { at } else { list.len() }, value.clone());
            at += 1;
        }
    }
}
