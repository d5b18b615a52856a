use crate::upstream::CallFailure;

/// Why a Launchpad call failed. Cheap to clone, because the error is cached for a short time and
/// returned to every request in that time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Launchpad call `{call}` failed")]
pub struct DirectoryError {
    /// The call: `permissions`, `teams`, `companies` or `users`.
    pub call: &'static str,
    /// The reason for the failure.
    #[source]
    pub cause: CallFailure,
    /// Whether this is the cached error of an earlier call. In that case no new call was made.
    pub remembered: bool,
}

impl DirectoryError {
    /// Creates the error of a call that has just failed.
    #[must_use]
    pub fn new(call: &'static str, cause: CallFailure) -> Self {
        Self { call, cause, remembered: false }
    }

    /// Returns the same error, for a request that received the cached error and made no call.
    pub(super) fn remembered(&self) -> Self {
        Self { remembered: true, ..self.clone() }
    }

    /// Whether Launchpad responded with this HTTP status.
    #[must_use]
    pub fn is_status(&self, status: u16) -> bool {
        self.cause == CallFailure::Status(status)
    }
}
