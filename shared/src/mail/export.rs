//! The three emails of an export: ready with the file, ready with the link only, failed.

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use super::message::{self, Composed, Context, MailError, Words};
use super::{fits_as_attachment, format};
use crate::{export::FailureCode, locale::Locale};

/// What an email about an export says.
#[derive(Debug, Clone)]
pub enum ExportMail<'a> {
    /// The file is there.
    Ready {
        /// The file's name, as the requester chose it.
        file_name: &'a str,
        /// Contacts in the file.
        rows: u64,
        /// Selected contacts that were gone or out of the requester's scope.
        skipped: u64,
        /// Cells too long for a spreadsheet, cut with a mark.
        cut_cells: u64,
        /// Size of the file in bytes.
        size_bytes: u64,
        /// The capability link.
        link: &'a str,
        /// When the link stops working.
        expires_at: Timestamp,
        /// The file itself, when it goes along ([`ExportMail::attaches`]).
        attachment: Option<Attachment<'a>>,
    },
    /// No file could be made.
    Failed {
        /// The name the file would have had.
        file_name: &'a str,
        /// Why, in words that tell what to do.
        failure: FailureCode,
        /// When the export was asked for.
        requested_at: Timestamp,
    },
}

/// A file that goes along with a message.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// The name under which it is saved.
    pub file_name: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

struct Templates {
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

macro_rules! templates {
    ($kind:literal, $locale:literal) => {
        Templates {
            subject: include_str!(concat!("templates/", $kind, "/", $locale, "/subject.txt")),
            text: include_str!(concat!("templates/", $kind, "/", $locale, "/body.txt")),
            html: include_str!(concat!("templates/", $kind, "/", $locale, "/body.html")),
        }
    };
}

impl ExportMail<'_> {
    /// The whole message.
    ///
    /// # Errors
    /// [`MailError::Template`] when a template and its values disagree.
    pub fn compose(&self, context: &Context<'_>) -> Result<Composed, MailError> {
        let attachment = match self {
            Self::Ready { attachment, .. } => attachment.as_ref(),
            Self::Failed { .. } => None,
        };
        let words = self.words(context, attachment.is_some())?;
        Ok(message::build(context, self.kind(), &words, attachment))
    }

    /// Whether a ready mail can carry its file of `size_bytes`, which need not be read for it:
    /// the message is composed around an empty file and the encoded size is added
    /// (SPEC §4, "Email"). Never true for a failure.
    ///
    /// # Errors
    /// As [`ExportMail::compose`].
    pub fn attaches(&self, context: &Context<'_>, content_type: &str) -> Result<bool, MailError> {
        let Self::Ready { file_name, size_bytes, .. } = *self else { return Ok(false) };
        let file = Attachment { file_name, content_type, bytes: &[] };
        let empty = message::build(context, self.kind(), &self.words(context, true)?, Some(&file));
        let around = u64::try_from(empty.raw.len()).unwrap_or(u64::MAX);
        Ok(fits_as_attachment(around, size_bytes))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Failed { .. } => "failed",
        }
    }

    fn templates(&self, locale: Locale) -> Templates {
        match (self, locale) {
            (Self::Ready { .. }, Locale::En) => templates!("export_ready", "en"),
            (Self::Ready { .. }, Locale::Id) => templates!("export_ready", "id"),
            (Self::Failed { .. }, Locale::En) => templates!("export_failed", "en"),
            (Self::Failed { .. }, Locale::Id) => templates!("export_failed", "id"),
        }
    }

    fn words(&self, context: &Context<'_>, attached: bool) -> Result<Words, MailError> {
        let templates = self.templates(context.locale);
        let values = self.values(context, attached);
        let mut environment = Environment::new();
        // A value that a template names and nobody gives is an error, not an empty place.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // The escaping follows the name: `.html` is escaped, `.txt` is not.
        let render = |name, source| environment.render_named_str(name, source, values.clone());
        Ok(Words {
            subject: render("subject.txt", templates.subject)?,
            text: render("body.txt", templates.text)?,
            html: render("body.html", templates.html)?,
        })
    }

    fn values(&self, context: &Context<'_>, attached: bool) -> minijinja::Value {
        let locale = context.locale;
        let count = |number: u64| format::count(number, locale);
        let moment = |at: Timestamp| format::moment(at, context.time_zone, locale);
        match self {
            Self::Ready {
                file_name,
                rows,
                skipped,
                cut_cells,
                size_bytes,
                link,
                expires_at,
                attachment: _,
            } => context! {
                name => context.to.name(),
                file_name => message::single_line(file_name),
                rows => count(*rows),
                skipped => (*skipped > 0).then(|| count(*skipped)),
                cut_cells => (*cut_cells > 0).then(|| count(*cut_cells)),
                size => format::size(*size_bytes, locale),
                link => *link,
                expires_at => moment(*expires_at),
                attached => attached,
            },
            Self::Failed { file_name, failure, requested_at } => context! {
                name => context.to.name(),
                file_name => message::single_line(file_name),
                requested_at => moment(*requested_at),
                failure => failure.as_str(),
            },
        }
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
