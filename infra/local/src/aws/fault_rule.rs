//! The rules of fault injection. A rule selects calls and describes what goes wrong with them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::replica::Read;

/// Longest latency or lag that a rule may set, in milliseconds.
const MAX_LATENCY_MS: u64 = 600_000;

/// The service whose calls a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Requests to Launchpad for the teams of a user or of a company.
    #[serde(rename = "launchpad.teams")]
    LaunchpadTeams,
    /// Requests to Launchpad for the permissions of a user.
    #[serde(rename = "launchpad.permissions")]
    LaunchpadPermissions,
    /// Requests to Launchpad for one user or for the users of a company.
    #[serde(rename = "launchpad.users")]
    LaunchpadUsers,
    /// Requests to Launchpad for a company.
    #[serde(rename = "launchpad.companies")]
    LaunchpadCompanies,
    /// Requests to the Notification Service.
    #[serde(rename = "notifications")]
    Notifications,
    /// Calls to DynamoDB.
    #[serde(rename = "dynamodb")]
    DynamoDb,
    /// Calls to S3.
    #[serde(rename = "s3")]
    S3,
    /// Calls to SQS.
    #[serde(rename = "sqs")]
    Sqs,
    /// Calls to SES.
    #[serde(rename = "ses")]
    Ses,
}

/// The kind of a fault that is more than a latency or an error status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// DynamoDB cancels a transaction because it conflicts with another one.
    Conflict,
    /// The service throttles the call.
    Throttle,
    /// DynamoDB leaves some keys of a batch unprocessed.
    Unprocessed,
    /// Eventually consistent reads of the table do not see writes that are younger than the rule's
    /// lag.
    StaleRead,
    /// Queries of an index do not see writes that are younger than the rule's lag.
    GsiLag,
    /// The call takes effect, but the caller receives no response: the connection breaks after the
    /// rule's latency. If the latency is long, the caller's own time-out ends the call first.
    CommitThenTimeout,
    /// Every second entry of an SQS batch fails.
    BatchPartial,
    /// SQS delivers the message twice.
    Duplicate,
    /// The process of the calling function is killed.
    Kill,
}

/// Whether a `kill` happens before or after the call takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The process is killed before the call. The service does not receive the call.
    #[default]
    Before,
    /// The process is killed after the call has taken effect. The response is lost.
    After,
}

/// A rule of fault injection: which calls it matches, how often it applies, and what happens to the
/// calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The service whose calls the rule matches.
    pub target: Target,
    /// Delay in milliseconds: before the call, or after the call for `commit_then_timeout`.
    #[serde(default)]
    pub latency_ms: u64,
    /// HTTP status (400 to 599) of an error that the caller receives, in the format of the service.
    /// The call itself is not made then.
    #[serde(default)]
    pub status: Option<u16>,
    /// Probability that the rule applies to a matching call: a number from 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// The kind of fault; `None` if the rule only sets a latency or an error status.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Logical id of a function: the rule matches only calls of this function. `None` matches all
    /// callers.
    #[serde(default)]
    pub function: Option<String>,
    /// Name of an action, such as `PutItem`: the rule matches only this action. `None` matches all
    /// actions.
    #[serde(default)]
    pub action: Option<String>,
    /// Number of matching calls that the rule leaves unchanged before it applies.
    #[serde(default)]
    pub skip: u32,
    /// Number of times that the rule applies, after which it is removed; `None` for no limit.
    #[serde(default)]
    pub times: Option<u32>,
    /// `Retry-After` header in seconds, for an error `status` of an upstream service.
    #[serde(default)]
    pub retry_after: Option<u32>,
    /// For `kill`: whether the process is killed before or after the call.
    #[serde(default)]
    pub when: When,
    /// For `stale_read` and `gsi_lag`: the time in milliseconds after which a write becomes
    /// visible. If the value is null, no write becomes visible while the rule is in force.
    #[serde(default = "one_second")]
    pub lag_ms: Option<u64>,
}

fn always() -> f64 {
    1.0
}

// Serde uses this default only if the field is missing, so null stays `None`.
#[expect(clippy::unnecessary_wraps, reason = "the type of the field")]
fn one_second() -> Option<u64> {
    Some(1000)
}

/// The reason why a rule is refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The JSON is malformed, or it has an unknown field or value.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// The kind cannot be applied to the target.
    #[error("kind `{kind}` does not apply to target `{target}`")]
    WrongTarget {
        /// The kind of the rule.
        kind: String,
        /// The target of the rule.
        target: String,
    },
    /// A number is outside its range.
    #[error("{0}")]
    OutOfRange(&'static str),
}

impl Rule {
    /// Parses a rule from the body of a request and checks it.
    pub fn parse(body: &[u8]) -> Result<Self, RuleError> {
        let rule: Self = serde_json::from_slice(body)?;
        rule.check()?;
        Ok(rule)
    }

    pub(super) fn check(&self) -> Result<(), RuleError> {
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
                let (kind, target) = (serialized_name(&kind), serialized_name(&self.target));
                Err(RuleError::WrongTarget { kind, target })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn matches(&self, call: &Call<'_>) -> bool {
        self.target == call.target
            && self.function.as_deref().is_none_or(|function| call.function == Some(function))
            && self.action.as_deref().is_none_or(|action| action == call.action)
            && self.kind.is_none_or(|kind| kind.can_affect(call))
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

    /// Whether this kind of fault can change the call. A call that the fault cannot change does not
    /// count towards the `skip` and `times` of a rule.
    fn can_affect(self, call: &Call<'_>) -> bool {
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

/// The name of an enum value in JSON.
fn serialized_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serialized_name(self))
    }
}

/// A call to which the rules are applied before it is made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The service that the call is for.
    pub target: Target,
    /// Logical id of the calling function; `None` if it is unknown.
    pub function: Option<&'a str>,
    /// The action. For a call to an upstream service, this is the path.
    pub action: &'a str,
    /// How the call reads the table; `None` unless the call is an eventually consistent read.
    pub read: Option<Read>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(json: &serde_json::Value) -> Result<Rule, RuleError> {
        Rule::parse(json.to_string().as_bytes())
    }

    #[test]
    fn an_invalid_rule_is_refused_with_the_name_of_the_bad_field() {
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
