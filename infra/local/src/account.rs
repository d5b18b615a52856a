//! The AWS account and region of every local resource.

/// The AWS account id of the local cloud. No real account has this id.
pub const ACCOUNT_ID: &str = "000000000000";

/// The AWS region of the local cloud.
pub const REGION: &str = "us-east-1";

/// The ARN of a resource in this account and region, such as `arn("sqs", "Work")`.
#[must_use]
pub fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}")
}
