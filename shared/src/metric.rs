//! CloudWatch metrics in the embedded metric format: one JSON line on standard output, which
//! CloudWatch turns into metrics by itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "ContactService";

/// One metric's name, CloudWatch unit and value.
pub type Metric<'a> = (&'a str, &'a str, f64);

/// Metrics and the dimensions that CloudWatch slices them by; without dimensions they are the whole
/// service's. Each combination of names and values is a metric of its own, and is paid for.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// Names and values.
    pub by: &'a [(&'a str, &'a str)],
    /// What is measured.
    pub metrics: &'a [Metric<'a>],
}

/// Writes metrics in one line. A name has one value in it, whatever it is sliced by.
pub fn emit(slices: &[Slice<'_>]) {
    println!("{}", line(Timestamp::now(), slices));
}

fn line(now: Timestamp, slices: &[Slice<'_>]) -> Value {
    let directive = |slice: &Slice<'_>| {
        let definition = |(name, unit, _): &Metric<'_>| json!({ "Name": name, "Unit": unit });
        let definitions: Vec<Value> = slice.metrics.iter().map(definition).collect();
        let names: Vec<&str> = slice.by.iter().map(|(name, _)| *name).collect();
        json!({ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions })
    };
    let directives: Vec<Value> = slices.iter().map(directive).collect();
    let mut line = Map::new();
    let head = json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives });
    line.insert("_aws".to_owned(), head);
    for slice in slices {
        line.extend(slice.by.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        line.extend(
            slice.metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))),
        );
    }
    Value::Object(line)
}

/// Whether something happened, as a metric: its sum counts, its average is the share.
#[must_use]
pub fn share(happened: bool) -> f64 {
    f64::from(u8::from(happened))
}

/// The metrics of one HTTP request. `scoped` is the level that decided it and whether Launchpad's
/// trouble narrowed it, where there is one.
pub(crate) fn request(
    route: &str,
    scoped: Option<(&str, bool)>,
    status: u16,
    latency: Duration,
    cold: bool,
) {
    let (level, fell_back) = scoped.unwrap_or(("none", false));
    let slices = [
        Slice {
            by: &[("route", route), ("permission_level", level)],
            metrics: &[("Latency", "Milliseconds", latency.as_secs_f64() * 1000.0)],
        },
        Slice {
            by: &[("route", route)],
            metrics: &[("ServerError", "Count", share(status >= 500))],
        },
        Slice { by: &[], metrics: &[("ColdStart", "Count", share(cold))] },
        Slice {
            by: &[("permission_level", level)],
            metrics: &[("Fallback", "Count", share(fell_back))],
        },
    ];
    let reported = if scoped.is_some() { slices.len() } else { slices.len() - 1 };
    emit(&slices[..reported]);
}

/// Whether an invocation that is no HTTP request was its process's first.
pub(crate) fn cold_start(cold: bool) {
    emit(&[Slice { by: &[], metrics: &[("ColdStart", "Count", share(cold))] }]);
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
                Slice { by: &[("route", "GET /x")], metrics: &[("Latency", "Milliseconds", 2.5)] },
                Slice { by: &[], metrics: &[("ColdStart", "Count", share(true))] },
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
