//! Reads an `AWS::Lambda::EventSourceMapping` resource: a queue that is an event source of a
//! function.
//!
//! The mappings are separate resources, not events of the functions. For an event of a function,
//! SAM would permit the function's role to receive messages from every queue of the account.

use std::time::Duration;

use super::error::TemplateError;
use super::model::QueueSource;
use super::property::Property;

/// Reads a mapping. Returns the logical id of its function and the queue.
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
        return Err(properties.error(format!("`{other}` is not a valid FunctionResponseType")));
    }
    let scaling = properties.get("ScalingConfig")?;
    let source = QueueSource {
        queue: properties.require("EventSourceArn")?.arn_target()?,
        batch_size,
        batch_window: Duration::from_secs(window),
        reports_batch_item_failures: !types.is_empty(),
        maximum_concurrency: scaling
            .map(|scaling| scaling.require("MaximumConcurrency")?.parse())
            .transpose()?,
    };
    Ok((properties.require("FunctionName")?.arn_target()?, source))
}
