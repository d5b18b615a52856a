//! The environment variables that Lambda sets for a process, in addition to those in the template.

use jiff::Timestamp;

use crate::account::REGION;
use crate::aws::Issued;
use crate::template::Function;

/// A process that is about to start.
pub(super) struct Process<'a> {
    pub(super) function: &'a Function,
    /// Id of the execution environment.
    pub(super) id: &'a str,
    pub(super) keys: &'a Issued,
    pub(super) endpoint_url: &'a str,
    pub(super) started_at: Timestamp,
}

/// The names and values of the variables that Lambda sets.
pub(super) fn reserved(process: &Process<'_>) -> impl Iterator<Item = (String, String)> + use<> {
    let Process { function, id, keys, endpoint_url, started_at } = process;
    let date = started_at.strftime("%Y/%m/%d");
    [
        ("_HANDLER", "bootstrap".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.id.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.id)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("{date}/[$LATEST]{id}")),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
        ("AWS_ENDPOINT_URL", (*endpoint_url).to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
}
