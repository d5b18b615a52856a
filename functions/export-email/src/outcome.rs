use std::time::Duration;

use crate::app::App;

/// The outcome of an attempt to deliver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The channel accepted it.
    Sent,
    /// The channel certainly did not accept it, but may accept it later: after the time that it
    /// requested, if any.
    NotSent(Option<Duration>),
    /// The channel will never accept it.
    Refused,
    /// It is not known whether the channel accepted it.
    Unknown,
}

/// A composed email or notification.
pub(crate) trait Deliverable {
    /// Sends it once.
    async fn send(self, app: &App) -> Outcome;
}
