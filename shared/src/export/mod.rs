//! Exports: what can be exported from a contact, and what it is called in the file (SPEC §4).

pub mod disposition;
pub mod field;
pub mod label;

pub use disposition::content_disposition;
pub use field::{Field, FieldError, FieldType};
pub use label::Column;
