//! Contacts: the model, what a change may say, how a contact stands in the table, and the lists.

mod catalog;
mod claim;
mod edit;
mod error;
mod input;
mod list;
mod model;
mod phone;
mod plan;
mod store;
mod sync;
mod team_owners;
mod text;
mod walk;
mod write;

pub use catalog::{Catalog, CustomField, FieldType};
pub use edit::EditError;
pub use error::ContactError;
pub use input::{Change, ContactInput, TeamOwner};
pub use list::{ContactPage, Cursor, Filter, ListRequest, OrderBy};
pub use model::{Contact, ContactView, RecordPermission};
pub use phone::digits;
pub use plan::{Departure, Plan};
pub use store::{Contacts, SaveError};
pub use sync::{RowOutcome, RowStatus};
pub use team_owners::{Backfilled, TeamOwnersError, TeamOwnersFrom};
pub use text::{fold, words};
pub use walk::{Pointer, Walk};
pub use write::{ContactWriter, Written};
