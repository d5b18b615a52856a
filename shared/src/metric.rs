//! CloudWatch metrics in the embedded metric format: one JSON line on standard output, from which
//! CloudWatch creates metrics.

use std::{sync::OnceLock, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The CloudWatch namespace of a process that has set none.
const DEFAULT_NAMESPACE: &str = "ContactService";

static NAMESPACE: OnceLock<String> = OnceLock::new();

/// The routes whose latency and errors are metrics, because an alarm watches them. CloudWatch
/// charges for each combination of a metric and its dimension values, and the log line of each
/// response has the same numbers for all routes.
const WATCHED_ROUTES: [&str; 2] = ["GET /cdp/customers", "GET /cdp/people"];

/// Sets the CloudWatch namespace of all metrics of this process. It contains the stack and its
/// stage, so that the alarms of a stack never see the metrics of another one. Only the first call
/// has an effect.
pub(crate) fn set_namespace(name: String) {
    let _ = NAMESPACE.set(name);
}

/// The name, the CloudWatch unit and the value of a metric.
pub type Metric<'a> = (&'a str, &'a str, f64);

/// A group of metrics with the same dimensions. Metrics without dimensions cover the whole stack.
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
    let namespace = NAMESPACE.get().map_or(DEFAULT_NAMESPACE, String::as_str);
    println!("{}", line(namespace, Timestamp::now(), groups));
}

fn line(namespace: &str, now: Timestamp, groups: &[MetricGroup<'_>]) -> Value {
    let directive = |group: &MetricGroup<'_>| {
        let definition = |(name, unit, _): &Metric<'_>| json!({ "Name": name, "Unit": unit });
        let definitions: Vec<Value> = group.metrics.iter().map(definition).collect();
        let names: Vec<&str> = group.dimensions.iter().map(|(name, _)| *name).collect();
        json!({ "Namespace": namespace, "Dimensions": [names], "Metrics": definitions })
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
    let level = scoped.map_or("none", |(level, _)| level);
    let latency = latency.as_secs_f64() * 1000.0;
    let start = [("ColdStart", "Count", share(cold))];
    let mut groups = vec![MetricGroup { dimensions: &[], metrics: &start }];
    let by_level = [("route", route), ("permission_level", level)];
    let latency = [("Latency", "Milliseconds", latency)];
    let error = [("ServerError", "Count", share(status >= 500))];
    if WATCHED_ROUTES.contains(&route) {
        groups.push(MetricGroup { dimensions: &by_level, metrics: &latency });
        groups.push(MetricGroup { dimensions: &by_level[..1], metrics: &error });
    }
    let fallback = [("Fallback", "Count", share(scoped.is_some_and(|(_, narrowed)| narrowed)))];
    // Only requests at level `team` call Launchpad for the teams, and so only they can be narrowed.
    if level == "team" {
        groups.push(MetricGroup { dimensions: &by_level[1..], metrics: &fallback });
    }
    emit(&groups);
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
            "ContactService/stack/prod",
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
                    "Namespace": "ContactService/stack/prod", "Dimensions": [["route"]],
                    "Metrics": [{ "Name": "Latency", "Unit": "Milliseconds" }],
                }, {
                    "Namespace": "ContactService/stack/prod", "Dimensions": [[]],
                    "Metrics": [{ "Name": "ColdStart", "Unit": "Count" }],
                }] },
                "route": "GET /x", "Latency": 2.5, "ColdStart": 1.0,
            })
        );
    }
}
