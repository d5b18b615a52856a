//! Builds a MIME message from text, HTML and an optional file.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use crate::locale::Locale;

/// The length of the longest valid address, in bytes (RFC 5321 §4.5.3.1; SPEC §2 has the same
/// limit).
const MAX_ADDRESS_BYTES: usize = 320;

/// A name and an address that are safe to put into a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
}

/// The data that every message needs in addition to its content.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The sender. Its domain is also the domain of the message id.
    pub from: &'a Mailbox,
    /// The recipient.
    pub to: &'a Mailbox,
    /// The name of the recipient's company; `None` if it is not known.
    pub company: Option<&'a str>,
    /// The id of the export job. The message id consists of the job's id and the kind of message,
    /// so that a message that is composed twice has the same message id.
    pub job_id: &'a str,
    /// The language of subject and body.
    pub locale: Locale,
    /// The time zone of times in the body.
    pub time_zone: &'a TimeZone,
    /// The current time, which is the value of the `Date` header.
    pub now: Timestamp,
}

/// A file that is attached to a message.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// The file name for the recipient.
    pub file_name: &'a str,
    /// The media type, without parameters.
    pub content_type: &'a str,
    /// The content, which is encoded as base64 in the message.
    pub bytes: &'a [u8],
}

/// A composed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The whole message in the format of SES's `SendRawEmail`.
    pub raw: Vec<u8>,
}

/// The reason why a message cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address cannot be used in a header. The error does not contain the address, because
    /// errors are logged.
    #[error("the {0} address is not an email address")]
    Address(&'static str),
    /// A template uses a value that is not set.
    #[error("an email template could not be rendered")]
    Template(#[from] minijinja::Error),
}

impl Mailbox {
    /// Creates a mailbox. `role` (`sender` or `recipient`) is used in the error.
    ///
    /// # Errors
    /// [`MailError::Address`] if the address is longer than 320 bytes, does not have exactly one
    /// `@` with text on both sides, or has white space, control characters or special characters of
    /// headers.
    pub fn new(role: &'static str, name: Option<&str>, address: &str) -> Result<Self, MailError> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.contains(|it: char| it.is_control() || it.is_whitespace())
                && !part.contains(['<', '>', '(', ')', ',', ';', ':', '"', '\\', '[', ']', '@'])
        };
        let valid = address.len() <= MAX_ADDRESS_BYTES
            && address.split_once('@').is_some_and(|(user, host)| plain(user) && plain(host));
        if !valid {
            return Err(MailError::Address(role));
        }
        let name = name.map(single_line).map(Cow::into_owned).filter(|name| !name.is_empty());
        Ok(Self { name, address: address.to_owned() })
    }

    /// The address without the name.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name on one line; `None` if the mailbox has no name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The name or, if the mailbox has none, the domain of the address.
    pub(super) fn shown_name(&self) -> &str {
        self.name().unwrap_or_else(|| self.domain())
    }

    fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    fn header(&self) -> Address<'_> {
        Address::new_address(self.name.as_deref(), self.address.as_str())
    }
}

/// The rendered texts of a message.
pub(super) struct Content {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Builds a message. `kind` (`ready` or `failed`) makes its message id unique within the job.
pub(super) fn build(
    context: &Context<'_>,
    kind: &str,
    content: &Content,
    attachment: Option<&Attachment<'_>>,
) -> Composed {
    let job = token(context.job_id);
    let alternative = multipart(
        "multipart/alternative",
        format!("=_alternative_{job}"),
        vec![
            MimePart::new("text/plain", BodyPart::Text(content.text.as_str().into())),
            MimePart::new("text/html", BodyPart::Text(content.html.as_str().into())),
        ],
    );
    let body = match attachment {
        None => alternative,
        Some(file) => {
            let part = MimePart::new(file.content_type, BodyPart::Binary(file.bytes.into()))
                .attachment(single_line(file.file_name));
            multipart("multipart/mixed", format!("=_mixed_{job}"), vec![alternative, part])
        }
    };
    let mut raw = Vec::new();
    MessageBuilder::new()
        .header("Date", HeaderType::Date(Date::new(context.now.as_second())))
        .message_id(format!("export-{job}-{kind}@{}", context.from.domain()))
        .from(context.from.header())
        .to(context.to.header())
        .subject(single_line(&content.subject))
        // Prevents automatic replies, such as vacation notices (RFC 3834).
        .header("Auto-Submitted", Text::new("auto-generated"))
        .header("Content-Language", Text::new(context.locale.as_str()))
        .header("MIME-Version", Text::new("1.0"))
        .body(body)
        .serialize(&mut raw);
    Composed { raw }
}

/// The boundary starts with `=_`, which cannot occur in base64 or quoted-printable text.
fn multipart<'a>(kind: &'a str, boundary: String, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    MimePart::new(ContentType::new(kind).attribute("boundary", boundary), parts)
}

/// Keeps the characters that are valid in a message id and in a boundary, and at most 40 of them,
/// because a boundary has at most 70 characters.
fn token(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(40).collect()
}

/// Converts a text into one line for a header. Each sequence of line breaks and other control
/// characters becomes a space.
pub(super) fn single_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text.trim());
    }
    let words: Vec<_> = text.split(char::is_control).filter(|word| !word.is_empty()).collect();
    Cow::Owned(words.join(" ").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_break_a_header_is_refused() {
        for address in [
            "",
            "plain",
            "@host.example",
            "user@",
            "two@at@host.example",
            "a b@host.example",
            "a@host.example\r\nBcc: b@host.example",
            "a@host.example,b@host.example",
            "<a@host.example>",
        ] {
            let refused = Mailbox::new("recipient", None, address);
            assert!(matches!(refused, Err(MailError::Address("recipient"))), "{address:?}");
        }
        let long = format!("{}@host.example", "a".repeat(320));
        assert!(Mailbox::new("recipient", None, &long).is_err());
        assert!(Mailbox::new("recipient", None, "budi+crm@host.example").is_ok());
    }

    #[test]
    fn a_name_is_one_line() {
        let mailbox =
            Mailbox::new("recipient", Some("Budi\r\nBcc: x@y.example"), "b@host.example").unwrap();
        assert_eq!(mailbox.name(), Some("Budi Bcc: x@y.example"));
        let unnamed = Mailbox::new("recipient", Some("\r\n"), "b@host.example").unwrap();
        assert_eq!(unnamed.name(), None);
    }
}
