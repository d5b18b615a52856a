//! What invocations would cost on AWS, in US dollars: the price list of us-east-1 without free
//! tiers, traffic and logs. docs/runbook.md, "Cost", calculates with the same prices.

use std::time::Duration;

use super::cost::ActionCosts;

// The prices of a million each.
const API_REQUESTS: f64 = 1.00;
const INVOCATIONS: f64 = 0.20;
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
const QUEUE_REQUESTS: f64 = 0.40;
const OBJECT_WRITES: f64 = 5.00;
const OBJECT_READS: f64 = 0.40;
const EMAILS: f64 = 100.00;

/// The price of a gigabyte of memory for a second, on arm64.
const GB_SECOND: f64 = 0.000_013_333_4;

const MILLION: f64 = 1e6;

/// The price of a request to the HTTP API, without its invocations.
pub(super) fn api_request() -> f64 {
    API_REQUESTS / MILLION
}

/// The price of an invocation. `duration` includes the initialization, and is rounded up to whole
/// milliseconds.
pub(super) fn invocation(memory_mib: u32, duration: Duration, calls: &ActionCosts) -> f64 {
    let seconds = (duration.as_secs_f64() * 1e3).ceil() / 1e3;
    let memory = f64::from(memory_mib) / 1024.0 * seconds * GB_SECOND;
    let calls: f64 = calls
        .iter()
        .map(|(action, cost)| {
            cost.calls as f64 * call_of(action)
                + cost.read_units * READ_UNITS
                + cost.write_units * WRITE_UNITS
        })
        .sum();
    memory + (INVOCATIONS + calls) / MILLION
}

/// The price of a million calls of an action, without the units of DynamoDB.
fn call_of(action: &str) -> f64 {
    let Some((service, name)) = action.split_once('.') else { return 0.0 };
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match service {
        "sqs" => QUEUE_REQUESTS,
        "ses" => EMAILS,
        "s3" if is(&["Delete", "Abort"]) => 0.0,
        "s3" if is(&["Get", "Head"]) => OBJECT_READS,
        "s3" => OBJECT_WRITES,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::InvocationCost;
    use super::*;

    #[test]
    fn an_invocation_costs_its_memory_and_its_calls() {
        let mut calls = ActionCosts::default();
        let cost =
            |calls, read_units, write_units| InvocationCost { calls, read_units, write_units };
        for (action, cost) in [
            ("dynamodb.Query", cost(3, 8.0, 0.0)),
            ("dynamodb.TransactWriteItems", cost(1, 0.0, 2.0)),
            ("sqs.SendMessage", cost(2, 0.0, 0.0)),
            ("s3.PutObject", cost(1, 0.0, 0.0)),
            ("s3.GetObject", cost(1, 0.0, 0.0)),
            ("s3.DeleteObject", cost(9, 0.0, 0.0)),
            ("ses.SendRawEmail", cost(1, 0.0, 0.0)),
        ] {
            calls.add(action, cost);
        }
        // 25 ms of 512 MB, 8 read units, 2 write units, and the requests of the services.
        let expected = 0.5 * 0.025 * 0.000_013_333_4
            + (0.20 + 8.0 * 0.125 + 2.0 * 0.625 + 2.0 * 0.40 + 5.00 + 0.40 + 100.00) / 1e6;
        let price = invocation(512, Duration::from_micros(24_100), &calls);
        assert!((price - expected).abs() < 1e-12, "{price} {expected}");
    }

    #[test]
    fn the_runbook_calculates_with_the_same_prices() {
        let runbook = include_str!("../../../../docs/runbook.md");
        let prices = [
            format!("${WRITE_UNITS:.3} per million write units"),
            format!("${READ_UNITS:.3} per million read units"),
            format!("${GB_SECOND} per GB-second"),
            format!("${INVOCATIONS:.2} per million invocations"),
            format!("HTTP API: ${API_REQUESTS:.2} per million"),
            format!("SQS: ${QUEUE_REQUESTS:.2} per million"),
            format!(
                "S3: ${OBJECT_WRITES:.2} per million writes and ${OBJECT_READS:.2} per million reads"
            ),
            format!("SES: ${EMAILS:.2} per million emails"),
        ];
        for price in prices {
            assert!(runbook.contains(&price), "docs/runbook.md does not have \"{price}\"");
        }
    }
}
