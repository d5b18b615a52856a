//! What an export contains: the result of a checked request.

use serde::{Deserialize, Serialize};

use super::label::Column;
use crate::{contact::Filter, id::ContactId, locale::Locale};

/// The format of an exported file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the formats")]
pub enum Format {
    Xlsx,
    Csv,
}

/// Which contacts an export contains.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The contacts with the ids in [`Job::ids_key`](super::Job::ids_key).
    Ids {
        /// The number of distinct ids, at most 10,000.
        count: u64,
    },
    /// The contacts that a list with this filter shows.
    Filter(Box<Filter>),
}

/// A checked request for an export.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportOrder {
    /// The format of the file.
    pub format: Format,
    /// Which contacts it contains.
    pub selection: Selection,
    /// The selected ids without duplicates; empty for a filter.
    pub ids: Vec<ContactId>,
    /// The columns of the file, in order.
    pub columns: Vec<Column>,
    /// The name of the file; safe in object keys and headers.
    pub file_name: String,
    /// The IANA name of the time zone in which dates are written.
    pub time_zone: String,
    /// The language of headers and emails.
    pub locale: Locale,
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

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}
