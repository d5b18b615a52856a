//! Notes on contacts, and the people whom they mention (SPEC §3).
//!
//! The HTML of a submission is parsed into a [`Draft`]: it is sanitized once, and its mentions are
//! found in the sanitized markup. The draft is then rendered with the directory's result for each
//! mention. The worker that verifies pending mentions later does the same with the stored HTML.
//!
//! | module | purpose |
//! |---|---|
//! | `tree` | parses HTML into a tree |
//! | `allow` | the allowlist of elements, attributes and classes |
//! | `style` | the allowlist of styles |
//! | `sanitize` | reduces HTML to allowed markup that parsing does not change |
//! | `writer` | writes a tree with allowed markup only, and finds its mentions |
//! | `clean` | sanitized HTML and its mentions |
//! | `markup` | reads and writes HTML in the serializer's form |
//! | `mention` | parses an `a` or `span`: a mention, a link or neither |
//! | `name` | finds the name at the start of a mention |
//! | `html` | parses a note into a draft and renders it, also for the mobile editor |
//! | `removed` | the kinds of content that a note cannot have |
//! | `site` | the address of the web application |
//! | `length` | counts the length of a submission |
//! | `model` | the visibility and attachments of a note, and their limits |
//! | `record` | a note in the table, in a request and in a response |
//! | `access` | the permission rules of notes |
//! | `people` | looks up the mentioned people in the directory |
//! | `ledger` | records notifications, so that a person is notified of a note at most once |
//! | `ledger_change` | decides what a write of a note changes in the ledger |
//! | `store` | the writer of notes, and the results of a save |
//! | `save` | saves a note in one transaction |
//! | `verify` | verifies mentions later, if Launchpad was unavailable at the save |
//! | `page` | reads one note or a page of notes |
//! | `delete` | deletes a note |
//! | `admission` | checks permissions for a contact and a note that were read |
//! | `event` | the log events of notes and mentions |

mod access;
mod admission;
mod allow;
mod clean;
mod delete;
pub mod event;
mod html;
mod ledger;
mod ledger_change;
mod length;
mod markup;
mod mention;
mod model;
mod name;
mod page;
mod people;
mod record;
mod removed;
mod sanitize;
mod save;
mod site;
mod store;
mod style;
mod tree;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use access::{NoteAccess, NoteAction, NoteDenial};
pub use admission::live_contact;
pub use delete::NoteDeleter;
pub use html::{Draft, MentionOutcome, Rendered, to_mobile};
pub use ledger::{
    Actor, LEASE, LedgerEntry, MentionMessage, MentionState, RETRY_WINDOW, ROUND_INTERVAL,
    next_retry, retry_due, retry_message,
};
pub use length::{NOTE_LENGTH_LIMIT, counted_length};
pub use markup::{has_text, plain_text};
pub use mention::{MENTION_LIMIT, MentionRef};
pub use model::{
    ATTACHMENT_LIMIT, ATTACHMENT_SIZE_LIMIT, Attachment, NoteError, Visibility, parse_attachments,
};
pub use page::{NoteCursor, NotePage, NoteReader, ReadNote};
pub use record::{MentionFormat, Note, NoteInput, NoteView};
pub use removed::Removed;
pub use site::Site;
pub use store::{InvalidMentions, NoteFailure, NoteWarning, NoteWriter, Saved};
pub use verify::MentionVerifier;
