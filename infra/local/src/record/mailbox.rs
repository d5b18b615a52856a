//! The mail that the functions sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser, MimeHeaders};
use serde::{Serialize, Serializer};
use shared::clock::Clock;
use uuid::Uuid;

use super::log::Log;

/// Largest total size of the raw mail that is kept, in bytes. Above this size, the oldest mail is
/// removed.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A mail that was sent, as `GET /_local/mail` shows it (SPEC §6).
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// The id of the mail in the mailbox.
    pub id: Uuid,
    /// Address of the sender.
    pub from: String,
    /// Addresses of all recipients in the envelope. The addresses in the headers may be different.
    pub to: Vec<String>,
    /// Subject line; empty if there is none.
    pub subject: String,
    /// Plain text part; `None` if the mail has none.
    pub text: Option<String>,
    /// HTML part; `None` if the mail has none.
    pub html: Option<String>,
    /// Attached files, in the order of the mail.
    pub attachments: Vec<Attachment>,
    /// The time when SES accepted the mail.
    pub sent_at: Timestamp,
    /// The message exactly as it was sent.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// A file attached to a [`Mail`].
#[derive(Clone, Debug, Serialize)]
pub struct Attachment {
    /// File name; empty if the mail contains none.
    pub name: String,
    /// MIME type.
    pub content_type: String,
    /// Length of the content in bytes.
    pub size: usize,
    /// The decoded content. In JSON, it is in base64.
    #[serde(rename = "base64", serialize_with = "as_base64")]
    pub content: Vec<u8>,
}

fn as_base64<S: Serializer>(content: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(content))
}

/// All mail of a run of the local cloud. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    mails: Log<Mail>,
    clock: Clock,
}

impl Mailbox {
    /// Creates an empty mailbox. The times of the mail come from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { mails: Log::default(), clock }
    }

    /// Parses a raw message but does not keep it; `None` if the message is not valid. `from` and
    /// `to` are the addresses in the envelope, which replace the addresses in the headers.
    #[must_use]
    pub fn parse(&self, raw: Vec<u8>, from: Option<String>, to: Vec<String>) -> Option<Mail> {
        let mail = {
            let message = MessageParser::default().parse(&raw)?;
            Mail {
                id: Uuid::new_v4(),
                from: from.or_else(|| addresses(message.from()).next()).unwrap_or_default(),
                to: if to.is_empty() { recipients(&message) } else { to },
                subject: message.subject().unwrap_or_default().to_owned(),
                text: text(&message),
                html: html(&message),
                attachments: message.attachments().map(attachment).collect(),
                sent_at: self.clock.now(),
                raw: Vec::new(),
            }
        };
        Some(Mail { raw, ..mail })
    }

    /// Adds a mail.
    pub fn keep(&self, mail: Mail) {
        self.mails.push(mail);
        let mut mails = self.mails.entries();
        let mut bytes: usize = mails.iter().map(|mail| mail.raw.len()).sum();
        while bytes > MAX_BYTES {
            let Some(oldest) = mails.pop_front() else { break };
            bytes -= oldest.raw.len();
        }
    }

    /// The current time, which is the `sent_at` of a mail that is accepted now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// All mail, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Mail> {
        self.mails.entries().iter().cloned().collect()
    }

    /// The mail with this id; `None` if it does not exist.
    #[must_use]
    pub fn find(&self, id: Uuid) -> Option<Mail> {
        self.mails.entries().iter().find(|mail| mail.id == id).cloned()
    }
}

/// The plain text part; `None` if the message has none. The parser itself would create a text from
/// the HTML part.
fn text(message: &Message<'_>) -> Option<String> {
    let part = message.text_part(0)?;
    let plain = part.is_text() && !part.is_text_html();
    plain.then(|| part.text_contents().map(str::to_owned)).flatten()
}

fn html(message: &Message<'_>) -> Option<String> {
    let part = message.html_part(0)?;
    part.is_text_html().then(|| part.text_contents().map(str::to_owned)).flatten()
}

fn attachment(part: &mail_parser::MessagePart<'_>) -> Attachment {
    let content_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        },
    );
    Attachment {
        name: part.attachment_name().unwrap_or_default().to_owned(),
        content_type,
        size: part.contents().len(),
        content: part.contents().to_vec(),
    }
}

/// The recipients in the headers. If a request has no destinations, SES sends to To, Cc and Bcc.
fn recipients(message: &Message<'_>) -> Vec<String> {
    addresses(message.to()).chain(addresses(message.cc())).chain(addresses(message.bcc())).collect()
}

fn addresses<'a>(list: Option<&'a Address<'a>>) -> impl Iterator<Item = String> + 'a {
    list.into_iter().flat_map(Address::iter).filter_map(|one| one.address().map(str::to_owned))
}
