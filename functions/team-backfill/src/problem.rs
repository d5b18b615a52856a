//! The problems of single rows: they are counted and reported, and the run continues.

use serde::{Deserialize, Serialize};
use shared::id::ContactId;

/// The maximum number of problems, and of unmatched teams, that a report lists.
pub(crate) const MAX_LISTED: usize = 1000;

/// The input file of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputFile {
    People,
    Teams,
}

/// Why a row changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ProblemCode {
    /// The row has too few fields, no id, an id that is too long, or is not UTF-8.
    MalformedRow,
    /// The row is longer than the maximum.
    RowTooLong,
    /// The row has more teams than a contact can have.
    TooManyTeams,
    /// No contact of the company has the external id.
    NoSuchContact,
    /// The contact would exceed the size limit of contacts.
    ContactTooLarge,
    /// Concurrent changes of the contact did not stop.
    Conflict,
}

/// A row that changed nothing, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) file: InputFile,
    /// The number of the row; the header is row 1. 0 for a contact in a revert.
    pub(crate) row: u64,
    pub(crate) code: ProblemCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<ContactId>,
}
