//! The AWS calls and the capacity of invocations.

use std::collections::BTreeMap;

use serde::Serialize;

/// The AWS calls and the capacity of one invocation or one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct InvocationCost {
    /// Number of calls to all AWS services.
    pub calls: u64,
    /// DynamoDB read capacity units that the calls consumed.
    pub read_units: f64,
    /// DynamoDB write capacity units that the calls consumed.
    pub write_units: f64,
}

impl InvocationCost {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }
}

/// The cost of calls by action, in the form `service.Action`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ActionCosts(BTreeMap<String, InvocationCost>);

impl ActionCosts {
    /// Adds the cost of calls of one action.
    pub(super) fn add(&mut self, action: &str, cost: InvocationCost) {
        self.0.entry(action.to_owned()).or_default().add(cost);
    }

    /// Adds the cost of all actions.
    pub(super) fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|(action, cost)| self.add(action, cost));
    }

    /// Each action with its cost.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, InvocationCost)> {
        self.0.iter().map(|(action, cost)| (action.as_str(), *cost))
    }

    /// The cost of all actions together.
    #[must_use]
    pub fn total(&self) -> InvocationCost {
        let mut total = InvocationCost::default();
        self.0.values().for_each(|cost| total.add(*cost));
        total
    }

    /// Whether there are no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
