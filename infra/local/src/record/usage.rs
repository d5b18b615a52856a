//! The usage of each function: invocations, time, memory, AWS calls and capacity (SPEC §6).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::cost::{ActionCosts, InvocationCost};

/// For each function, the largest number of invocations whose times are kept for the percentiles.
const MAX_TIMES: usize = 100_000;

/// A finished invocation, with the measurements of its process.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Logical id of the function.
    pub function: String,
    /// Access key of the execution environment that ran the invocation.
    pub access_key_id: String,
    /// Whether a process was started for this invocation.
    pub cold: bool,
    /// Time from the delivery of the event to the response.
    pub duration: Duration,
    /// Processor time of the process during the invocation. If the process was started for this
    /// invocation, the time includes the start. Zero if the system does not report it.
    pub cpu: Duration,
    /// Highest resident memory of the process so far; 0 if the system does not report it.
    pub peak_memory_bytes: u64,
    /// How the invocation ended: `ok`, `error`, `timeout` and so on.
    pub status: String,
}

/// A call to an AWS service.
#[derive(Clone, Copy, Debug)]
pub struct AwsCall<'a> {
    /// Access key of the caller.
    pub access_key_id: &'a str,
    /// Logical id of the function that the key was issued to.
    pub function: &'a str,
    /// The service: `dynamodb`, `s3`, `sqs` or `ses`.
    pub service: &'a str,
    /// Name of the action, such as `PutItem`.
    pub action: &'a str,
    /// DynamoDB read capacity units that the call consumed.
    pub read_units: f64,
    /// DynamoDB write capacity units that the call consumed.
    pub write_units: f64,
}

#[derive(Debug, Default)]
struct FunctionUsage {
    cold_starts: u64,
    peak_memory_bytes: u64,
    /// The duration and the processor time of each invocation that is kept.
    times: VecDeque<(Duration, Duration)>,
    statuses: BTreeMap<String, u64>,
    calls: ActionCosts,
}

/// Calls with one access key that are not yet added to an invocation.
#[derive(Debug, Default)]
struct Running {
    function: String,
    costs: ActionCosts,
}

#[derive(Debug, Default)]
struct State {
    functions: BTreeMap<String, FunctionUsage>,
    /// The calls that are not yet added to an invocation, by access key.
    running: HashMap<String, Running>,
}

/// The usage of each function since the last reset. Clones share it.
///
/// A call belongs to the invocation that its execution environment is running. Calls during the
/// start of a process belong to the first invocation of the process. A snapshot also contains the
/// calls of invocations in progress, and the calls of event sources, which poll with the role of
/// their function.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Mutex<State>>);

impl Usage {
    /// Creates an empty usage record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a new invocation. Calls with this access key belong to it from now on.
    pub fn start_invocation(&self, access_key_id: &str) {
        self.state().running.entry(access_key_id.to_owned()).or_default();
    }

    /// Counts one call.
    pub fn count(&self, call: &AwsCall<'_>) {
        let mut state = self.state();
        let running = state.running.entry(call.access_key_id.to_owned()).or_default();
        call.function.clone_into(&mut running.function);
        let cost =
            InvocationCost { calls: 1, read_units: call.read_units, write_units: call.write_units };
        running.costs.add(&format!("{}.{}", call.service, call.action), cost);
    }

    /// Adds a finished invocation to the usage of its function and returns the cost of its calls.
    #[must_use]
    pub fn finish_invocation(&self, invocation: Invocation) -> ActionCosts {
        let mut state = self.state();
        let calls = state.running.remove(&invocation.access_key_id).unwrap_or_default().costs;
        let function = state.functions.entry(invocation.function).or_default();
        function.cold_starts += u64::from(invocation.cold);
        function.peak_memory_bytes = function.peak_memory_bytes.max(invocation.peak_memory_bytes);
        if function.times.len() == MAX_TIMES {
            function.times.pop_front();
        }
        function.times.push_back((invocation.duration, invocation.cpu));
        *function.statuses.entry(invocation.status).or_default() += 1;

        function.calls.add_all(&calls);
        calls
    }

