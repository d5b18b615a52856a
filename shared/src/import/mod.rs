//! Reads CSV files of contacts that people have from other programs and from this service's own
//! exports (SPEC §6, "Import"). The function `contact-import` and the command `import` share these
//! rules.
//!
//! | module | what it does |
//! |---|---|
//! | `encoding` | detects the character encoding of a file, and decodes it |
//! | `plausible` | whether a text makes sense in an encoding |
//! | `file` | the delimiter, the names of the columns, and the rows |
//! | `company` | loads the names of the company's own fields |
//! | `records` | reads records strictly, with their lines and positions |
//! | `format` | recognizes files that are not CSV |
//! | `known` | what a column can contain, and how its name is looked up |
//! | `program` | recognizes the programs, and what their columns contain |
//! | `usual`, `languages`, `compounds` | names of columns in each language |
//! | `target` | the fields that a column can become |
//! | `mapping`, `mapping_error` | which field of a contact each column becomes, and why not |
//! | `zone` | the time zones in the names of this service's columns of times |
//! | `row` | converts a row to a contact |
//! | `values` | splits a cell into several addresses, numbers or tags |
//!
//! Nothing is guessed: a row whose cells cannot be assigned to columns with certainty is an error of
//! that row, and a column that cannot be assigned to one field is an error of the file.

mod company;
mod compounds;
mod encoding;
mod file;
mod format;
mod known;
mod languages;
mod mapping;
mod mapping_error;
mod plausible;
mod program;
mod records;
mod row;
mod target;
mod usual;
mod values;
mod zone;

pub use company::context;
pub use encoding::{EncodingError, decode};
pub use file::{CsvRow, CsvText, Delimiter, FileError};
pub use format::OtherFormat;
pub use mapping::{Column, CompanyFields, Mapping, Override};
pub use mapping_error::MappingError;
pub use records::QuoteError;
pub use row::{Imported, RowError};

#[cfg(test)]
mod cell_tests;
#[cfg(test)]
mod company_tests;
#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod tests;
