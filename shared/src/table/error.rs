use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::aws;

/// Why a request to the table failed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The table throttled the request. A later attempt can succeed.
    #[error("the table throttled the request: {0}")]
    Throttled(String),
    /// The table did not respond, or responded with a server error.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// Other writers kept changing the same items until the last attempt.
    #[error("conflict with other writes: {0}")]
    Contention(String),
    /// The condition of a single write was not met.
    #[error("the condition of a write was not met")]
    ConditionFailed,
    /// A record could not be serialized, or an item could not be parsed.
    #[error("an item does not have the expected format: {0}")]
    Shape(String),
    /// The table refused the request: an error in this code, or a missing permission.
    #[error("the table refused the request: {0}")]
    Refused(String),
}

impl TableError {
    /// Converts an SDK error into the variant that shows callers whether a retry can help.
    pub fn from_sdk<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
        R: 'static,
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
    R: 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self::from_sdk(&error)
    }
}

impl From<serde_dynamo::Error> for TableError {
    /// Keeps the name of a missing attribute or the kind of the error, and drops the value that
    /// serde quotes: errors are logged, and the value can be a person's name.
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
    fn a_format_error_contains_no_values_of_the_item() {
        assert!(read(None).ends_with("missing field `version`"), "{}", read(None));
        assert!(!read(Some("Citra Anggraini")).contains("Citra"), "{}", read(Some("Citra")));
    }

    #[test]
    fn an_error_of_a_call_contains_no_response_body() {
        let body = SdkBody::from(r#"{"Item":{"name":{"S":"Citra Anggraini"}}}"#);
        let response = HttpResponse::new(StatusCode::try_from(400).unwrap(), body);
        let metadata =
            ErrorMetadata::builder().code("AccessDeniedException").message("not authorized");
        let refused = SdkError::service_error(GetItemError::generic(metadata.build()), response);
        let text = TableError::from_sdk(&refused).to_string();
        assert_eq!(text, "the table refused the request: AccessDeniedException: not authorized");
    }
}
