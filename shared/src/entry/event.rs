//! The text of a Lambda event, before it is parsed as an event of a certain kind.

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// An event as text. The runtime would parse an event of another type with code that tracks the
/// path to each value, which nothing here needs and which makes every function larger.
pub(super) type Event = LambdaEvent<Box<RawValue>>;

/// Parses the text of an event.
///
/// # Errors
/// If the text does not have the format of `T`. The invocation then fails: API Gateway answers with
/// 500, and SQS delivers the whole batch again.
pub(super) fn parse<T: DeserializeOwned>(event: &RawValue) -> Result<T, Diagnostic> {
    serde_json::from_str(event.get()).map_err(|error| unexpected_format(&error))
}

/// The error of an event or a response that cannot be converted from or into JSON. Its message does
/// not contain serde's text, which may quote a value.
pub(super) fn unexpected_format(error: &serde_json::Error) -> Diagnostic {
    Diagnostic {
        error_type: "UNEXPECTED_FORMAT".to_owned(),
        error_message: format!(
            "the event or the response does not have the expected format: {:?} error at line {}, \
             column {}",
            error.classify(),
            error.line(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::{apigw::ApiGatewayV2httpRequest, sqs::SqsEvent};

    use super::*;

    #[test]
    fn an_event_of_another_kind_is_refused_without_its_values() {
        let event: Box<RawValue> = serde_json::from_str(r#"{"Records": "secret"}"#).unwrap();
        for error in [
            parse::<SqsEvent>(&event).unwrap_err(),
            parse::<ApiGatewayV2httpRequest>(&event).unwrap_err(),
        ] {
            assert_eq!(error.error_type, "UNEXPECTED_FORMAT");
            assert!(error.error_message.contains("Data error at line 1"), "{error:?}");
            assert!(!error.error_message.contains("secret"), "{error:?}");
        }
    }
}
