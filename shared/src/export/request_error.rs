use std::borrow::Cow;

/// A field of a request for an export, or of a layout, that is not valid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct RequestError {
    /// The path of the field, such as `fields[1].label`.
    pub field: Cow<'static, str>,
    /// What the field must or must not be.
    pub reason: String,
}

impl RequestError {
    pub(super) fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}
