use std::time::Duration;

use crate::app::App;

/// The outcome of one attempt to deliver a message over a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The channel accepted the message.
    Sent,
    /// The channel certainly did not accept the message, but may accept it later. The value is the
    /// pause that the channel requested, if any.
    NotSent(Option<Duration>),
    /// The channel will never accept the message.
    Refused,
    /// It is not known whether the channel accepted the message.
    Unknown,
}

/// A composed email or notification that can be sent.
pub(crate) trait Deliverable {
    /// Sends the message and returns the outcome.
    async fn send(self, app: &App) -> Outcome;
}
