//! Reads `AWS::Lambda::EventSourceMapping`: which queue feeds which function.
//!
//! The mappings are resources of their own, not events of the functions: for those SAM would give
//! the function's role the right to receive from every queue of the account.

use std::time::Duration;

use super::property::Property;
use super::{QueueSource, TemplateError};

/// The function that a mapping feeds, and what from.
pub(super) fn mapping(resource: &Property<'_>) -> Result<(String, QueueSource), TemplateError> {
    let properties = resource.require("Properties")?;
    properties.allow(
        &[
            "FunctionName",
            "EventSourceArn",
            "BatchSize",
            "MaximumBatchingWindowInSeconds",
            "FunctionResponseTypes",
            "ScalingConfig",
        ],
        &["Tags"],
    )?;
    let batch_size = properties.parse_optional("BatchSize")?.unwrap_or(10);
    let window = properties.parse_optional("MaximumBatchingWindowInSeconds")?.unwrap_or(0);
    if !(1..=10_000).contains(&batch_size) || (batch_size > 10 && window == 0) {
        return Err(properties.error(
            "`BatchSize` must be 1 to 10, or up to 10000 with a `MaximumBatchingWindowInSeconds`",
        ));
    }
    let types = properties.get("FunctionResponseTypes")?;
    let types = types.map_or(Ok(Vec::new()), |types| types.texts())?;
    if let Some(other) = types.iter().find(|name| *name != "ReportBatchItemFailures") {
        return Err(properties.error(format!("`{other}` is no FunctionResponseType")));
    }
    let scaling = properties.get("ScalingConfig")?;
    let source = QueueSource {
        queue: properties.require("EventSourceArn")?.arn_of()?,
        batch_size,
        batch_window: Duration::from_secs(window),
        reports_batch_item_failures: !types.is_empty(),
        maximum_concurrency: scaling
            .map(|scaling| scaling.require("MaximumConcurrency")?.parse())
            .transpose()?,
    };
    Ok((properties.require("FunctionName")?.arn_of()?, source))
}
