//! What went wrong in a call to AWS, in words that may stand in a log.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// The service's code, or how a call ended without one; nothing of what was asked.
pub fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata,
{
    let ending = match error {
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ResponseError(_) => "no readable answer",
        _ => "no code",
    };
    error.code().unwrap_or(ending).to_owned()
}
