use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::aws;

/// What can go wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// More was asked than the table takes at the moment; later it works.
    #[error("the table throttled the request: {0}")]
    Throttled(String),
    /// The table did not answer, or answered that it is in trouble.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// Other writers kept changing the same items for as long as it was tried.
    #[error("other writes kept changing the items: {0}")]
    Contention(String),
    /// A single write's condition did not hold.
    #[error("the condition of a write was not met")]
    ConditionFailed,
    /// A record does not fit its type, in either direction.
    #[error("an item does not have the expected format: {0}")]
    Shape(String),
    /// The request itself was refused: a mistake of ours, or a missing right.
    #[error("the table refused the request: {0}")]
    Refused(String),
}

impl TableError {
    /// Sorts an SDK error by what the caller can do about it.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let text = || aws::explanation(error);
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
    E: ProvideErrorMetadata,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::of(&error)
    }
}

impl From<serde_dynamo::Error> for TableError {
    /// Which attribute is missing, or what else is wrong, without the value that serde quotes: it
    /// may be somebody's name, and errors are logged.
    fn from(error: serde_dynamo::Error) -> Self {
        let text = error.to_string();
        let is_missing = text.starts_with("missing field");
        let unquoted = text.split([':', '"', '`']).next().unwrap_or_default();
        Self::Shape(if is_missing { &text } else { unquoted }.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        error::ErrorMetadata, operation::get_item::GetItemError, types::AttributeValue,
    };
    use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
    use aws_smithy_types::body::SdkBody;
    use serde::Deserialize;

    use super::*;
    use crate::table::{Item, from_item};

    #[derive(Debug, Deserialize)]
    struct Record {
        #[allow(dead_code)]
        version: u64,
    }

    fn read(version: Option<&str>) -> String {
        let version = version.map(|text| AttributeValue::S(text.to_owned()));
        let item: Item = version.map(|value| ("version".to_owned(), value)).into_iter().collect();
        from_item::<Record>(item).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_an_item_is_told_without_its_values() {
        assert!(read(None).ends_with("missing field `version`"), "{}", read(None));
        assert!(!read(Some("Citra Anggraini")).contains("Citra"), "{}", read(Some("Citra")));
    }

    #[test]
    fn what_a_call_answered_is_told_without_its_body() {
        let body = SdkBody::from(r#"{"Item":{"name":{"S":"Citra Anggraini"}}}"#);
        let response = HttpResponse::new(StatusCode::try_from(400).unwrap(), body);
        let metadata = ErrorMetadata::builder().code("AccessDeniedException").message("not authorized");
        let refused = SdkError::service_error(GetItemError::generic(metadata.build()), response);
        let text = TableError::of(&refused).to_string();
        assert_eq!(text, "the table refused the request: AccessDeniedException: not authorized");
    }
}
