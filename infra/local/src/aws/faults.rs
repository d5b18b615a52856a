//! Faults that tests and visitors inject (SPEC §6, "Faults").

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::replica::{Read, Replica};

/// Where the random numbers start: the same rules and calls fail the same way in every run.
const SEED: u64 = 42;
/// Longest latency that a rule may add, in milliseconds.
const MAX_LATENCY_MS: u64 = 600_000;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Launchpad's teams, of a user and of a company.
    #[serde(rename = "launchpad.teams")]
    LaunchpadTeams,
    /// Launchpad's permissions of a user.
    #[serde(rename = "launchpad.permissions")]
    LaunchpadPermissions,
    /// Launchpad's people, one and many.
    #[serde(rename = "launchpad.users")]
    LaunchpadUsers,
    /// Launchpad's companies.
    #[serde(rename = "launchpad.companies")]
    LaunchpadCompanies,
    /// The Notification Service.
    #[serde(rename = "notifications")]
    Notifications,
    /// DynamoDB.
    #[serde(rename = "dynamodb")]
    DynamoDb,
    /// S3.
    #[serde(rename = "s3")]
    S3,
    /// SQS.
    #[serde(rename = "sqs")]
    Sqs,
    /// SES.
    #[serde(rename = "ses")]
    Ses,
}

/// What goes wrong, beyond a latency or a plain status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// DynamoDB cancels a transaction because of another one.
    Conflict,
    /// The service throttles.
    Throttle,
    /// DynamoDB leaves some keys of a batch unprocessed.
    Unprocessed,
    /// Eventually consistent reads of the table do not see writes younger than the rule's lag.
    StaleRead,
    /// Queries of an index do not see writes younger than the rule's lag.
    GsiLag,
    /// The call takes effect and its answer is lost: the connection breaks, after the rule's
    /// latency, so that with a long one the caller's own time-out strikes first.
    CommitThenTimeout,
    /// Some entries of an SQS batch fail.
    BatchPartial,
    /// SQS delivers the message twice.
    Duplicate,
    /// The calling function's process dies.
    Kill,
}

/// Whether a `kill` comes before the call takes effect or after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The service never sees the call.
    #[default]
    Before,
    /// The call has taken effect, its answer never arrives.
    After,
}

/// One rule: which calls, how often, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The service.
    pub target: Target,
    /// Added before the call (after it for `commit_then_timeout`), in milliseconds.
    #[serde(default)]
    pub latency_ms: u64,
    /// Answered instead of calling, in the service's own error shape.
    #[serde(default)]
    pub status: Option<u16>,
    /// Probability that the rule strikes a call it fits, 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// What else goes wrong.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Only calls of this function (its logical id).
    #[serde(default)]
    pub function: Option<String>,
    /// Only this action, such as `PutItem`.
    #[serde(default)]
    pub action: Option<String>,
    /// So many calls that the rule fits are let through first.
    #[serde(default)]
    pub skip: u32,
    /// The rule is spent after it has struck so many times.
    #[serde(default)]
    pub times: Option<u32>,
    /// `Retry-After` of a neighbor's `status`, in seconds.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// For `kill`.
    #[serde(default)]
    pub when: When,
    /// For `stale_read` and `gsi_lag`: how late a write becomes visible, in milliseconds; with
    /// null, and only then, no write does while the rule is in force.
    #[serde(default = "a_second")]
    pub lag_ms: Option<u64>,
}

fn always() -> f64 {
    1.0
}

// Serde tells a missing field from a null by the type that a default answers.
#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn a_second() -> Option<u64> {
    Some(1000)
}

/// Why a rule is refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Malformed, an unknown field or an unknown value.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// The kind means nothing for the target.
    #[error("kind `{kind}` does not apply to target `{target}`")]
    WrongTarget {
        /// The kind asked for.
        kind: String,
        /// The target it was asked for.
        target: String,
    },
    /// A number that makes no sense.
    #[error("{0}")]
    OutOfRange(&'static str),
}

impl Rule {
    /// Reads a rule from the body of a request.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, RuleError> {
        let rule: Self = serde_json::from_slice(body)?;
        rule.check()?;
        Ok(rule)
    }

    fn check(&self) -> Result<(), RuleError> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(RuleError::OutOfRange("rate must be between 0 and 1"));
        }
        if self.status.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err(RuleError::OutOfRange("status must be between 400 and 599"));
        }
        if self.latency_ms > MAX_LATENCY_MS {
            return Err(RuleError::OutOfRange("latency_ms must be at most 600000"));
        }
        if self.lag_ms.is_some_and(|lag| lag > MAX_LATENCY_MS) {
            return Err(RuleError::OutOfRange("lag_ms must be at most 600000"));
        }
        match self.kind {
            Some(kind) if !kind.applies_to(self.target) => {
                Err(RuleError::WrongTarget { kind: name_of(&kind), target: name_of(&self.target) })
            }
            _ => Ok(()),
        }
    }

    fn fits(&self, call: &Call<'_>) -> bool {
        self.target == call.target
            && self.function.as_deref().is_none_or(|function| call.function == Some(function))
            && self.action.as_deref().is_none_or(|action| action == call.action)
            && self.kind.is_none_or(|kind| kind.concerns(call))
    }
}

impl Kind {
    fn applies_to(self, target: Target) -> bool {
        let aws = matches!(target, Target::DynamoDb | Target::S3 | Target::Sqs | Target::Ses);
        match self {
            Self::Conflict | Self::Unprocessed | Self::StaleRead | Self::GsiLag => {
                target == Target::DynamoDb
            }
            Self::BatchPartial | Self::Duplicate => target == Target::Sqs,
            Self::Kill => aws,
            Self::CommitThenTimeout | Self::Throttle => true,
        }
    }

