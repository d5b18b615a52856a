//! Converts the errors and warnings of notes into errors and warnings of the API (SPEC §3, §5).

use serde_json::json;

use super::{Code, Failure, Warning, page::set_once};
use crate::note::{MentionFormat, NoteDenial, NoteError, NoteFailure, NoteWarning};

impl From<NoteFailure> for Failure {
    fn from(failure: NoteFailure) -> Self {
        match failure {
            NoteFailure::NotFound => Self::not_found(),
            NoteFailure::Denied(denial) => denial.into(),
            NoteFailure::Note(error) => error.into(),
            NoteFailure::InvalidMentions(ref ids) => {
                Self::new(Code::InvalidMention, failure.to_string())
                    .with_details(json!({ "invalid_sso_ids": ids }))
            }
            NoteFailure::Access(error) => error.into(),
            NoteFailure::Idempotency(error) => error.into(),
            NoteFailure::Table(error) => error.into(),
        }
    }
}

impl From<NoteDenial> for Failure {
    fn from(denial: NoteDenial) -> Self {
        let failure = Self::new(Code::Forbidden, denial.to_string());
        if denial.is_caused_by_fallback() { failure.caused_by_fallback() } else { failure }
    }
}

impl From<NoteError> for Failure {
    fn from(error: NoteError) -> Self {
        let message = error.to_string();
        match error {
            NoteError::TooLong { length, limit } => Self::new(Code::NoteTooLong, message)
                .with_details(json!({ "length": length, "limit": limit })),
            NoteError::Empty(removed) => {
                let failure = Self::new(Code::NoteEmpty, message);
                if removed.is_empty() {
                    return failure;
                }
                failure.with_details(json!({ "kinds": removed }))
            }
            NoteError::TooManyMentions { count, limit } => {
                Self::new(Code::TooManyMentions, message)
                    .with_details(json!({ "count": count, "limit": limit }))
            }
            NoteError::Attachment { field, reason } => Self::invalid(&field, reason),
        }
    }
}

impl From<NoteWarning> for Warning {
    fn from(warning: NoteWarning) -> Self {
        let (code, message) = code_and_message(&warning);
        let detail = match warning {
            NoteWarning::ContentRemoved(kinds) => Some(("kinds", json!(kinds))),
            NoteWarning::Invalid(id) => Some(("invalid_sso_id", json!(id))),
            NoteWarning::Pending(ids) => Some(("pending_ids", json!(ids))),
            NoteWarning::CannotSeeContact(user) => Some(("sso_id", json!(user))),
            NoteWarning::Earlier(_) => None,
        };
        let details = detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { code, message: message.to_owned(), details }
    }
}

/// The code of a warning, and its message. A warning of an earlier response has only its code.
fn code_and_message(warning: &NoteWarning) -> (&'static str, &'static str) {
    const MESSAGES: [(&str, &str); 4] = [
        ("CONTENT_REMOVED", "a note cannot have some of the submitted content; it was removed"),
        (
            "INVALID_MENTION",
            "a mention does not refer to an active user of the company; it was changed to plain text",
        ),
        (
            "MENTIONS_PENDING",
            "some mentions could not be verified yet; they will be verified later, and the mentioned users will be notified then",
        ),
        ("MENTION_CANNOT_SEE_CONTACT", "a mentioned user cannot open this contact"),
    ];
    let known = MESSAGES.into_iter().find(|(code, _)| *code == warning.code());
    known.unwrap_or(("UNKNOWN", "the first response to this request had a warning"))
}

/// Parses the query parameters of a request that answers with one note: only `mention_format`.
///
/// # Errors
/// 400 with the name of the parameter that is unknown, invalid or repeated.
pub fn parse_mention_format(query: &[(String, String)]) -> Result<MentionFormat, Failure> {
    let mut format = None;
    for (name, value) in query {
        match name.as_str() {
            "mention_format" => set_once(&mut format, name, MentionFormat::from_parameter(value)?)?,
            _ => return Err(Failure::invalid(name, "unknown query parameter")),
        }
    }
    Ok(format.unwrap_or_default())
}

impl MentionFormat {
    /// Parses the value of the query parameter `mention_format`.
    ///
    /// # Errors
    /// 400 for any value other than `web` and `mobile`.
    pub fn from_parameter(value: &str) -> Result<Self, Failure> {
        match value {
            "web" => Ok(Self::Web),
            "mobile" => Ok(Self::Mobile),
            _ => Err(Failure::invalid("mention_format", "must be web or mobile")),
        }
    }
}
