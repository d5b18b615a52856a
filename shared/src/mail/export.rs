//! The emails about an export: ready with an attached file, ready with only a link, or failed.

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use super::message::{self, Attachment, Composed, Content, Context, MailError};
use super::{fits_as_attachment, format};
use crate::{export::FailureCode, locale::Locale};

/// The content of an email about an export.
#[derive(Debug, Clone)]
pub enum ExportMail<'a> {
    /// The file is ready.
    Ready {
        /// The file name from the export request.
        file_name: &'a str,
        /// The number of contacts in the file.
        rows: u64,
        /// The number of selected contacts that were deleted or outside the requester's scope.
        skipped: u64,
        /// The number of cells that were shortened, because they were too long for a spreadsheet.
        /// Each has a mark at its end.
        cut_cells: u64,
        /// The size of the file in bytes.
        size_bytes: u64,
        /// The download link. It works without a sign-in.
        link: &'a str,
        /// The time at which the link expires.
        expires_at: Timestamp,
        /// The attached file; `None` if the email has only the link. See
        /// [`ExportMail::fits_with_attachment`].
        attachment: Option<Attachment<'a>>,
    },
    /// The export failed.
    Failed {
        /// The file name from the export request.
        file_name: &'a str,
        /// The reason why the export failed. The email explains what the requester can do.
        failure: FailureCode,
        /// The time of the export request.
        requested_at: Timestamp,
    },
}

/// The frame of every HTML body: the name of the product, the content, and why the email was sent.
const LAYOUT: &str = include_str!("templates/layout.html");

struct Templates {
    reason: &'static str,
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

macro_rules! templates {
    ($kind:literal, $locale:literal) => {
        Templates {
            reason: include_str!(concat!("templates/reason/", $locale, ".txt")),
            subject: include_str!(concat!("templates/", $kind, "/", $locale, "/subject.txt")),
            text: include_str!(concat!("templates/", $kind, "/", $locale, "/body.txt")),
            html: include_str!(concat!("templates/", $kind, "/", $locale, "/body.html")),
        }
    };
}

impl ExportMail<'_> {
    /// Composes the whole message.
    ///
    /// # Errors
    /// [`MailError::Template`] if a template uses a value that is not set.
    pub fn compose(&self, context: &Context<'_>) -> Result<Composed, MailError> {
        let attachment = match self {
            Self::Ready { attachment, .. } => attachment.as_ref(),
            Self::Failed { .. } => None,
        };
        let content = self.content(context, attachment.is_some())?;
        Ok(message::build(context, self.kind(), &content, attachment))
    }

    /// Whether the message stays within the size limit with its file attached (SPEC §4, "Email").
    /// False for a failed export. The file itself is not needed: the message is composed with an
    /// empty file, and the encoded size of `size_bytes` is added.
    ///
    /// # Errors
    /// [`MailError::Template`] if a template uses a value that is not set.
    pub fn fits_with_attachment(
        &self,
        context: &Context<'_>,
        content_type: &str,
    ) -> Result<bool, MailError> {
        let Self::Ready { file_name, size_bytes, .. } = *self else { return Ok(false) };
        let file = Attachment { file_name, content_type, bytes: &[] };
        let content = self.content(context, true)?;
        let message = message::build(context, self.kind(), &content, Some(&file));
        let message_bytes = u64::try_from(message.raw.len()).unwrap_or(u64::MAX);
        Ok(fits_as_attachment(message_bytes, size_bytes))
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

    fn content(&self, context: &Context<'_>, attached: bool) -> Result<Content, MailError> {
        let templates = self.templates(context.locale);
        let values = self.values(context, attached);
        let mut environment = Environment::new();
        // Rendering fails if a template uses a value that is not set. By default, the value would
        // be empty.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // minijinja escapes values by the file name: `.html` is escaped, `.txt` is not.
        let render = |name, source| environment.render_named_str(name, source, values.clone());
        let subject = render("subject.txt", templates.subject)?;
        let reason = render("reason.txt", templates.reason)?;
        let layout = context! {
            language => context.locale.as_str(),
            title => subject.clone(),
            product => context.from.shown_name(),
            content => render("body.html", templates.html)?,
            reason => reason.trim_end(),
        };
        Ok(Content {
            text: format!("{}\n\n{reason}", render("body.txt", templates.text)?.trim_end()),
            html: environment.render_named_str("layout.html", LAYOUT, layout)?,
            subject,
        })
    }

    fn values(&self, context: &Context<'_>, attached: bool) -> minijinja::Value {
        let locale = context.locale;
        let count = |number: u64| format::count(number, locale);
        let moment = |at: Timestamp| format::moment(at, context.time_zone, locale);
        let company = context.company.map(message::single_line);
        let product = context.from.shown_name();
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
                company => company,
                product => product,
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
                company => company,
                product => product,
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
