//! The detection of endless loops. Lambda counts how often a chain of messages invoked a function,
//! and drops an invocation after 16 of them, unless the function has `RecursiveLoop: Allow`.
//! As on AWS, the count is in the trace header.

use std::collections::BTreeMap;

/// The number of invocations after which Lambda takes a chain for an endless loop.
pub const LONGEST_CHAIN: u32 = 16;

/// The number of invocations of each function in a chain of messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lineage(BTreeMap<String, u32>);

impl Lineage {
    /// Reads the field `Lineage` of a trace header. A header without it starts a new chain.
    pub(super) fn from_header(header: &str) -> Self {
        let field = header.split(';').find_map(|part| part.trim().strip_prefix("Lineage="));
        let entries = field.unwrap_or_default().split('|').filter_map(|entry| {
            let (function, count) = entry.strip_prefix("1:")?.rsplit_once(':')?;
            Some((function.to_owned(), count.parse().ok()?))
        });
        Self(entries.collect())
    }

    /// The longest chain of the messages of one batch.
    pub(super) fn longest(lineages: impl IntoIterator<Item = Self>) -> Self {
        let mut longest = Self::default();
        for (function, count) in lineages.into_iter().flat_map(|lineage| lineage.0) {
            let known = longest.0.entry(function).or_default();
            *known = count.max(*known);
        }
        longest
    }

    /// The lineage of an invocation of `function` that this chain causes; `None` if Lambda would
    /// drop the invocation.
    pub(super) fn next(&self, function: &str, allows_recursion: bool) -> Option<Self> {
        let mut next = self.clone();
        let count = next.0.entry(function.to_owned()).or_default();
        *count += 1;
        (allows_recursion || *count <= LONGEST_CHAIN).then_some(next)
    }

    /// Whether no function was invoked yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field of the trace header.
    pub(super) fn field(&self) -> String {
        let entries: Vec<String> =
            self.0.iter().map(|(function, count)| format!("1:{function}:{count}")).collect();
        format!("Lineage={}", entries.join("|"))
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
        assert_eq!(Lineage::from_header(&header), chain);
        assert_eq!(Lineage::from_header("Root=1-0;Parent=0"), Lineage::default());
    }
}
