//! Reads the index entries of the contacts that may be on a list, with the cheaper of two query
//! plans.
//!
//! A viewer of many teams has many partitions. A merge queries every partition, even those without
//! matching contacts; a walk of the whole company reads and skips contacts that are out of scope.
//! Which plan is cheaper depends on the share of the company's contacts that is in scope, which is
//! not known in advance. Therefore the list starts with the walk. As soon as the rest of the page
//! is likely to cost more with the walk than with the merge, the list changes to the merge at the
//! current position. Both plans return the same contacts in the same order.

use std::collections::HashSet;

use super::{Contacts, ListRequest, OrderBy, Pointer, Walk};
use crate::{
    access::Scope,
    table::{Partition, Query, TableError},
};

/// The maximum number of pointers that one request checks. A request that reaches this limit
/// returns the page even if the page is not full.
const MAX_POINTERS: usize = 5_000;
/// The number of partitions up to which a list always uses the merge.
const FEW_PARTITIONS: usize = 16;
/// The minimum cost of a query, given as the number of pointers that can be read for this cost. The
/// minimum cost is half a read unit, which reads 4 KB, and a pointer has about 256 bytes.
const POINTERS_PER_QUERY: usize = 16;

/// The plan by which a list reads its candidates, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadPlan {
    /// Reads the partitions that contain the contacts that are in scope and match the criteria.
    Merge,
    /// Reads the partition of the whole company and skips contacts that are out of scope.
    Walk,
    /// Reads the first pointers with the walk and the rest with the merge.
    WalkThenMerge,
    /// Reads the search words that match the search text.
    Search,
}

impl ReadPlan {
    /// The plan's name in the log.
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

/// Reads the pointers to the contacts that may be on a list.
pub(super) struct Candidates<'a> {
    contacts: &'a Contacts,
    scope: &'a Scope,
    request: &'a ListRequest,
    walk: Walk,
    /// The queries of the merge to which the list can change; `None` if it cannot change its plan.
    merge: Option<Vec<Query>>,
    plan: ReadPlan,
    checked: usize,
    admitted: usize,
    position: Option<String>,
    finished: bool,
}

impl<'a> Candidates<'a> {
    /// Creates the candidates of a request. They start after the request's cursor.
    pub(super) fn new(contacts: &'a Contacts, scope: &'a Scope, request: &'a ListRequest) -> Self {
        let partitions = request.criteria.partitions(scope);
        let plan = match request.order {
            OrderBy::Match => ReadPlan::Search,
            _ if partitions.len() > FEW_PARTITIONS => ReadPlan::Walk,
            _ if partitions == [Partition::All] => ReadPlan::Walk,
            _ => ReadPlan::Merge,
        };
        Self::with_plan(plan, contacts, scope, request, &partitions)
    }

    /// Creates the candidates of a request with this plan, even if it is not the cheaper one.
    fn with_plan(
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
                queries.iter_mut().for_each(|query| query.continue_after(&cursor.after));
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
            checked: 0,
            admitted: 0,
            position: None,
            finished: false,
        }
    }

    /// Returns the pointers to the next `wanted` contacts that may be in scope and match the
    /// criteria. Returns fewer only at the end of the list, or when the limit of one request is
    /// reached.
    pub(super) async fn take(&mut self, wanted: usize) -> Result<Vec<Pointer>, TableError> {
        let mut found = Vec::with_capacity(wanted);
        let mut contacts = HashSet::with_capacity(wanted);
        while contacts.len() < wanted && !self.finished && !self.is_limit_reached() {
            self.change_plan(wanted - contacts.len());
            let Some(pointer) = self.walk.next().await? else {
                self.finished = true;
                break;
            };
            self.checked += 1;
            self.position = Some(pointer.position.clone());
            if self.request.criteria.may_match(&pointer, self.scope) {
                self.admitted += 1;
                contacts.insert(pointer.id);
                found.push(pointer);
            }
        }
        Ok(found)
    }

    /// Changes from the walk to the merge if the walk must read again and one of these conditions
    /// is met: the `wanted` next candidates are likely to cost more with the walk than with the
    /// merge, or the walk has used half of the limit of one request.
    fn change_plan(&mut self, wanted: usize) {
        if !self.walk.must_read() {
            return;
        }
        let Some(merge) = &self.merge else { return };
        let likely = wanted * (self.checked + 2) / (self.admitted + 1);
        if likely <= merge.len() * POINTERS_PER_QUERY && self.checked < MAX_POINTERS / 2 {
            return;
        }
        let mut queries = self.merge.take().unwrap_or_default();
        self.plan = ReadPlan::Merge;
        if let Some(position) = &self.position {
            queries.iter_mut().for_each(|query| query.continue_after(position));
            self.plan = ReadPlan::WalkThenMerge;
        }
        let (direction, limit) = (self.request.direction, self.request.limit);
        self.walk = Walk::new(self.contacts, queries, direction, limit);
    }

    /// The position of the last checked pointer; `None` before the first one.
    pub(super) fn position(&self) -> Option<String> {
        self.position.clone()
    }

    /// Whether the end of the list was reached.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the limit of one request was reached.
    pub(super) fn is_limit_reached(&self) -> bool {
        self.checked >= MAX_POINTERS
    }

    /// The plan by which the candidates were read.
    pub(super) fn plan(&self) -> ReadPlan {
        self.plan
    }
}

#[cfg(test)]
#[path = "candidates_tests.rs"]
mod tests;
