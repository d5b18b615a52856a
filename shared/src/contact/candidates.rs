//! What a list reads its candidates from, by the cheaper plan.
//!
//! A viewer of many teams has many partitions: a merge asks each of them, whatever it gives, while
//! a walk of the whole company reads past what is out of scope. Which is cheaper depends on how
//! much of the company is in scope, which nobody counts; so the walk begins, and as soon as what is
//! left of the page is likely to cost more than the merge, the merge takes over behind the place
//! that the walk has come to. Both give the same contacts in the same order.

use std::collections::HashSet;

use super::{Contacts, ListRequest, OrderBy, Pointer, Walk};
use crate::{
    access::Scope,
    table::{Partition, Query, TableError},
};

/// The most pointers that one request looks at before it answers a short page.
const MAX_POINTERS: usize = 5_000;
/// The partitions up to which a merge is not worth comparing with anything.
const FEW_PARTITIONS: usize = 16;
/// What a query costs at least, in pointers read in one go: half a read unit are 4 KB, and a
/// pointer has about 256 bytes.
const POINTERS_PER_QUERY: usize = 16;

/// Where a list's candidates come from, as the log tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadPlan {
    /// The partitions that hold what is in scope and wanted.
    Merge,
    /// The whole company's, passing over what is out of scope.
    Walk,
    /// The first places from the whole company's, the others from the partitions.
    WalkThenMerge,
    /// Search words.
    Search,
}

impl ReadPlan {
    /// The plan's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Walk => "walk",
            Self::WalkThenMerge => "walk_then_merge",
            Self::Search => "search",
        }
    }
}

/// The pointers that a list looks at.
pub(super) struct Candidates<'a> {
    contacts: &'a Contacts,
    scope: &'a Scope,
    request: &'a ListRequest,
    walk: Walk,
    /// What would be merged, while the whole company is walked instead.
    merge: Option<Vec<Query>>,
    plan: ReadPlan,
    looked_at: usize,
    admitted: usize,
    place: Option<String>,
    over: bool,
}

impl<'a> Candidates<'a> {
    /// The candidates of a request, from behind its cursor.
    pub(super) fn new(contacts: &'a Contacts, scope: &'a Scope, request: &'a ListRequest) -> Self {
        let partitions = request.criteria.partitions(scope);
        let plan = match request.order {
            OrderBy::Match => ReadPlan::Search,
            _ if partitions.len() > FEW_PARTITIONS => ReadPlan::Walk,
            _ if partitions == [Partition::All] => ReadPlan::Walk,
            _ => ReadPlan::Merge,
        };
        Self::by(plan, contacts, scope, request, &partitions)
    }

    /// The same by a plan that is given, be it the cheaper one or not.
    fn by(
        plan: ReadPlan,
        contacts: &'a Contacts,
        scope: &'a Scope,
        request: &'a ListRequest,
        partitions: &[Partition],
    ) -> Self {
        let queries = |partitions: &[Partition]| {
            let (order, direction) = (request.order, request.direction);
            let mut queries =
                request.criteria.queries(&contacts.company, partitions, order, direction);
            if let Some(cursor) = &request.cursor {
                queries.iter_mut().for_each(|query| query.go_behind(&cursor.after));
            }
            queries
        };
        let is_part = plan == ReadPlan::Walk && partitions != [Partition::All];
        let (first, merge) = match is_part {
            true => (queries(&[Partition::All]), Some(queries(partitions))),
            false => (queries(partitions), None),
        };
        Self {
            contacts,
            scope,
            request,
            walk: Walk::new(contacts, first, request.direction, request.limit),
            merge,
            plan,
            looked_at: 0,
            admitted: 0,
            place: None,
            over: false,
        }
    }

    /// The next pointers that are in scope and wanted, as far as pointers tell, of this many
    /// contacts: fewer only at the end, or when enough was looked at for one request.
    pub(super) async fn take(&mut self, wanted: usize) -> Result<Vec<Pointer>, TableError> {
        let mut found = Vec::with_capacity(wanted);
        let mut contacts = HashSet::with_capacity(wanted);
        while contacts.len() < wanted && !self.over && !self.is_spent() {
            self.change_plan(wanted - contacts.len());
            let Some(pointer) = self.walk.next().await? else {
                self.over = true;
                break;
            };
            self.looked_at += 1;
            self.place = Some(pointer.place.clone());
            if pointer.is_wanted(self.scope, &self.request.criteria) {
                self.admitted += 1;
                contacts.insert(pointer.id);
                found.push(pointer);
            }
        }
        Ok(found)
    }

    /// Goes over to the merge when the walk is to read again for the `wanted` next candidates and
    /// that is likely to cost more, or the walk has taken half of what a request may look at.
    fn change_plan(&mut self, wanted: usize) {
        if !self.walk.must_read() {
            return;
        }
        let Some(merge) = &self.merge else { return };
        let likely = wanted * (self.looked_at + 2) / (self.admitted + 1);
        if likely <= merge.len() * POINTERS_PER_QUERY && self.looked_at < MAX_POINTERS / 2 {
            return;
        }
        let mut queries = self.merge.take().unwrap_or_default();
        self.plan = ReadPlan::Merge;
        if let Some(place) = &self.place {
            queries.iter_mut().for_each(|query| query.go_behind(place));
            self.plan = ReadPlan::WalkThenMerge;
        }
        let (direction, limit) = (self.request.direction, self.request.limit);
        self.walk = Walk::new(self.contacts, queries, direction, limit);
    }

    /// The place of the last pointer looked at.
    pub(super) fn place(&self) -> Option<String> {
        self.place.clone()
    }

    /// Whether the end was seen.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether enough was looked at for one request.
    pub(super) fn is_spent(&self) -> bool {
        self.looked_at >= MAX_POINTERS
    }

    /// Where the candidates came from.
    pub(super) fn plan(&self) -> ReadPlan {
        self.plan
    }
}

#[cfg(test)]
#[path = "candidates_tests.rs"]
mod tests;
