//! The trace header.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::lineage::Lineage;

/// The trace of an invocation or of a message. Without a trace id, it is a chain that no request
/// caused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The ids of the traces that led here. A batch can have messages of several traces.
    ids: BTreeSet<String>,
    lineage: Lineage,
}

impl Trace {
    /// Starts the trace with this id.
    #[must_use]
    pub fn start(id: &str) -> Self {
        Self { ids: [id.to_owned()].into(), lineage: Lineage::default() }
    }

    /// Reads a trace header.
    #[must_use]
    pub fn from_header(header: &str) -> Self {
        let field = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name));
        let root = field("Root=").into_iter();
        let links = field("Links=").into_iter().flat_map(|links| links.split('|'));
        Self {
            ids: root.chain(links).map(str::to_owned).collect(),
            lineage: Lineage::from_header(header),
        }
    }

    /// The trace of an invocation with a batch of messages, which continues the traces of all of
    /// them. Its chain is the longest one.
    #[must_use]
    pub fn of_batch(traces: impl IntoIterator<Item = Self>) -> Self {
        let (ids, lineages): (Vec<_>, Vec<_>) =
            traces.into_iter().map(|trace| (trace.ids, trace.lineage)).unzip();
        Self { ids: ids.into_iter().flatten().collect(), lineage: Lineage::longest(lineages) }
    }

    /// The trace of an invocation of `function` that this trace causes; `None` if Lambda would drop
    /// the invocation as part of an endless loop.
    #[must_use]
    pub fn next(&self, function: &str, allows_recursion: bool) -> Option<Self> {
        let lineage = self.lineage.next(function, allows_recursion)?;
        Some(Self { ids: self.ids.clone(), lineage })
    }

    /// The ids of the traces that led here.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// Whether an invocation led here, and not a request itself.
    #[must_use]
    pub fn has_invocations(&self) -> bool {
        !self.lineage.is_empty()
    }

    /// The trace header. It has one `Root`; further ids are in the field `Links`, which AWS does not
    /// have. Without an id, it gets a new one.
    #[must_use]
    pub fn header(&self, now: Timestamp) -> String {
        let (root, links) = match self.ids.iter().cloned().collect::<Vec<_>>().split_first() {
            Some((root, links)) => (root.clone(), links.join("|")),
            None => (new_id(now), String::new()),
        };
        let parent = &Uuid::new_v4().simple().to_string()[..16];
        let links = if links.is_empty() { links } else { format!(";Links={links}") };
        format!("Root={root};Parent={parent};Sampled=0;{}{links}", self.lineage.field())
    }
}

/// A trace id in the format of X-Ray: the version, the time in seconds since 1970, and 96 random
/// bits.
#[must_use]
pub fn new_id(now: Timestamp) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("1-{:08x}-{}", now.as_second(), &random[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Trace {
        Trace::start(&new_id("2026-11-21T08:00:00Z".parse().unwrap()))
    }

    #[test]
    fn a_trace_is_read_back_from_its_header() {
        let trace = started().next("Work", false).unwrap();
        let header = trace.header(Timestamp::UNIX_EPOCH);
        assert!(header.starts_with("Root=1-6b014f80-"), "{header}");
        assert_eq!(header.split(';').count(), 4, "{header}");
        assert_eq!(Trace::from_header(&header), trace);
        assert_eq!(Trace::from_header("Sampled=0"), Trace::default());
    }

    #[test]
    fn a_batch_continues_the_traces_of_all_its_messages() {
        let (first, second) = (started(), started().next("Work", false).unwrap());
        let batch = Trace::of_batch([first.clone(), second.clone(), first.clone()]);
        let ids: BTreeSet<&str> = first.ids().chain(second.ids()).collect();
        assert_eq!(batch.ids().collect::<BTreeSet<_>>(), ids);
        assert!(batch.has_invocations());
        assert_eq!(Trace::from_header(&batch.header(Timestamp::UNIX_EPOCH)), batch);
    }

    #[test]
    fn a_trace_without_a_request_gets_a_new_id_in_its_header() {
        let header = Trace::default().header(Timestamp::UNIX_EPOCH);
        assert_eq!(Trace::from_header(&header).ids().count(), 1);
        assert_eq!(Trace::default().ids().count(), 0);
    }
}
