//! Contacts: the model, what a change may say, how a contact stands in the table, and the lists.

mod candidates;
mod claim;
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

use candidates::Candidates;
pub use candidates::ReadPlan;
pub use error::ContactError;
pub use filter::{Criteria, Filter, FilterError, View};
pub use input::{Change, ContactInput};
pub use list::{ContactPage, Cursor, ListRequest, OrderBy};
pub use look_up::{Address, LookUp};
pub use model::{Contact, ContactView, RecordPermission};
pub use phone::digits;
pub use plan::Plan;
pub use search::{SearchText, SearchTextError};
pub use store::{Contacts, SaveError};
pub use sync::{RowError, RowOutcome, RowStatus, Sync};
pub use text::{fold, words};
pub use walk::{Pointer, Walk};
