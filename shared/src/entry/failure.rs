use std::{error::Error, fmt};

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::{
    access::AccessError,
    contact::CursorError,
    directory::DirectoryError,
    export::{FilesError, LayoutError, RequestError},
    idempotency::IdempotencyError,
    table::TableError,
};

/// The value of `team_scope` in a response that the fallback affected (SPEC §2, "Launchpad
/// failure").
pub(super) const FALLBACK_SCOPE: &str = "owned_only_fallback";
/// The header of a response that the fallback affected.
pub(super) const FALLBACK_HEADER: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-team-permission-fallback"), HeaderValue::from_static("owned-only"));

/// The error codes of the API (SPEC §5). [`Code::parts`] returns the HTTP status of each code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each variant has the name of its code")]
pub enum Code {
    InvalidRequest,
    Forbidden,
    PlanNotAllowed,
    NotFound,
    FeatureDisabled,
    Conflict,
    KeyTaken,
    ExportExpired,
    TeamOwnerInvalid,
    InvalidMention,
    TooManyMentions,
    NoteTooLong,
    NoteEmpty,
    IdempotencyKeyReused,
    TooManyExports,
    Throttled,
    DirectoryUnavailable,
    Unavailable,
}

impl Code {
    /// The text of the code in responses, and its HTTP status.
    #[must_use]
    pub fn parts(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("INVALID_REQUEST", 400),
            Self::Forbidden => ("FORBIDDEN", 403),
            Self::PlanNotAllowed => ("PLAN_NOT_ALLOWED", 403),
            Self::NotFound => ("NOT_FOUND", 404),
            Self::FeatureDisabled => ("FEATURE_DISABLED", 404),
            Self::Conflict => ("CONFLICT", 409),
            Self::KeyTaken => ("KEY_TAKEN", 409),
            Self::ExportExpired => ("EXPORT_EXPIRED", 410),
            Self::TeamOwnerInvalid => ("TEAM_OWNER_INVALID", 422),
            Self::InvalidMention => ("INVALID_MENTION", 422),
            Self::TooManyMentions => ("TOO_MANY_MENTIONS", 422),
            Self::NoteTooLong => ("NOTE_TOO_LONG", 422),
            Self::NoteEmpty => ("NOTE_EMPTY", 422),
            Self::IdempotencyKeyReused => ("IDEMPOTENCY_KEY_REUSED", 422),
            Self::TooManyExports => ("TOO_MANY_EXPORTS", 429),
            Self::Throttled => ("THROTTLED", 429),
            Self::DirectoryUnavailable => ("DIRECTORY_UNAVAILABLE", 503),
            Self::Unavailable => ("UNAVAILABLE", 503),
        }
    }
}

/// An error response of the API, together with the error that caused it.
///
/// The domain's own error types know nothing about HTTP; handlers convert them into this type. Its
/// status can only be 4xx or 503.
///
/// The client gets the code, the message and the details. The log gets the result of
/// [`chain`](crate::error::chain): the code (from `Display`), then the causes (from `source`),
/// which may contain internal details.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
    details: Value,
    retry_after: Option<u32>,
    is_caused_by_fallback: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// Creates an error with this code and message. Codes for temporary errors also set
    /// `Retry-After`.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let retry_after = match code {
            Code::Throttled | Code::Unavailable => Some(1),
            Code::DirectoryUnavailable => Some(3),
            Code::TooManyExports => Some(60),
            _ => None,
        };
        Self {
            code,
            message: message.into(),
            details: json!({}),
            retry_after,
            is_caused_by_fallback: false,
            source: None,
        }
    }

    /// Creates a 400 error with the name of the invalid field or parameter, in the message and in
    /// `details.field`.
    #[must_use]
    pub fn invalid(field: &str, reason: impl fmt::Display) -> Self {
        Self::new(Code::InvalidRequest, format!("{field}: {reason}"))
            .with_details(json!({ "field": field }))
    }

    /// Creates a 404 error without further details, so that the response does not reveal which
    /// records exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "not found")
    }

    /// Creates a 403 error for a company whose plan does not include exports (SPEC §4).
    #[must_use]
    pub fn plan_not_allowed() -> Self {
        Self::new(Code::PlanNotAllowed, "exports require a Growth or Enterprise plan")
    }

    /// Sets the object `details` of the response, which client programs can read.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Marks a refusal as caused by the fallback: the viewer's scope was narrowed because Launchpad
    /// failed, so the same request may succeed later. The response reports it in
    /// `details.team_scope` and in a header (SPEC §2, "Launchpad failure").
    #[must_use]
    pub fn caused_by_fallback(mut self) -> Self {
        self.is_caused_by_fallback = true;
        self.details["team_scope"] = FALLBACK_SCOPE.into();
        self
    }

    /// Sets the error that caused this one. It is logged and never sent to the client.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The error code, which decides the HTTP status.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The message for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The value of the header `Retry-After` in seconds; `None` if a retry cannot succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Whether the fallback caused the refusal; see [`Failure::caused_by_fallback`].
    #[must_use]
    pub fn is_caused_by_fallback(&self) -> bool {
        self.is_caused_by_fallback
    }

    /// The body of the response.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "error": self.code.parts().0, "message": self.message, "details": self.details })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.parts().0)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        let code = match &error {
            TableError::Throttled(_) => Code::Throttled,
            TableError::Contention(_) | TableError::ConditionFailed => Code::Conflict,
            TableError::Unavailable(_) | TableError::Shape(_) | TableError::Refused(_) => {
                Code::Unavailable
            }
        };
        let message = match code {
            Code::Throttled => "too many requests; wait a moment and try again",
            Code::Conflict => "another request changed the same record at the same time; try again",
            _ => "the service is temporarily unavailable; try again",
        };
        Self::new(code, message).with_source(error)
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        Self::new(
            Code::DirectoryUnavailable,
            "the user directory is temporarily unavailable; try again",
        )
        .with_source(error)
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Disabled | AccessError::OutOfScope => {
                Self::new(Code::Forbidden, error.to_string())
            }
            AccessError::OutOfNarrowedScope => {
                Self::new(Code::Forbidden, error.to_string()).caused_by_fallback()
            }
            AccessError::Directory(error) => error.into(),
            AccessError::Table(error) => error.into(),
        }
    }
}

impl From<CursorError> for Failure {
    fn from(error: CursorError) -> Self {
        let message = "the cursor of the next page could not be created; try again";
        Self::new(Code::Unavailable, message).with_source(error)
    }
}

impl From<IdempotencyError> for Failure {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Malformed => Self::invalid("idempotency-key", error),
            IdempotencyError::Reused => Self::new(Code::IdempotencyKeyReused, error.to_string()),
            IdempotencyError::Table(error) => error.into(),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::invalid(&error.field, error.reason)
    }
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::NameTaken => Self::new(Code::Conflict, error.to_string())
                .with_details(json!({ "field": "name" })),
            LayoutError::TooMany => Self::new(Code::Conflict, error.to_string()),
            LayoutError::Missing => Self::not_found(),
            LayoutError::NotAllowed => Self::new(Code::Forbidden, error.to_string()),
            LayoutError::Table(error) => error.into(),
        }
    }
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        Self::new(Code::Unavailable, "the file storage is temporarily unavailable; try again")
            .with_source(error)
    }
}
