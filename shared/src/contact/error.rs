/// Why a change of a contact is refused as invalid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContactError {
    /// A field is invalid.
    #[error("{field}: {reason}")]
    Invalid {
        /// The path of the field in the request.
        field: String,
        /// The reason, without the field's value.
        reason: String,
    },
    /// The request sets team owners that are not the actor's own teams (RFC §3.B). The value
    /// contains the refused teams: their ids, or the first 64 characters of texts that are not ids.
    #[error("team is not one of your teams")]
    TeamOwners(Vec<String>),
}

impl ContactError {
    /// The error for an invalid field.
    pub(super) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}
