//! The AWS account and region of every local resource.

/// The account id; no real account has it.
pub const ACCOUNT_ID: &str = "000000000000";

/// The region.
pub const REGION: &str = "us-east-1";

/// The ARN of a resource in this account and region, such as `arn("sqs", "Work")`.
#[must_use]
pub fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}")
}
