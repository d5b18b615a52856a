//! What each function used: invocations, time, memory, AWS calls and capacity (SPEC §6).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// Durations kept per function for the percentiles.
const MAX_DURATIONS: usize = 100_000;

/// A finished invocation, as the process pool saw it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Logical id of the function.
    pub function: String,
    /// Credentials of the execution environment that ran it.
    pub access_key_id: String,
    /// Whether the environment was started for it.
    pub cold: bool,
    /// From the event's delivery to the answer.
    pub duration: Duration,
    /// Highest resident memory of the process so far; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
    /// How it ended, in a word: `ok`, `error`, `timeout`….
    pub status: String,
}

/// What one invocation used of AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct InvocationCost {
    /// Calls to any service.
    pub calls: u64,
    /// DynamoDB read capacity units.
    pub read_units: f64,
    /// DynamoDB write capacity units.
    pub write_units: f64,
}

impl InvocationCost {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }
}

/// Cost by `service.Action`.
type Costs = BTreeMap<String, InvocationCost>;

#[derive(Debug, Default)]
struct FunctionUsage {
    cold_starts: u64,
    peak_memory_bytes: u64,
    durations: VecDeque<Duration>,
    statuses: BTreeMap<String, u64>,
    calls: Costs,
}

#[derive(Debug, Default)]
struct State {
    functions: BTreeMap<String, FunctionUsage>,
    /// Calls of invocations under way, by access key.
    running: HashMap<String, Costs>,
}

/// Counts per function since the last reset.
///
/// A call belongs to the invocation that its execution environment is running; what a process
/// calls while it starts belongs to its first one.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Mutex<State>>);

impl Usage {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From here on, calls with this key belong to a new invocation.
    pub fn start_invocation(&self, access_key_id: &str) {
        self.state().running.entry(access_key_id.to_owned()).or_default();
    }

    /// Counts one call of `action` at `service`, with the capacity it consumed.
    pub fn count(
        &self,
        access_key_id: &str,
        service: &str,
        action: &str,
        read_units: f64,
        write_units: f64,
    ) {
        let mut state = self.state();
        let calls = state.running.entry(access_key_id.to_owned()).or_default();
        let cost = InvocationCost { calls: 1, read_units, write_units };
        calls.entry(format!("{service}.{action}")).or_default().add(cost);
    }

    /// Books the invocation on its function and returns what it used.
    #[must_use]
    pub fn finish_invocation(&self, invocation: Invocation) -> InvocationCost {
        let mut state = self.state();
        let calls = state.running.remove(&invocation.access_key_id).unwrap_or_default();
        let function = state.functions.entry(invocation.function).or_default();
        function.cold_starts += u64::from(invocation.cold);
        function.peak_memory_bytes = function.peak_memory_bytes.max(invocation.peak_memory_bytes);
        if function.durations.len() == MAX_DURATIONS {
            function.durations.pop_front();
        }
        function.durations.push_back(invocation.duration);
        *function.statuses.entry(invocation.status).or_default() += 1;

        let mut total = InvocationCost::default();
        for (action, cost) in calls {
            total.add(cost);
            function.calls.entry(action).or_default().add(cost);
        }
        total
    }

    /// The body of `GET /_local/usage`: an object by function.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        let state = self.state();
        state.functions.iter().map(|(name, usage)| (name.clone(), usage.to_json())).collect()
    }

    /// Forgets everything, the calls of invocations under way too.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionUsage {
    fn to_json(&self) -> Value {
        let mut sorted: Vec<Duration> = self.durations.iter().copied().collect();
        sorted.sort_unstable();
        json!({
            "invocations": self.statuses.values().sum::<u64>(),
            "statuses": self.statuses,
            "cold_starts": self.cold_starts,
            "duration_p50_ms": percentile(&sorted, 50),
            "duration_p95_ms": percentile(&sorted, 95),
            "peak_memory_bytes": self.peak_memory_bytes,
            "actions": self.calls,
        })
    }
}

/// The nearest-rank percentile in milliseconds, to the microsecond.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |duration| (duration.as_secs_f64() * 1e6).round() / 1e3)
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
            peak_memory_bytes: 1000 + duration_ms,
            status: "ok".to_owned(),
        }
    }

    #[test]
    fn calls_are_booked_on_the_invocation_that_made_them() {
        let usage = Usage::new();
        usage.count("KEY", "dynamodb", "DescribeTable", 0.0, 0.0);
        usage.start_invocation("KEY");
        usage.count("KEY", "dynamodb", "Query", 1.5, 0.0);
        usage.count("OTHER", "dynamodb", "Query", 9.0, 0.0);
        let first = usage.finish_invocation(invocation(10, true));
        assert_eq!(first, InvocationCost { calls: 2, read_units: 1.5, write_units: 0.0 });

        usage.start_invocation("KEY");
        usage.count("KEY", "dynamodb", "Query", 0.5, 0.0);
        usage.count("KEY", "dynamodb", "PutItem", 0.0, 2.0);
        let second = usage.finish_invocation(invocation(30, false));
        assert_eq!(second, InvocationCost { calls: 2, read_units: 0.5, write_units: 2.0 });

        insta::assert_json_snapshot!(usage.snapshot());
    }

    #[test]
    fn a_reset_forgets_everything() {
        let usage = Usage::new();
        usage.count("KEY", "s3", "PutObject", 0.0, 0.0);
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
