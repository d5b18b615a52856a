//! The visibility and attachments of a note, and their limits (SPEC §3).

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::removed::{EmptyNote, Removed};

/// The maximum number of attachments of one note.
pub const ATTACHMENT_LIMIT: usize = 10;

/// The maximum size of an attachment, in bytes (25 MiB).
pub const ATTACHMENT_SIZE_LIMIT: u64 = 25 * 1024 * 1024;

const NAME_LIMIT: usize = 255;
const URL_LIMIT: usize = 2048;

/// The allowed media types of attachments: common documents and images. HTML and SVG are not
/// allowed, because both can contain scripts.
const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/csv",
    "text/plain",
    "text/rtf",
];

/// Which users may read a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// All users who may read the contact's notes.
    #[default]
    Public,
    /// Only the author. The note sends no notifications until it is public.
    Private,
}

/// A file that a note refers to. The file itself is stored elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The file name that users see: 1 to 255 characters, without control characters.
    pub name: String,
    /// The media type, without parameters.
    pub content_type: String,
    /// The size in bytes, at most [`ATTACHMENT_SIZE_LIMIT`].
    pub size: u64,
    /// The file's `https` URL, parsed and escaped, at most 2,048 bytes.
    pub url: String,
}

/// The reason why the content of a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The HTML is too long (`NOTE_TOO_LONG`).
    #[error("the note has {length} characters; at most {limit} are allowed")]
    TooLong {
        /// The length of the HTML in characters; see [`counted_length`](super::counted_length).
        length: usize,
        /// The maximum number of characters.
        limit: usize,
    },
    /// The note has neither visible text nor an attachment (`NOTE_EMPTY`). The value contains the
    /// kinds of content that were removed from it.
    #[error("{}", EmptyNote(.0))]
    Empty(Vec<Removed>),
    /// The note mentions too many people (`TOO_MANY_MENTIONS`).
    #[error("the note mentions {count} people; at most {limit} are allowed")]
    TooManyMentions {
        /// The number of distinct people whom the note mentions.
        count: usize,
        /// The maximum number of people.
        limit: usize,
    },
    /// An attachment is invalid (`INVALID_REQUEST`).
    #[error("{field} {reason}")]
    Attachment {
        /// The field's path in the request body, such as `attachments[2].url`.
        field: String,
        /// The reason why the field is invalid, as a text that follows the field's name.
        reason: String,
    },
}

/// Checks the attachments of a note, and returns them with their URLs in the form that is stored:
/// parsed as browsers parse them, and escaped.
///
/// # Errors
/// [`NoteError::Attachment`] for the first invalid field.
pub fn parse_attachments(attachments: Vec<Attachment>) -> Result<Vec<Attachment>, NoteError> {
    if attachments.len() > ATTACHMENT_LIMIT {
        let reason =
            format!("has {} items; at most {ATTACHMENT_LIMIT} are allowed", attachments.len());
        return Err(NoteError::Attachment { field: "attachments".to_owned(), reason });
    }
    let parsed = attachments.into_iter().enumerate().map(|(index, attachment)| {
        attachment.parse().map_err(|(field, reason)| NoteError::Attachment {
            field: format!("attachments[{index}].{field}"),
            reason,
        })
    });
    parsed.collect()
}

impl Attachment {
    fn parse(self) -> Result<Self, (&'static str, String)> {
        let name_length = self.name.chars().count();
        if self.name.trim().is_empty() || name_length > NAME_LIMIT {
            return Err(("name", format!("must be 1 to {NAME_LIMIT} characters long")));
        }
        if self.name.chars().any(char::is_control) {
            return Err(("name", "must not contain control characters".to_owned()));
        }
        if !CONTENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(&self.content_type)) {
            return Err(("content_type", "is not a supported document or image type".to_owned()));
        }
        if self.size > ATTACHMENT_SIZE_LIMIT {
            let reason = format!("must be at most {ATTACHMENT_SIZE_LIMIT} bytes");
            return Err(("size", reason));
        }
        let url = parse_url(&self.url).map_err(|reason| ("url", reason))?;
        Ok(Self { url, ..self })
    }
}

/// Parses an `https` URL and returns it escaped, so that it can be put into an attribute, with any
/// kind of quotes, and means the same in every browser.
fn parse_url(url: &str) -> Result<String, String> {
    let too_long = || format!("must be at most {URL_LIMIT} bytes long");
    if url.len() > URL_LIMIT {
        return Err(too_long());
    }
    let parsed = Url::parse(url).map_err(|error| format!("is not a valid URL: {error}"))?;
    if parsed.scheme() != "https" {
        return Err("must be an https URL".to_owned());
    }
    let with_credentials = !parsed.username().is_empty() || parsed.password().is_some();
    if with_credentials {
        return Err("must not contain credentials".to_owned());
    }
    // The parser escapes spaces, double quotes, angle brackets and all characters beyond ASCII.
    let escaped = parsed.as_str().replace('\'', "%27");
    if escaped.len() > URL_LIMIT {
        return Err(format!("{} after its characters are escaped", too_long()));
    }
    Ok(escaped)
}
