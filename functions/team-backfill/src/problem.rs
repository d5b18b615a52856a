//! The problems of single rows. They are counted and reported, and the run continues.

use serde::{Deserialize, Serialize};
use shared::id::ContactId;

/// The maximum number of problems, and of unmatched teams, that a report lists.
pub(crate) const MAX_LISTED: usize = 1000;

/// The input file that contains the row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputFile {
    People,
    Teams,
}

/// Why a row was not applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ProblemCode {
    /// The row has too few fields, no id, an id that is too long, or is not UTF-8.
    MalformedRow,
    /// The row is longer than the maximum length of a record, or has too many fields.
    RowTooLong,
    /// The row has more teams than a contact can have.
    TooManyTeams,
    /// No contact of the company has the external id.
    NoSuchContact,
    /// The contact would exceed the size limit of contacts.
    ContactTooLarge,
    /// Other requests kept changing the contact at the same time.
    Conflict,
}

/// A row that was not applied, and the reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) file: InputFile,
    /// The number of the row; the header is row 1. In a revert, the number is 0.
    pub(crate) row: u64,
    pub(crate) code: ProblemCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<ContactId>,
}