    /// A rule is spent on calls that it can do something to, and on no others.
    fn concerns(self, call: &Call<'_>) -> bool {
        let action = call.action;
        match self {
            Self::StaleRead => call.read == Some(Read::Eventual),
            Self::GsiLag => call.read == Some(Read::Index),
            Self::Conflict => matches!(action, "TransactWriteItems" | "TransactGetItems"),
            Self::Unprocessed => matches!(action, "BatchGetItem" | "BatchWriteItem"),
            Self::BatchPartial => action == "SendMessageBatch",
            Self::Duplicate => matches!(action, "SendMessage" | "SendMessageBatch"),
            Self::Throttle | Self::CommitThenTimeout | Self::Kill => true,
        }
    }
}

fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&name_of(self))
    }
}

/// A call about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The service called.
    pub target: Target,
    /// The calling function, where it is known.
    pub function: Option<&'a str>,
    /// The action; for the neighbors the method and path.
    pub action: &'a str,
    /// How it reads the table, where it does so with less than full consistency.
    pub read: Option<Read>,
}

/// What is to happen to a call.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// To wait: before the call, or before the connection breaks on a lost answer.
    pub latency: Duration,
    /// To answer instead of calling.
    pub status: Option<u16>,
    /// `Retry-After` of a neighbor's answer, in seconds.
    pub retry_after: Option<u32>,
    /// What else goes wrong.
    pub kind: Option<Kind>,
    /// For [`Kind::Kill`].
    pub when: When,
    /// For [`Kind::StaleRead`] and [`Kind::GsiLag`]: what to read instead of the table.
    pub replica: Option<Arc<Replica>>,
}

impl Effects {
    /// Waits before the call, unless the latency belongs to a lost answer.
    pub(crate) async fn delay_before(&self) {
        if !self.loses_answer() && !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Whether the call takes effect without an answer.
    pub(crate) fn loses_answer(&self) -> bool {
        self.kind == Some(Kind::CommitThenTimeout) && self.status.is_none()
    }

    /// Keeps the answer back as long as the rule says.
    pub(crate) async fn delay_after(&self) {
        tokio::time::sleep(self.latency).await;
    }
}

#[derive(Debug)]
struct State {
    rules: Vec<Armed>,
    random: fastrand::Rng,
}

/// A rule in force, with the lagging replica that lives as long as it does.
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

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// No rule.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// [`RuleError`] for a rule that makes no sense.
    pub fn add(&self, rule: Rule) -> Result<(), RuleError> {
        rule.check()?;
        self.state().rules.push(Armed::new(rule));
        Ok(())
    }

    /// The rules, oldest first, `times` being what is left.
    #[must_use]
    pub fn list(&self) -> Vec<Rule> {
        self.state().rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// The lagging replicas of the rules in force: what has to hear of every write.
    pub(crate) fn replicas(&self) -> Vec<Arc<Replica>> {
        self.state().rules.iter().filter_map(|armed| armed.replica.clone()).collect()
    }

    /// Takes every rule away.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// What happens to this call. Latencies of all rules that strike add up; the first status
    /// and the first kind count.
    #[must_use]
    pub fn decide(&self, call: &Call<'_>) -> Effects {
        let mut state = self.state();
        let State { rules, random } = &mut *state;
        let mut effects = Effects::default();
        for Armed { rule, replica } in rules.iter_mut().filter(|armed| armed.rule.fits(call)) {
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
    use serde_json::json;

    fn rule(json: &serde_json::Value) -> Result<Rule, RuleError> {
        Rule::parse(json.to_string().as_bytes())
    }

    fn call(action: &str) -> Call<'_> {
        Call { target: Target::DynamoDb, function: Some("NoteWrite"), action, read: None }
    }

    #[test]
    fn a_rule_strikes_only_what_it_names() {
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
    fn a_rule_is_spent_after_its_times_and_only_on_calls_it_can_change() {
        let faults = Faults::new();
        let conflict = json!({"target": "dynamodb", "kind": "conflict", "times": 1});
        faults.add(rule(&conflict).unwrap()).unwrap();
        assert_eq!(faults.decide(&call("Query")).kind, None);
        assert_eq!(faults.decide(&call("TransactWriteItems")).kind, Some(Kind::Conflict));
        assert_eq!(faults.decide(&call("TransactWriteItems")).kind, None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rate_is_kept_and_repeats_from_run_to_run() {
        let count = || {
            let faults = Faults::new();
            let half = json!({"target": "dynamodb", "status": 500, "rate": 0.5});
            faults.add(rule(&half).unwrap()).unwrap();
            (0..1000).filter(|_| faults.decide(&call("Query")).status.is_some()).count()
        };
        assert!((400..600).contains(&count()));
        assert_eq!(count(), count());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let message = |json: serde_json::Value| rule(&json).unwrap_err().to_string();
        assert_eq!(
            message(json!({"target": "s3", "kind": "gsi_lag"})),
            "kind `gsi_lag` does not apply to target `s3`"
        );
        assert_eq!(
            message(json!({"target": "launchpad.teams", "kind": "duplicate"})),
            "kind `duplicate` does not apply to target `launchpad.teams`"
        );
        assert!(message(json!({"target": "mars"})).contains("unknown variant `mars`"));
        assert!(message(json!({"target": "s3", "delay": 1})).contains("unknown field `delay`"));
        assert!(message(json!({"target": "s3", "rate": 2})).contains("rate"));
        assert!(message(json!({"target": "s3", "status": 200})).contains("status"));
        assert!(message(json!({"target": "s3", "lag_ms": 600_001})).contains("lag_ms"));
    }
}
