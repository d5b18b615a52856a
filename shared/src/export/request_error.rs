use std::borrow::Cow;

/// The error for a field of an export request or a layout that is not valid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct RequestError {
    /// The path of the field in the request, such as `fields[1].label`.
    pub field: Cow<'static, str>,
    /// The rule that the value breaks, such as `must not contain control characters`.
    pub reason: String,
}

impl RequestError {
    pub(super) fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}
