//! Emails: composed here as whole MIME messages, sent elsewhere.
//!
//! A message is a pure function of what it says: the same input gives the same bytes, with the
//! date, the message id and the boundaries taken from the context.

mod export;
mod format;
mod message;

pub use export::{Attachment, ExportMail};
pub use message::{Composed, Context, MailError, Mailbox};

/// Largest finished message that carries its file, in bytes: 9.9 MB, under the 10 MB that SES
/// takes (SPEC §4, "Email").
pub const MAX_ATTACHED_MESSAGE_BYTES: u64 = 9_900_000;

/// How many bytes a file takes in a message: base64 in lines of 76 characters, each ended by CRLF.
pub fn encoded_size(file_bytes: u64) -> u64 {
    let base64 = file_bytes.div_ceil(3).saturating_mul(4);
    base64.saturating_add(base64.div_ceil(76).saturating_mul(2))
}

/// Whether a file of this size goes along with a message that takes `message_bytes` without it:
/// the finished message has to stay under [`MAX_ATTACHED_MESSAGE_BYTES`].
pub fn fits_as_attachment(message_bytes: u64, file_bytes: u64) -> bool {
    message_bytes.saturating_add(encoded_size(file_bytes)) < MAX_ATTACHED_MESSAGE_BYTES
}
