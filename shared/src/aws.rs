//! Converts errors of AWS calls into text that is safe to log, and provides the environment
//! variables that apply to a single AWS service.

use std::{any::Any, collections::HashMap, error::Error, fmt, io};

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStreamError,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::{http_client::client_error, upstream::CallFailure};

/// The reason why a call to an AWS service failed, as text that is safe to log. The text is the
/// service's error code or, if the service returned no error code, a short description of the
/// failure. The source is the kind of the I/O error that ended the call, if there was one.
///
/// The SDK's own error is not kept, because it prints the service's message, which may contain the
/// key of an object or an email address.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct CallError {
    reason: String,
    #[source]
    io: Option<io::Error>,
}

impl CallError {
    /// Converts the error of a call.
    #[must_use]
    pub fn new<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: fmt::Debug + 'static,
    {
        // The text of an error of the HTTP client already names the I/O error.
        let io = if client_error(error).is_some() { None } else { io_cause(error) };
        Self { reason: reason(error), io }
    }

    /// The error for a response without a valid body or header.
    #[must_use]
    pub fn response(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), io: None }
    }

    /// The error for a response body that could not be read completely.
    #[must_use]
    pub fn body(error: &ByteStreamError) -> Self {
        Self { reason: "the response body ended early".to_owned(), io: io_cause(error) }
    }

    /// Whether the service returned this error code.
    #[must_use]
    pub fn is_code(&self, code: &str) -> bool {
        self.reason == code
    }
}

/// Returns the kind of the innermost I/O error among the causes of `error`, as an I/O error without
/// the original text. `None` if there is no I/O error of a known kind.
fn io_cause(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let mut innermost = None;
    let mut next = error.source();
    while let Some(cause) = next {
        let kind = cause.downcast_ref().map(io::Error::kind);
        innermost = kind.filter(|kind| *kind != io::ErrorKind::Other).or(innermost);
        next = cause.source();
    }
    innermost.map(io::Error::from)
}

/// Returns the service's error code. If the service returned no error code, returns a short
/// description of the failure, with the HTTP status if there was a response. The text contains no
/// data of the request.
pub fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
    R: 'static,
{
    if let Some(code) = error.code() {
        return code.to_owned();
    }
    if let Some(failed) = client_error(error) {
        return CallFailure::from_reqwest(failed).to_string();
    }
    let ending = match error {
        SdkError::ConstructionFailure(_) => "invalid request",
        SdkError::TimeoutError(_) => "time-out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "unreadable response",
        _ => "no error code",
    };
    match http_status(error) {
        Some(status) => format!("{ending}, HTTP status {status}"),
        None => ending.to_owned(),
    }
}

fn http_status<E, R: 'static>(error: &SdkError<E, R>) -> Option<u16> {
    let response: &dyn Any = error.raw_response()?;
    Some(response.downcast_ref::<HttpResponse>()?.status().as_u16())
}

/// Returns the reason of the failure ([`reason`]), followed by the service's message if there is
/// one. Use this function only for services whose messages do not repeat data of the request. The
/// text contains nothing else of the response body.
pub(crate) fn explanation<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
    R: 'static,
{
    match error.message() {
        Some(message) => format!("{}: {message}", reason(error)),
        None => reason(error),
    }
}

/// Provides the environment variables that apply to a single AWS service, such as
/// `AWS_ENDPOINT_URL_DYNAMODB`. The SDK reads them only in its search for configuration, and
/// [`crate::environment`] does not use that search.
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
    use aws_sdk_s3::{error::ErrorMetadata, operation::upload_part::UploadPartError};
    use aws_smithy_runtime_api::{client::result::ConnectorError, http::StatusCode};
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use crate::{error::chain, http_client};

    #[test]
    fn an_error_contains_its_code_or_its_io_error_and_no_data_of_the_request() {
        let key = "private/exports/acme/1/Sari.csv";
        let meta = ErrorMetadata::builder().code("AccessDenied").message(key);
        let denied = UploadPartError::generic(meta.build());
        let error: SdkError<_, ()> = SdkError::service_error(denied, ());
        assert_eq!(chain(&CallError::new(&error)).to_string(), "AccessDenied");
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, key);
        let error: SdkError<UploadPartError, ()> =
            SdkError::dispatch_failure(ConnectorError::io(refused.into()));
        let error = CallError::new(&error);
        assert_eq!(chain(&error).to_string(), "no connection: connection refused");
        assert!(!error.is_code("AccessDenied"));
    }

    #[tokio::test]
    async fn a_failed_connection_is_described_with_its_cause_and_without_its_url() {
        let client = http_client::builder().build().unwrap();
        let sent = client.get("http://127.0.0.1:9/exports/Sari.csv").send().await;
        let refused = ConnectorError::io(sent.unwrap_err().into());
        let error: SdkError<UploadPartError, HttpResponse> = SdkError::dispatch_failure(refused);
        let text = chain(&CallError::new(&error)).to_string();
        assert!(text.starts_with("cannot connect: "), "{text}");
        assert!(text.contains("Connection refused") && !text.contains("Sari"), "{text}");
    }

    #[test]
    fn a_response_without_a_code_is_described_by_its_http_status() {
        let response =
            || HttpResponse::new(StatusCode::try_from(503).unwrap(), SdkBody::from("Sari"));
        let no_code = UploadPartError::generic(ErrorMetadata::builder().build());
        let text = reason(&SdkError::service_error(no_code, response()));
        assert_eq!(text, "no error code, HTTP status 503");
        let text = reason(&SdkError::<UploadPartError, _>::response_error("Sari", response()));
        assert_eq!(text, "unreadable response, HTTP status 503");
    }

    #[test]
    fn a_call_that_took_too_long_is_described_as_a_time_out() {
        let late: SdkError<UploadPartError, ()> = SdkError::timeout_error("Sari");
        assert_eq!(reason(&late), "time-out");
        let late = ConnectorError::timeout("Sari".into());
        let late: SdkError<UploadPartError, ()> = SdkError::dispatch_failure(late);
        assert_eq!(reason(&late), "time-out");
    }

    #[test]
    fn a_variable_belongs_to_the_service_whose_id_it_ends_with() {
        let url = "http://localhost:8000".to_owned();
        let variables =
            ServiceVariables([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url.clone())].into());
        let endpoint = |service| {
            let key = ServiceConfigKey::builder().service_id(service).profile("");
            variables.load_config(key.env("AWS_ENDPOINT_URL").build().unwrap())
        };
        assert_eq!(endpoint("DynamoDB"), Some(url));
        assert_eq!(endpoint("SQS"), None);
    }
}
