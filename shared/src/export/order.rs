//! The result of a checked export request: the contacts, columns and format of the file.

use serde::{Deserialize, Serialize};

use super::label::Column;
use crate::{
    contact::Filter,
    id::{ContactId, LayoutId},
    locale::Locale,
};

/// The format of an exported file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the formats")]
pub enum Format {
    Xlsx,
    Csv,
}

/// The character between the cells of a CSV file. Spreadsheets expect the list separator of the
/// user's locale, which is a semicolon in most languages with a decimal comma.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the characters")]
pub enum Delimiter {
    #[default]
    Comma,
    Semicolon,
    Tab,
}

/// The contacts to export.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The contacts whose ids are stored in the object [`Job::ids_key`](super::Job::ids_key).
    Ids {
        /// The number of ids without duplicates, at most 10,000.
        count: u64,
    },
    /// The contacts that match this filter, as in a list of contacts.
    Filter(Box<Filter>),
}

/// A checked request for an export.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportOrder {
    /// The format of the file.
    pub format: Format,
    /// The character between the cells of a CSV file. A workbook ignores it.
    pub delimiter: Delimiter,
    /// The contacts to export.
    pub selection: Selection,
    /// The selected contact ids without duplicates; empty if the request has a filter.
    pub ids: Vec<ContactId>,
    /// The columns of the file, in order.
    pub columns: Vec<Column>,
    /// The layout from which the columns were copied; `None` if the request listed fields.
    pub layout_id: Option<LayoutId>,
    /// The name of the file. It is safe in object keys and headers.
    pub file_name: String,
    /// The IANA name of the time zone in which dates are written.
    pub time_zone: String,
    /// The language of column headers and emails.
    pub locale: Locale,
}

impl Selection {
    /// Returns the selection without the texts of its filter, which can be personal data, and the
    /// names of the fields of the filter that contained them.
    pub(super) fn without_texts(&self) -> (Self, Vec<&'static str>) {
        match self {
            Self::Ids { .. } => (self.clone(), Vec::new()),
            Self::Filter(filter) => {
                let (rest, removed) = filter.without_texts();
                (Self::Filter(Box::new(rest)), removed)
            }
        }
    }
}

impl Delimiter {
    /// The character.
    #[must_use]
    pub fn as_byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl Format {
    /// The extension of the file name, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// The media type of the format.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}
