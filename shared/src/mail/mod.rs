//! Composes emails as whole MIME messages; the function `export-email` sends them.
//!
//! The same input always results in the same bytes, because the date, the message id and the
//! boundaries come from [`Context`].

mod export;
mod format;
mod message;

pub use export::ExportMail;
pub use message::{Attachment, Composed, Context, MailError, Mailbox};

/// The maximum size of a message with an attached file, in bytes. It is 9.9 MB, which is below the
/// SES limit of 10 MB (SPEC §4, "Email").
pub const MAX_ATTACHED_MESSAGE_BYTES: u64 = 9_900_000;

/// The size of a file in a message, in bytes. The file is encoded as base64 in lines of 76
/// characters, and each line ends with CRLF.
pub fn encoded_size(file_bytes: u64) -> u64 {
    let base64 = file_bytes.div_ceil(3).saturating_mul(4);
    base64.saturating_add(base64.div_ceil(76).saturating_mul(2))
}

/// Whether a file of `file_bytes` can be attached to a message that has `message_bytes` without it.
/// The complete message must be smaller than [`MAX_ATTACHED_MESSAGE_BYTES`].
pub fn fits_as_attachment(message_bytes: u64, file_bytes: u64) -> bool {
    message_bytes.saturating_add(encoded_size(file_bytes)) < MAX_ATTACHED_MESSAGE_BYTES
}
