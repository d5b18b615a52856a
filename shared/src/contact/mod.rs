//! Contacts: the model, the rules for changes, the storage in the table, and the lists.
//!
//! | module | what it does |
//! |---|---|
//! | `model` | a contact in its stored form and in the form that the API returns |
//! | `clean`, `custom_fields` | the stored form of texts, and the exact numbers of custom fields |
//! | `duplicates` | finds contacts that already have the values of a new contact |
//! | `input` | a contact in the form that clients send, and its limits |
//! | `edit` | the rules for changes on behalf of an actor |
//! | `write` | creates, updates and syncs contacts on behalf of viewers |
//! | `deletion` | deletes, restores and erases contacts on behalf of viewers |
//! | `retention` | how long a deleted contact can be restored, and which items it has |
//! | `erasure` | erases contacts in the background, step by step |
//! | `deleted_list` | the list of the deleted contacts that can be restored |
//! | `sync` | creates and updates many contacts by their unique keys |
//! | `imported` | rows of imported files, and the contacts that they are about |
//! | `changes`, `echo` | which cells of an imported row change a contact, how, and which do not |
//! | `unique_key` | decides which contact owns an external id or a first email address |
//! | `index_entry` | the content of an index entry |
//! | `write_plan` | the index entries of a contact, and the steps of a write |
//! | `store` | reads contacts, writes plans, and settles index entries |
//! | `team_owners` | records who set the team owners, and decides what a backfill may change |
//! | `filter` | the filter of a list |
//! | `criteria` | a filter for one viewer, and which contacts match it |
//! | `queries` | the partitions and queries that a list reads for its criteria |
//! | `list_request`, `order` | the request for a page, and the order of a list |
//! | `cursor` | a position in a list, encrypted for clients |
//! | `list` | pages of contacts |
//! | `candidates` | the plans by which a list reads index entries |
//! | `scope_search` | the plan by which a search reads the pointers of a narrow scope |
//! | `rarest_word` | the plan by which a search for several words reads their entries |
//! | `pointer` | an index entry that a list has read |
//! | `walk` | merges queries for index entries into one order |
//! | `search` | searches contacts by the text that a user types |
//! | `look_up` | looks up a contact by an email address or a phone number |
//! | `text`, `phone` | normalized forms of names and phone numbers |
//! | `catalog` | the custom fields that a company's contacts have |
//! | `event` | the events that are logged about team owners |
//! | `error` | why a change is invalid |
//!
//! # How a contact is written
//!
//! A contact is one record and many index entries: a pointer for each list that contains it, a
//! look-up item for each email address and phone number, and its search words. All of them contain
//! the contact's owners, so that lists can skip contacts out of scope without reading the records.
//! A write changes the record and the index entries together, in these steps:
//!
//! 1. **Rules.** [`ContactWriter`] loads the session of the viewer. [`Edit`](edit::Edit) checks
//!    that the stored contact is in the viewer's scope
//!    ([`check_scope`](edit::Edit::check_scope)), applies the input to it
//!    ([`changed`](edit::Edit::changed)), and checks the people and teams in the input
//!    ([`check_teams`](edit::Edit::check_teams)).
//! 2. **Retry.** [`ContactWriter`] runs all the following steps in [`retry`](crate::table::retry):
//!    if another request changed the contact in the meantime ([`SaveError::Changed`]), it reads the
//!    contact again and applies the rules again. [`Sync`](sync::Sync) does the same for each row of
//!    a batch.
//! 3. **Unique keys.** [`Contacts::write`] compares the unique keys of the old and the new contact,
//!    reads their owners, and decides which keys the contact takes, waits for and hands over.
//! 4. **Plan.** [`WritePlan::new`] computes the index entries of the old and the new contact. The
//!    difference is what must be written and deleted. [`StalePointers`] decides whether pointers in
//!    the lists that the contact leaves are deleted now or kept for a minute.
//! 5. **Steps.** [`WritePlan::steps`](write_plan::WritePlan::steps) divides the plan into a single
//!    write of the record, one transaction, or, for more than 100 items, several transactions in
//!    stages. A write in stages first stores a due item. If the process crashes, the clean-up uses
//!    the due item to complete the write.
//! 6. **Save.** [`Contacts::save`] writes the steps. The record is written only if its version has
//!    not changed, and a new unique key only if no contact owns it.
//! 7. **Settle.** [`Contacts::settle`] brings the touched index entries into the state that the
//!    current contact requires, and deletes the due item. It runs directly after a write in stages
//!    without stale pointers. In all other cases the clean-up runs it when the due item is due. It
//!    then also deletes the stale pointers that were kept.
//!
//! The guard, which is [`Scope::admits`](crate::access::Scope::admits), checks the record of every
//! contact before it is returned. So an index entry that is out of date can never show a contact to
//! a viewer who must not see it.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "this page is for maintainers, who read it with the private items"
)]

mod candidates;
mod catalog;
mod changes;
mod clean;
mod criteria;
mod cursor;
mod custom_fields;
mod deleted_list;
mod deletion;
mod duplicates;
mod echo;
mod edit;
mod erasure;
mod error;
pub mod event;
mod filter;
mod imported;
mod index_entry;
mod input;
mod list;
mod list_request;
mod look_up;
mod model;
mod order;
mod phone;
mod pointer;
mod queries;
mod rarest_word;
mod retention;
mod scope_search;
mod search;
mod store;
mod sync;
mod team_owners;
mod text;
mod unique_key;
mod walk;
mod write;
mod write_plan;

use candidates::Candidates;
pub use candidates::ReadPlan;
pub use catalog::{Catalog, CustomField, FieldType};
pub use clean::{clean, folded_email};
pub use criteria::Criteria;
pub use cursor::{Cursor, CursorError, CursorKey, CursorKeyError};
pub use custom_fields::MAX_CUSTOM_KEY_BYTES;
pub use deleted_list::{DeletedPage, DeletedView};
pub use deletion::{ContactDeleter, Restored};
pub use edit::EditError;
pub use erasure::ErasureProgress;
pub use error::ContactError;
pub use filter::{Filter, FilterError, View};
pub use imported::{CellField, Extent, ImportContext, ImportedCell, ImportedRow};
pub use input::{Change, ContactInput, TeamOwner};
pub use list::ContactPage;
pub use list_request::ListRequest;
pub use look_up::{Address, LookUp};
pub use model::{
    Contact, ContactView, JsonText, OfHidden, RecordPermission, StoredContact, StoredText,
    TeamOwnersFrom,
};
pub use order::OrderBy;
pub use phone::digits;
pub use pointer::Pointer;
pub use retention::Retention;
pub use search::{SearchText, SearchTextError};
pub use store::{Contacts, SaveError};
pub use sync::{RowEffect, RowOutcome};
pub use team_owners::{BackfillOutcome, TeamOwnersError};
pub use text::{fold, words};
pub use walk::{RepeatedWalk, Walk};
pub use write::{ContactWriter, POSSIBLE_DUPLICATE, Written};
pub use write_plan::{StalePointers, WritePlan};
