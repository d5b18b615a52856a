//! Fault injection (SPEC §6, "Faults"): the rules in force, applied to each call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault_rule::{Call, Kind, Rule, RuleError, When};
use super::replica::Replica;

/// Seed of the random numbers. The seed is fixed, so the same rules and calls fail in the same way
/// in every run.
const SEED: u64 = 42;

/// What happens to a call, as the sum of all rules that apply to it.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Delay before the call. For a lost response, the delay before the connection breaks.
    pub latency: Duration,
    /// HTTP status of an error that the caller receives. The call itself is not made then.
    pub status: Option<u16>,
    /// `Retry-After` header in the error of an upstream service, in seconds.
    pub retry_after: Option<u32>,
    /// The kind of fault; `None` if there is only a latency or an error status.
    pub kind: Option<Kind>,
    /// For [`Kind::Kill`]: whether the process is killed before or after the call.
    pub when: When,
    /// For [`Kind::StaleRead`] and [`Kind::GsiLag`]: the copy of the table that the call reads.
    pub replica: Option<Arc<Replica>>,
}

impl Effects {
    /// Waits for the latency before the call. For a lost response, `delay_after` waits instead.
    pub(crate) async fn delay_before(&self) {
        if !self.loses_response() && !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Whether the call takes effect but the caller receives no response.
    pub(crate) fn loses_response(&self) -> bool {
        self.kind == Some(Kind::CommitThenTimeout) && self.status.is_none()
    }

    /// For a lost response, waits for the latency before the connection breaks.
    pub(crate) async fn delay_after(&self) {
        tokio::time::sleep(self.latency).await;
    }
}

#[derive(Debug)]
struct State {
    rules: Vec<Armed>,
    random: fastrand::Rng,
}

/// A rule in force, with its lagging replica if it needs one. The replica is removed together with
/// the rule.
#[derive(Debug)]
struct Armed {
    rule: Rule,
    replica: Option<Arc<Replica>>,
}

impl Armed {
    fn new(rule: Rule) -> Self {
        let lags = matches!(rule.kind, Some(Kind::StaleRead | Kind::GsiLag));
        let lag = rule.lag_ms.map(Duration::from_millis);
        Self { rule, replica: lags.then(|| Arc::new(Replica::new(lag))) }
    }
}

impl Default for State {
    fn default() -> Self {
        Self { rules: Vec::new(), random: fastrand::Rng::with_seed(SEED) }
    }
}

/// The rules in force. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// Creates an empty list of rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks a rule and adds it.
    pub fn add(&self, rule: Rule) -> Result<(), RuleError> {
        rule.check()?;
        self.state().rules.push(Armed::new(rule));
        Ok(())
    }

    /// The rules in force, oldest first. The `times` of a rule is the number of times that is left.
    #[must_use]
    pub fn list(&self) -> Vec<Rule> {
        self.state().rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The lagging replicas of the rules in force. Every write to the table must be recorded in
    /// them.
    pub(crate) fn replicas(&self) -> Vec<Arc<Replica>> {
        self.state().rules.iter().filter_map(|armed| armed.replica.clone()).collect()
    }

    /// Removes all rules and restarts the random numbers.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// Decides what happens to this call. The latencies of all rules that apply are added up. If
    /// several of these rules set a status or a kind, the first one is used.
    #[must_use]
    pub fn decide(&self, call: &Call<'_>) -> Effects {
        let mut state = self.state();
        let State { rules, random } = &mut *state;
        let mut effects = Effects::default();
        for Armed { rule, replica } in rules.iter_mut().filter(|armed| armed.rule.matches(call)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if random.f64() >= rule.rate {
                continue;
            }
            rule.times = rule.times.map(|times| times.saturating_sub(1));
            effects.latency += Duration::from_millis(rule.latency_ms);
            effects.status = effects.status.or(rule.status);
            effects.retry_after = effects.retry_after.or(rule.retry_after);
            if effects.kind.is_none() && rule.kind.is_some() {
                effects.kind = rule.kind;
                effects.when = rule.when;
                effects.replica.clone_from(replica);
            }
        }
        rules.retain(|armed| armed.rule.times != Some(0));
        effects
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Target;
    use serde_json::json;

    fn rule(json: &serde_json::Value) -> Result<Rule, RuleError> {
        Rule::parse(json.to_string().as_bytes())
    }

    fn call(action: &str) -> Call<'_> {
        Call { target: Target::DynamoDb, function: Some("NoteWrite"), action, read: None }
    }

    #[test]
    fn a_rule_applies_only_to_the_calls_that_it_names() {
        let faults = Faults::new();
        faults
            .add(
                rule(&json!({"target": "dynamodb", "status": 500, "latency_ms": 5,
                            "function": "NoteWrite", "action": "PutItem"}))
                .unwrap(),
            )
            .unwrap();

        let struck = faults.decide(&call("PutItem"));
        assert_eq!((struck.status, struck.latency), (Some(500), Duration::from_millis(5)));
        assert_eq!(faults.decide(&call("GetItem")).status, None);
        let other = Call { function: Some("ContactList"), ..call("PutItem") };
        assert_eq!(faults.decide(&other).status, None);
        let other = Call { target: Target::Sqs, ..call("PutItem") };
        assert_eq!(faults.decide(&other).status, None);
    }

    #[test]
    fn a_rule_is_removed_after_its_times_and_counts_only_calls_that_it_can_change() {
        let faults = Faults::new();
        let conflict = json!({"target": "dynamodb", "kind": "conflict", "times": 1});
        faults.add(rule(&conflict).unwrap()).unwrap();
        assert_eq!(faults.decide(&call("Query")).kind, None);
        assert_eq!(faults.decide(&call("TransactWriteItems")).kind, Some(Kind::Conflict));
        assert_eq!(faults.decide(&call("TransactWriteItems")).kind, None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rate_is_respected_and_is_the_same_in_every_run() {
        let count = || {
            let faults = Faults::new();
            let half = json!({"target": "dynamodb", "status": 500, "rate": 0.5});
            faults.add(rule(&half).unwrap()).unwrap();
            (0..1000).filter(|_| faults.decide(&call("Query")).status.is_some()).count()
        };
        assert!((400..600).contains(&count()));
        assert_eq!(count(), count());
    }
}
