//! The errors that stop the start of an emulator.

/// The reason why the AWS emulators did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder or a port could not be opened.
    #[error("the AWS emulators cannot start: {0}")]
    Io(#[from] std::io::Error),
    /// The data folder has data of another layout, or cannot be used.
    #[error(transparent)]
    Layout(#[from] super::layout::LayoutError),
    /// The table could not be opened or created.
    #[error("the DynamoDB emulator cannot start: {0}")]
    DynamoDb(String),
    /// The folder of the S3 objects could not be opened.
    #[error("the S3 emulator cannot start: {0}")]
    S3(String),
    /// A queue could not be created.
    #[error("the queue {queue} cannot be created: {reason}")]
    Sqs {
        /// Logical id of the queue.
        queue: String,
        /// The error message of the SQS emulator.
        reason: String,
    },
}
