use crate::upstream::CallFailure;

/// Why the directory has no answer. Cheap to clone: a failure is remembered for a while, and every
/// request of that time carries it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Launchpad call `{call}` failed")]
pub struct DirectoryError {
    /// Which call: `permissions`, `teams`, `companies` or `users`.
    pub call: &'static str,
    /// Why it failed.
    #[source]
    pub cause: CallFailure,
    /// Whether the failure is that of an earlier call, and no call was made now.
    pub remembered: bool,
}

impl DirectoryError {
    /// The failure of a call that was made now.
    #[must_use]
    pub fn new(call: &'static str, cause: CallFailure) -> Self {
        Self { call, cause, remembered: false }
    }

    /// The same failure, for a request that made no call of its own.
    pub(super) fn remembered(&self) -> Self {
        Self { remembered: true, ..self.clone() }
    }

    /// Whether Launchpad answered with this HTTP status.
    pub(super) fn is_status(&self, status: u16) -> bool {
        self.cause == CallFailure::Status(status)
    }
}
