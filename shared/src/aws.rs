//! What the AWS SDK is told by variables, and what it tells of a call that went wrong.

use std::collections::HashMap;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// The service's code, or how a call ended without one; nothing of what was asked.
pub fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
{
    let ending = match error {
        SdkError::TimeoutError(_) => "time-out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "unreadable response",
        _ => "no error code",
    };
    error.code().unwrap_or(ending).to_owned()
}

/// The service's code and its words, or how a call ended without them. Only where the service does
/// not repeat in its words what it was given; never what it answered.
pub(crate) fn explanation<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
{
    match error.message() {
        Some(words) => format!("{}: {words}", reason(error)),
        None => reason(error),
    }
}

/// The variables that are about one service, such as `AWS_ENDPOINT_URL_DYNAMODB`. The SDK's own
/// reader of them comes with the search for configuration that [`crate::environment`] leaves out.
#[derive(Debug)]
pub(crate) struct ServiceVariables(pub(crate) HashMap<String, String>);

impl LoadServiceConfig for ServiceVariables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        self.0.get(&format!("{}_{service}", key.env())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_about_the_service_whose_id_it_ends_with() {
        let url = "http://localhost:8000".to_owned();
        let variables =
            ServiceVariables([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url.clone())].into());
        let of = |service| {
            let key = ServiceConfigKey::builder().service_id(service).profile("");
            variables.load_config(key.env("AWS_ENDPOINT_URL").build().unwrap())
        };
        assert_eq!(of("DynamoDB"), Some(url));
        assert_eq!(of("SQS"), None);
    }
}
