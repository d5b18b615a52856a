//! CloudWatch metrics in the embedded metric format: one JSON line on standard output, from which
//! CloudWatch creates metrics.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "ContactService";

/// The name, the CloudWatch unit and the value of a metric.
pub type Metric<'a> = (&'a str, &'a str, f64);

/// A group of metrics with the same dimensions. Metrics without dimensions cover the whole service.
/// CloudWatch charges for each combination of a metric name and dimension values as a separate
/// metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricGroup<'a> {
    /// The names and values of the dimensions.
    pub dimensions: &'a [(&'a str, &'a str)],
    /// The metrics with these dimensions.
    pub metrics: &'a [Metric<'a>],
}

/// Writes metrics to standard output as one line. A metric that several groups contain has only one
/// value in the line.
pub fn emit(groups: &[MetricGroup<'_>]) {
    println!("{}", line(Timestamp::now(), groups));
}

fn line(now: Timestamp, groups: &[MetricGroup<'_>]) -> Value {
    let directive = |group: &MetricGroup<'_>| {
        let definition = |(name, unit, _): &Metric<'_>| json!({ "Name": name, "Unit": unit });
        let definitions: Vec<Value> = group.metrics.iter().map(definition).collect();
        let names: Vec<&str> = group.dimensions.iter().map(|(name, _)| *name).collect();
        json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions })
    };
    let directives: Vec<Value> = groups.iter().map(directive).collect();
    let mut line = Map::new();
    let head = json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives });
    line.insert("_aws".to_owned(), head);
    for group in groups {
        line.extend(
            group.dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))),
        );
        line.extend(
            group.metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))),
        );
    }
    Value::Object(line)
}

/// Converts a boolean into the value of a metric, 1 for `true` and 0 for `false`. The sum of the
/// values is a count, and their average is a share.
#[must_use]
pub fn share(happened: bool) -> f64 {
    f64::from(u8::from(happened))
}

/// Writes the metrics of one HTTP request. `scoped` contains the access level with which the
/// request was handled, and whether the scope was narrowed because Launchpad failed. It is `None`
/// for requests without a scope.
pub(crate) fn request(
    route: &str,
    scoped: Option<(&str, bool)>,
    status: u16,
    latency: Duration,
    cold: bool,
) {
    let (level, is_narrowed) = scoped.unwrap_or(("none", false));
    let groups = [
        MetricGroup {
            dimensions: &[("route", route), ("permission_level", level)],
            metrics: &[("Latency", "Milliseconds", latency.as_secs_f64() * 1000.0)],
        },
        MetricGroup {
            dimensions: &[("route", route)],
            metrics: &[("ServerError", "Count", share(status >= 500))],
        },
        MetricGroup { dimensions: &[], metrics: &[("ColdStart", "Count", share(cold))] },
        MetricGroup {
            dimensions: &[("permission_level", level)],
            metrics: &[("Fallback", "Count", share(is_narrowed))],
        },
    ];
    let reported = if scoped.is_some() { groups.len() } else { groups.len() - 1 };
    emit(&groups[..reported]);
}

/// Writes the metric `ColdStart` of an invocation without an HTTP request. `cold` is true for the
/// first invocation of a process.
pub(crate) fn cold_start(cold: bool) {
    emit(&[MetricGroup { dimensions: &[], metrics: &[("ColdStart", "Count", share(cold))] }]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_is_in_the_embedded_metric_format() {
        let now = Timestamp::from_millisecond(1_000).unwrap();
        let line = line(
            now,
            &[
                MetricGroup {
                    dimensions: &[("route", "GET /x")],
                    metrics: &[("Latency", "Milliseconds", 2.5)],
                },
                MetricGroup { dimensions: &[], metrics: &[("ColdStart", "Count", share(true))] },
            ],
        );
        assert_eq!(
            line,
            json!({
                "_aws": { "Timestamp": 1000, "CloudWatchMetrics": [{
                    "Namespace": "ContactService", "Dimensions": [["route"]],
                    "Metrics": [{ "Name": "Latency", "Unit": "Milliseconds" }],
                }, {
                    "Namespace": "ContactService", "Dimensions": [[]],
                    "Metrics": [{ "Name": "ColdStart", "Unit": "Count" }],
                }] },
                "route": "GET /x", "Latency": 2.5, "ColdStart": 1.0,
            })
        );
    }
}
