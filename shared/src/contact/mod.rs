//! Contacts: the model, what a change may say, how a contact stands in the table, and the lists.

mod candidates;
mod catalog;
mod claim;
mod edit;
mod error;
mod filter;
mod input;
mod list;
mod look_up;
mod model;
mod phone;
mod plan;
mod search;
mod store;
mod sync;
mod text;
mod walk;
mod write;

use candidates::Candidates;
pub use candidates::ReadPlan;
pub use catalog::{Catalog, CustomField, FieldType};
pub use edit::EditError;
pub use error::ContactError;
pub use filter::{Criteria, Filter, FilterError, View};
pub use input::{Change, ContactInput, TeamOwner};
pub use list::{ContactPage, Cursor, ListRequest, OrderBy};
pub use look_up::{Address, LookUp};
pub use model::{Contact, ContactView, RecordPermission};
pub use phone::digits;
pub use plan::{Departure, Plan};
pub use search::{SearchText, SearchTextError};
pub use store::{Contacts, SaveError};
pub use sync::{RowOutcome, RowStatus};
pub use text::{fold, words};
pub use walk::{Pointer, Walk};
pub use write::{ContactWriter, Written};
