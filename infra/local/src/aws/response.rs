//! Responses and errors in the format of each service.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

/// An emulated AWS service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    DynamoDb,
    S3,
    Sqs,
    Ses,
}

impl Service {
    /// The service with this name in the credential scope of a request; `None` if the name is
    /// unknown.
    pub(crate) fn from_scope(name: &str) -> Option<Self> {
        match name {
            "dynamodb" => Some(Self::DynamoDb),
            "s3" => Some(Self::S3),
            "sqs" => Some(Self::Sqs),
            "ses" | "email" => Some(Self::Ses),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::S3 => "s3",
            Self::Sqs => "sqs",
            Self::Ses => "ses",
        }
    }

    /// The error response of this service for an unknown access key.
    pub(crate) fn unknown_key(self) -> Response {
        let message = "The security token included in the request is invalid.";
        match self {
            Self::DynamoDb => {
                self.error(StatusCode::BAD_REQUEST, "UnrecognizedClientException", message)
            }
            Self::S3 => self.error(
                StatusCode::FORBIDDEN,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::Sqs | Self::Ses => {
                self.error(StatusCode::FORBIDDEN, "InvalidClientTokenId", message)
            }
        }
    }

    /// The error response of this service for a throttled call.
    pub(crate) fn throttled(self) -> Response {
        let message = "Rate exceeded";
        match self {
            Self::DynamoDb => self.error(
                StatusCode::BAD_REQUEST,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. \
                 Consider increasing your provisioning level with the UpdateTable API.",
            ),
            Self::S3 => self.error(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            Self::Sqs => self.error(StatusCode::BAD_REQUEST, "RequestThrottled", message),
            Self::Ses => self.error(StatusCode::BAD_REQUEST, "Throttling", message),
        }
    }

    /// The error response for an injected fault with this status. It has the error code that the
    /// service uses for the status.
    pub(crate) fn failure(self, status: StatusCode) -> Response {
        let code = match (self, status.as_u16()) {
            (_, 429) => return self.throttled(),
            (Self::DynamoDb, 403) => "AccessDeniedException",
            (Self::DynamoDb, 503) => "ServiceUnavailable",
            (Self::DynamoDb, 500..) => "InternalServerError",
            (Self::DynamoDb, _) => "ValidationException",
            (Self::S3, 404) => "NoSuchKey",
            (Self::Sqs | Self::Ses, 500) => "InternalFailure",
            (_, 403) => "AccessDenied",
            (_, 503) => "ServiceUnavailable",
            (_, 500..) => "InternalError",
            (Self::S3, _) => "InvalidRequest",
            (Self::Sqs, _) => "InvalidParameterValue",
            (Self::Ses, _) => "MessageRejected",
        };
        self.error(status, code, "Injected fault.")
    }

    /// An error response in the format of this service.
    pub(crate) fn error(self, status: StatusCode, code: &str, message: &str) -> Response {
        let request_id = Uuid::new_v4();
        match self {
            Self::DynamoDb => json_response(
                status,
                &json!({
                    "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
                    "message": message,
                }),
            ),
            Self::Sqs => json_response(
                status,
                &json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message }),
            ),
            Self::S3 => xml_response(
                status,
                &format!(
                    "<Error><Code>{code}</Code><Message>{}</Message><RequestId>{request_id}\
                     </RequestId></Error>",
                    escape(message)
                ),
            ),
            Self::Ses => {
                let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
                xml_response(
                    status,
                    &format!(
                        "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error>\
                         <Type>{fault}</Type><Code>{code}</Code><Message>{}</Message></Error>\
                         <RequestId>{request_id}</RequestId></ErrorResponse>",
                        escape(message)
                    ),
                )
            }
        }
    }
}

pub(crate) fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    response(status, "application/x-amz-json-1.0", body.to_string())
}

pub(crate) fn xml_response(status: StatusCode, body: &str) -> Response {
    response(status, "text/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}"))
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Escapes a text for use as XML content.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A response that the client cannot receive: the connection breaks while the response is sent.
pub(crate) fn lost_response() -> Response {
    let broken = futures::stream::once(async {
        Err::<bytes::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let mut response = Response::new(Body::from_stream(broken));
    // The header announces a body that is never sent. Otherwise a client could accept an empty
    // body.
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("1"));
    response
}
