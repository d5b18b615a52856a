//! The detection of endless loops. Lambda counts how often a chain of messages invoked a function,
//! and drops an invocation after 16 of them, unless the function has `RecursiveLoop: Allow`.
//!
//! As on AWS, the count is in the trace header: Lambda gives it to an invocation, the SDK in the
//! function sends it with each call, the queue keeps it with the message, and the invocation that
//! the message causes gets a higher count.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of invocations after which Lambda takes a chain for an endless loop.
pub const LONGEST_CHAIN: u32 = 16;

/// The number of invocations of each function in a chain of messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage(BTreeMap<String, u32>);

impl Lineage {
    /// Reads the field `Lineage` of a trace header. A header without it starts a new chain.
    #[must_use]
    pub fn from_trace(header: &str) -> Self {
        let field = header.split(';').find_map(|part| part.trim().strip_prefix("Lineage="));
        let entries = field.unwrap_or_default().split('|').filter_map(|entry| {
            let (function, count) = entry.strip_prefix("1:")?.rsplit_once(':')?;
            Some((function.to_owned(), count.parse().ok()?))
        });
        Self(entries.collect())
    }

    /// The longest chain of the messages of one batch.
    #[must_use]
    pub fn longest(lineages: impl IntoIterator<Item = Self>) -> Self {
        let mut longest = Self::default();
        for (function, count) in lineages.into_iter().flat_map(|lineage| lineage.0) {
            let known = longest.0.entry(function).or_default();
            *known = count.max(*known);
        }
        longest
    }

    /// The lineage of an invocation of `function` that this chain causes; `None` if Lambda would
    /// drop the invocation.
    #[must_use]
    pub fn next(&self, function: &str, allows_recursion: bool) -> Option<Self> {
        let mut next = self.clone();
        let count = next.0.entry(function.to_owned()).or_default();
        *count += 1;
        (allows_recursion || *count <= LONGEST_CHAIN).then_some(next)
    }

    /// The field of the trace header.
    #[must_use]
    pub fn field(&self) -> String {
        let entries: Vec<String> =
            self.0.iter().map(|(function, count)| format!("1:{function}:{count}")).collect();
        format!("Lineage={}", entries.join("|"))
    }
}

/// The trace headers of the messages that wait in the queues. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Traces(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// By the id of the message.
    messages: HashMap<String, Lineage>,
    /// By the function, for functions that run inside of this process and send no header.
    functions: HashMap<String, Lineage>,
}

impl Traces {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the lineage of the calls that `function` makes from now on without a trace header.
    pub fn invoked(&self, function: &str, lineage: Lineage) {
        self.known().functions.insert(function.to_owned(), lineage);
    }

    /// Keeps the lineage of messages that `function` sent with this trace header.
    pub(crate) fn sent(&self, function: &str, header: Option<&str>, ids: Vec<String>) {
        let mut known = self.known();
        let own = || known.functions.get(function).cloned();
        let Some(lineage) = header.map(Lineage::from_trace).or_else(own) else { return };
        known.messages.extend(ids.into_iter().map(|id| (id, lineage.clone())));
    }

    /// The longest chain that led to these messages.
    #[must_use]
    pub fn of_messages<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Lineage {
        let known = self.known();
        Lineage::longest(ids.into_iter().filter_map(|id| known.messages.get(id).cloned()))
    }

    /// Forgets messages that were deleted.
    pub fn deleted<'i>(&self, ids: impl IntoIterator<Item = &'i str>) {
        let mut known = self.known();
        for id in ids {
            known.messages.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_dropped_after_16_invocations_of_a_function() {
        let mut chain = Lineage::default();
        for _ in 0..LONGEST_CHAIN {
            chain = chain.next("Work", false).unwrap();
        }
        assert_eq!(chain.next("Work", false), None);
        assert!(chain.next("Work", true).is_some(), "unless the function allows it");
        assert!(chain.next("Other", false).is_some(), "another function starts at one");
    }

    #[test]
    fn the_lineage_is_read_back_from_the_trace_header() {
        let chain = Lineage::default().next("Work", false).unwrap().next("Other", false).unwrap();
        let header = format!("Root=1-0;Parent=0;Sampled=0;{}", chain.field());
        assert_eq!(Lineage::from_trace(&header), chain);
        assert_eq!(Lineage::from_trace("Root=1-0;Parent=0"), Lineage::default());
    }
}
