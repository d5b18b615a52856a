use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// What can go wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// More was asked than the table takes at the moment; later it works.
    #[error("the table is throttled: {0}")]
    Throttled(String),
    /// The table did not answer, or answered that it is in trouble.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// Other writers kept changing the same items for as long as it was tried.
    #[error("the items are in contention: {0}")]
    Contention(String),
    /// A single write's condition did not hold.
    #[error("the condition of a write did not hold")]
    ConditionFailed,
    /// A record does not fit its type, in either direction.
    #[error("an item does not have its shape: {0}")]
    Shape(#[from] serde_dynamo::Error),
    /// The request itself was refused: a mistake of ours, or a missing right.
    #[error("the table refused the request: {0}")]
    Refused(String),
}

impl TableError {
    /// Sorts an SDK error by what the caller can do about it.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let text = || DisplayErrorContext(error).to_string();
        match error {
            SdkError::ServiceError(service) => match service.err().code() {
                Some("ConditionalCheckFailedException") => Self::ConditionFailed,
                Some("TransactionConflictException" | "TransactionInProgressException") => {
                    Self::Contention(text())
                }
                Some(
                    "ProvisionedThroughputExceededException"
                    | "ThrottlingException"
                    | "RequestLimitExceeded"
                    | "LimitExceededException",
                ) => Self::Throttled(text()),
                Some("InternalServerError" | "ServiceUnavailable" | "InternalFailure") | None => {
                    Self::Unavailable(text())
                }
                Some(_) => Self::Refused(text()),
            },
            SdkError::ConstructionFailure(_) => Self::Refused(text()),
            _ => Self::Unavailable(text()),
        }
    }
}

impl<E, R> From<SdkError<E, R>> for TableError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::of(&error)
    }
}
