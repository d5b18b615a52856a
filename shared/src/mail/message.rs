//! A MIME message from its parts: text, HTML and perhaps a file.

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

use super::export::Attachment;
use crate::locale::Locale;

/// Longest address taken, in bytes (RFC 5321 §4.5.3.1, as SPEC §2 limits emails).
const MAX_ADDRESS_BYTES: usize = 320;

/// A name and an address that are safe to put into a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
}

/// What every message needs beside what it says.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who sends it; the message id's domain is this address's.
    pub from: &'a Mailbox,
    /// Who gets it.
    pub to: &'a Mailbox,
    /// The export job: with the kind of mail it makes the message id, so that a message composed
    /// twice bears the same one.
    pub job_id: &'a str,
    /// The language.
    pub locale: Locale,
    /// The zone in which times are told.
    pub time_zone: &'a TimeZone,
    /// The date of the message.
    pub now: Timestamp,
}

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The whole message as `SendRawEmail` takes it.
    pub raw: Vec<u8>,
}

/// A message that cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address that no header can carry; the address itself is not repeated, as it would end
    /// in a log.
    #[error("the {0} address is not an email address")]
    Address(&'static str),
    /// A template that does not fit its values.
    #[error("an email template could not be rendered")]
    Template(#[from] minijinja::Error),
}

impl Mailbox {
    /// A mailbox; `role` (`sender`, `recipient`) names it in the error.
    ///
    /// # Errors
    /// The address has no or several `@`, nothing on one side of it, whitespace, a control
    /// character or a header's special characters, or is too long.
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

    /// The address alone, as an envelope takes it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name, if there is one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    fn header(&self) -> Address<'_> {
        Address::new_address(self.name.as_deref(), self.address.as_str())
    }
}

/// The rendered words of a message.
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Puts a message together; `kind` (`ready`, `failed`) makes its id the only one of the job.
pub(super) fn build(
    context: &Context<'_>,
    kind: &str,
    words: &Words,
    attachment: Option<&Attachment<'_>>,
) -> Composed {
    let job = token(context.job_id);
    let alternative = multipart(
        "multipart/alternative",
        format!("=_alternative_{job}"),
        vec![
            MimePart::new("text/plain", BodyPart::Text(words.text.as_str().into())),
            MimePart::new("text/html", BodyPart::Text(words.html.as_str().into())),
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
        .subject(single_line(&words.subject))
        // No vacation reply or the like should answer it (RFC 3834).
        .header("Auto-Submitted", Text::new("auto-generated"))
        .header("Content-Language", Text::new(context.locale.as_str()))
        .header("MIME-Version", Text::new("1.0"))
        .body(body)
        .serialize(&mut raw);
    Composed { raw }
}

/// A boundary that starts with `=_` can stand in no base64 and no quoted-printable text.
fn multipart<'a>(kind: &'a str, boundary: String, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    MimePart::new(ContentType::new(kind).attribute("boundary", boundary), parts)
}

/// Keeps what may stand in a message id and in a boundary of at most 70 characters.
fn token(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(40).collect()
}

/// One line for a header: every run of line breaks and other control characters is a space.
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
