//! Contacts: the model, what a change may say, how a contact stands in the table, and the lists.

mod claim;
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

pub use error::ContactError;
pub use input::{Change, ContactInput};
pub use list::{ContactPage, Cursor, Filter, ListRequest, OrderBy};
pub use model::{Contact, ContactView, RecordPermission};
pub use phone::digits;
pub use plan::Plan;
pub use store::{Contacts, SaveError};
pub use sync::{RowError, RowOutcome, RowStatus, Sync};
pub use team_owners::{Backfilled, TeamOwnersError, TeamOwnersFrom};
pub use text::{fold, words};
pub use walk::{Pointer, Walk};
