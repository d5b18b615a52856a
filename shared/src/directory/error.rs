/// Why the directory has no answer. Cheap to clone: a failure is remembered for a while.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No answer within the budget.
    #[error("Launchpad did not answer in time ({0})")]
    Timeout(&'static str),
    /// The connection failed.
    #[error("Launchpad cannot be reached ({0})")]
    Unreachable(&'static str),
    /// An answer that is no 200.
    #[error("Launchpad answered {status} ({call})")]
    Status {
        /// Which call.
        call: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// A 200 whose body does not fit.
    #[error("Launchpad's answer does not fit: {detail} ({call})")]
    Body {
        /// Which call.
        call: &'static str,
        /// What does not fit; never a value of the body.
        detail: String,
    },
    /// The last call failed a moment ago; nothing was asked.
    #[error("Launchpad failed a moment ago ({0})")]
    Remembered(&'static str),
}
