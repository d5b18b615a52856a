//! Converts the errors and warnings of notes into errors and warnings of the API (SPEC §3, §5).

use serde_json::{Map, Value, json};

use super::{Code, Failure, Warning};
use crate::note::{MentionWarning, NoteDenial, NoteError, NoteFailure};

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

impl From<MentionWarning> for Warning {
    fn from(warning: MentionWarning) -> Self {
        let (code, message, name, value) = match warning {
            MentionWarning::ContentRemoved(kinds) => (
                "CONTENT_REMOVED",
                "a note cannot have some of the submitted content; it was removed",
                "kinds",
                json!(kinds),
            ),
            MentionWarning::Invalid(id) => (
                "INVALID_MENTION",
                "a mention does not refer to an active user of the company; it was changed to plain text",
                "invalid_sso_id",
                json!(id),
            ),
            MentionWarning::Pending(ids) => (
                "MENTIONS_PENDING",
                "some mentions could not be verified yet; they will be verified later, and the mentioned users will be notified then",
                "pending_ids",
                json!(ids),
            ),
            MentionWarning::CannotSeeContact(user) => (
                "MENTION_CANNOT_SEE_CONTACT",
                "a mentioned user cannot open this contact",
                "sso_id",
                json!(user),
            ),
        };
        let details: Map<String, Value> = Map::from_iter([(name.to_owned(), value)]);
        Self { code, message: message.to_owned(), details }
    }
}
