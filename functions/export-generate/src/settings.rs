//! The settings of an export file.

use jiff::Timestamp;
use shared::export::{Delimiter, Format};

/// The form of a file, and what it says about itself.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The format of the file.
    pub format: Format,
    /// The character between the cells of a CSV file.
    pub delimiter: Delimiter,
    /// The name of the first sheet of a workbook.
    pub sheet_name: String,
    /// The title in the properties of a workbook.
    pub title: String,
    /// The time of creation in the properties of a workbook.
    pub created_at: Timestamp,
}
