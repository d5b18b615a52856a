/// Why a change of a contact is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContactError {
    /// A field is not as it must be.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it, without its value.
        reason: String,
    },
    /// Teams that are not the actor's own, as the request named them (RFC §3.B).
    #[error("team is not one of your teams")]
    TeamOwners(Vec<String>),
}

impl ContactError {
    /// A field that is not as it must be.
    pub(super) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}
