//! CloudWatch metrics in the embedded metric format: one JSON line on standard output, which
//! CloudWatch turns into metrics by itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "ContactService";

/// One metric's name, CloudWatch unit and value.
pub type Metric<'a> = (&'a str, &'a str, f64);

/// Writes metrics, sliced by these dimensions.
pub fn emit(dimensions: &[(&str, &str)], metrics: &[Metric<'_>]) {
    println!("{}", line(Timestamp::now(), dimensions, metrics));
}

fn line(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[Metric<'_>]) -> Value {
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions,
            }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line)
}

/// The metrics of one HTTP request.
pub(crate) fn request(
    route: &str,
    permission_level: Option<&str>,
    status: u16,
    latency: Duration,
    cold: bool,
) {
    emit(
        &[("route", route), ("permission_level", permission_level.unwrap_or("none"))],
        &[
            ("Latency", "Milliseconds", latency.as_secs_f64() * 1000.0),
            ("ServerErrors", "Count", f64::from(u8::from(status >= 500))),
            ("ColdStart", "Count", f64::from(u8::from(cold))),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_is_in_the_embedded_metric_format() {
        let now = Timestamp::from_millisecond(1_000).unwrap();
        let line = line(now, &[("route", "GET /x")], &[("Latency", "Milliseconds", 2.5)]);
        assert_eq!(
            line,
            json!({
                "_aws": { "Timestamp": 1000, "CloudWatchMetrics": [{
                    "Namespace": "ContactService", "Dimensions": [["route"]],
                    "Metrics": [{ "Name": "Latency", "Unit": "Milliseconds" }],
                }] },
                "route": "GET /x", "Latency": 2.5,
            })
        );
    }
}
