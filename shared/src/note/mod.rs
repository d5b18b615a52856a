//! Notes on a contact: what a note is, and the way of its HTML from a submission to the store.
//!
//! A submission goes through [`Draft`]: sanitized once, its mentions found in the sanitized markup
//! (SPEC §3, both anchor forms), then rendered with what the directory says about each of them.
//! The same path serves the worker that verifies pending mentions later: it reads the stored HTML
//! as a draft again.
//!
//! | module | its one idea |
//! |---|---|
//! | `sanitize` | which markup a note may hold, and that it stays as it is when read again |
//! | `markup` | reads and writes markup in the serializer's fixed form |
//! | `mention` | what an anchor means: a mention, a link, or nothing |
//! | `html` | the draft, its rendering, the mobile form |
//! | `length` | how long a submission counts |
//! | `model` | fields of a note and the rules about them |
//! | `record` | a note as it is stored, sent and answered |
//! | `access` | who may do what with a note |
//! | `people` | who the mentions are |
//! | `ledger` | who is to be told, at most once |
//! | `store` | a save, in one transaction |
//! | `verify` | mentions that could not be verified when they were saved |
//! | `page` | reading notes |
//! | `delete` | deleting one |
//! | `admission` | what was read, as far as the viewer may act on it |

mod access;
mod admission;
mod delete;
pub mod event;
mod html;
mod ledger;
mod length;
mod markup;
mod mention;
mod model;
mod page;
mod people;
mod record;
mod sanitize;
mod store;
mod verify;

#[cfg(test)]
mod tests;

pub use access::{NoteAccess, NoteAction, NoteDenial};
pub use admission::live_contact;
pub use delete::NoteDeleter;
pub use html::{Draft, MentionOutcome, Rendered, to_mobile};
pub use ledger::{
    Actor, LEASE, LedgerEntry, MentionMessage, MentionState, PATIENCE, retry_message, retry_due, next_try,
};
pub use length::{NOTE_LENGTH_LIMIT, counted_length};
pub use markup::{has_text, plain_text};
pub use mention::{MENTION_LIMIT, MentionRef};
pub use model::{
    ATTACHMENT_LIMIT, ATTACHMENT_SIZE_LIMIT, Attachment, NoteError, Visibility, check_attachments,
};
pub use page::{NoteCursor, NotePage, NoteReader, ReadNote};
pub use record::{MentionFormat, Note, NoteInput, NoteView};
pub use store::{InvalidMentions, MentionWarning, NoteFailure, NoteWriter, Saved, mention_hosts};
pub use verify::MentionVerifier;