    /// The response body of `GET /_local/usage`: an object with one entry per function.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        let state = self.state();
        let mut functions: BTreeMap<&str, Value> =
            state.functions.iter().map(|(name, usage)| (name.as_str(), usage.to_json())).collect();
        let mut in_progress: BTreeMap<&str, ActionCosts> = BTreeMap::new();
        for running in state.running.values().filter(|running| !running.costs.is_empty()) {
            in_progress.entry(&running.function).or_default().add_all(&running.costs);
        }
        for (name, mut costs) in in_progress {
            if let Some(usage) = state.functions.get(name) {
                costs.add_all(&usage.calls);
            }
            let shown = functions.entry(name).or_insert_with(|| FunctionUsage::default().to_json());
            shown["actions"] = json!(costs);
        }
        json!(functions)
    }

    /// Removes all usage, including the calls of invocations in progress.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionUsage {
    fn to_json(&self) -> Value {
        let (mut durations, mut cpu): (Vec<_>, Vec<_>) = self.times.iter().copied().unzip();
        durations.sort_unstable();
        cpu.sort_unstable();
        json!({
            "invocations": self.statuses.values().sum::<u64>(),
            "statuses": self.statuses,
            "cold_starts": self.cold_starts,
            "duration_p50_ms": percentile(&durations, 50),
            "duration_p95_ms": percentile(&durations, 95),
            "cpu_p50_ms": percentile(&cpu, 50),
            "peak_memory_bytes": self.peak_memory_bytes,
            "actions": self.calls,
        })
    }
}

/// The nearest-rank percentile in milliseconds.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |duration| milliseconds(*duration))
}

/// A duration in milliseconds, rounded to whole microseconds.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(duration_ms: u64, cold: bool) -> Invocation {
        Invocation {
            function: "ContactList".to_owned(),
            access_key_id: "KEY".to_owned(),
            cold,
            duration: Duration::from_millis(duration_ms),
            cpu: Duration::from_millis(duration_ms / 5),
            peak_memory_bytes: 1000 + duration_ms,
            status: "ok".to_owned(),
        }
    }

    fn count(usage: &Usage, key: &str, service: &str, action: &str, units: (f64, f64)) {
        usage.count(&AwsCall {
            access_key_id: key,
            function: if key == "KEY" { "ContactList" } else { "MentionNotify" },
            service,
            action,
            read_units: units.0,
            write_units: units.1,
        });
    }

    #[test]
    fn calls_are_added_to_the_invocation_that_made_them() {
        let usage = Usage::new();
        count(&usage, "KEY", "dynamodb", "DescribeTable", (0.0, 0.0));
        usage.start_invocation("KEY");
        count(&usage, "KEY", "dynamodb", "Query", (1.5, 0.0));
        count(&usage, "OTHER", "dynamodb", "Query", (9.0, 0.0));
        let first = usage.finish_invocation(invocation(10, true)).total();
        assert_eq!(first, InvocationCost { calls: 2, read_units: 1.5, write_units: 0.0 });

        usage.start_invocation("KEY");
        count(&usage, "KEY", "dynamodb", "Query", (0.5, 0.0));
        count(&usage, "KEY", "dynamodb", "PutItem", (0.0, 2.0));
        let second = usage.finish_invocation(invocation(30, false)).total();
        assert_eq!(second, InvocationCost { calls: 2, read_units: 0.5, write_units: 2.0 });

        insta::assert_json_snapshot!(usage.snapshot());
    }

    #[test]
    fn calls_outside_of_an_invocation_are_shown_too() {
        let usage = Usage::new();
        let _ = usage.finish_invocation(invocation(1, true));
        for key in ["POLLER", "POLLER", "OTHER"] {
            count(&usage, key, "sqs", "ReceiveMessage", (0.0, 0.0));
        }
        count(&usage, "KEY", "dynamodb", "Query", (0.5, 0.0));
        let snapshot = usage.snapshot();
        assert_eq!(snapshot["MentionNotify"]["actions"]["sqs.ReceiveMessage"]["calls"], 3);
        assert_eq!(snapshot["MentionNotify"]["invocations"], 0);
        assert_eq!(snapshot["ContactList"]["actions"]["dynamodb.Query"]["calls"], 1);
        assert_eq!(snapshot["ContactList"]["invocations"], 1);
    }

    #[test]
    fn a_reset_removes_everything() {
        let usage = Usage::new();
        count(&usage, "KEY", "s3", "PutObject", (0.0, 0.0));
        let _ = usage.finish_invocation(invocation(1, true));
        usage.reset();
        assert_eq!(usage.snapshot(), json!({}));
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let durations: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&durations, 50), 50.0);
        assert_eq!(percentile(&durations, 95), 95.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }
}
