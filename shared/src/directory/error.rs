use crate::upstream::CallFailure;

/// Why a Launchpad call failed. Cheap to clone, because the error is cached for a short time and
/// returned to every request in that time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Launchpad call `{call}` failed")]
pub struct DirectoryError {
    /// The call: `permissions`, `teams`, `companies` or `users`.
    pub call: &'static str,
    /// The reason of the failure.
    #[source]
    pub cause: CallFailure,
    /// Whether the error is the cached one of an earlier call, so that no call was made now.
    pub remembered: bool,
}

impl DirectoryError {
    /// The error of a call that was made now.
    #[must_use]
    pub fn new(call: &'static str, cause: CallFailure) -> Self {
        Self { call, cause, remembered: false }
    }

    /// The same error, for a request that made no call.
    pub(super) fn remembered(&self) -> Self {
        Self { remembered: true, ..self.clone() }
    }

    /// Whether Launchpad responded with this HTTP status.
    pub(super) fn is_status(&self, status: u16) -> bool {
        self.cause == CallFailure::Status(status)
    }
}
