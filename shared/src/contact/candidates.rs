//! Reads the index entries of the contacts that may be on a list, with the cheapest of several
//! plans.
//!
//! The scope and each filter by owner, assignee, team or view select a set of partitions, and every
//! contact on the list is in each of these sets. A list reads one of the sets and skips the
//! contacts that do not match. Which set is cheapest depends on the share of its contacts that
//! match, which is not known in advance. Therefore the list starts with the set of the fewest
//! partitions, or with a walk of the whole company if that set has many. When the rest of the page
//! is likely to cost more than an attempt with another set, the list continues with that set at the
//! current position, and each further change needs twice as much reading. So a page costs at most a
//! small multiple of what it costs with the best set. All sets contain the same matching contacts
//! in the same order.
//!
//! A search has plans of another kind: the search words of the whole company, and the pointers of a
//! narrow scope ([`ScopeSearch`]). It reads both in turn, until the first one has filled the page, or
//! the second one contains the page or is complete. A search for several words begins with the
//! entries of its rarest word ([`RarestWord`]), which may lead to all results; then with the
//! pointers, which have all words. If a search takes long, the page ends with the matches that are
//! known, and the next page continues there.

use std::{collections::HashSet, mem, vec};

use super::{
    Contacts, ListRequest, OrderBy, Pointer, Walk,
    index_entry::Answer,
    queries::PartitionSet,
    rarest_word::RarestWord,
    scope_search::{RECORD_COST, ScopeSearch},
};
use crate::{
    access::Scope,
    id::ContactId,
    table::{Partition, Query, TableError},
};

/// The maximum number of index entries that one request reads (SPEC §2, "List"). A request that
/// reaches this limit returns the page even if the page is not full.
const MAX_ENTRIES: usize = 20_000;
/// The cost after which a search returns the matches that it has found, even if the page is not
/// full. The unit is the cost of one entry of a search word; 250 of them are about 4 read units.
const ENOUGH_FOR_SEARCH: usize = 3_500;
/// The maximum number of search words that one read requests, so that a search does not read much
/// more than it needs.
const MAX_WORDS_READ: usize = 500;
/// The number of entries that a search of the whole company reads to find its rarest word: 80 read
/// units at most.
const MAX_WORD_ENTRIES: usize = 5_000;
/// The same for a search in a narrower scope, whose pointers have all words too: 16 read units.
const MAX_WORD_ENTRIES_IN_SCOPE: usize = 1_000;
/// The number of partitions up to which a list always merges a set.
const FEW_PARTITIONS: usize = 16;
/// The cost of a query or of a record, as the number of entries that can be read for it. The
/// minimum cost of a read is half a unit, which reads 4 KB, and a pointer has about 256 bytes.
const ENTRIES_PER_READ: usize = 16;
/// The cost that an attempt with another set must at least save, as a number of entries. It doubles
/// with each change.
const FIRST_ATTEMPT: usize = 256;

/// The plan by which a list reads its candidates, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadPlan {
    /// Reads the partitions of the scope or of a filter.
    Merge,
    /// Reads the partition of the whole company and skips contacts that are out of scope.
    Walk,
    /// Reads the first pointers with the walk and the rest with the merge.
    WalkThenMerge,
    /// Reads the partitions of the scope and of filters in turn.
    Alternate,
    /// Reads the search words that match the search text.
    Search,
    /// Reads all pointers of the scope and compares the search words in them.
    SearchScope,
    /// Reads the search words that match the rarest of several words of the search text.
    SearchRarestWord,
}

impl ReadPlan {
    /// The plan's name in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Walk => "walk",
            Self::WalkThenMerge => "walk_then_merge",
            Self::Alternate => "alternate",
            Self::Search => "search",
            Self::SearchScope => "search_scope",
            Self::SearchRarestWord => "search_rarest_word",
        }
    }
}

/// Where the next pointer comes from.
enum Source {
    Walk(Walk),
    /// Results of a search that the pointers of its scope contain, up to this position; `None` if
    /// they are the rest of the results.
    Matches(vec::IntoIter<Pointer>, Option<String>),
}

/// Reads the pointers to the contacts that may be on a list.
pub(super) struct Candidates<'a> {
    contacts: &'a Contacts,
    scope: &'a Scope,
    request: &'a ListRequest,
    source: Source,
    /// The sets that the list can read; the current one is the first.
    sets: Vec<PartitionSet>,
    /// The second plan of a search, if the search has one.
    scope_search: Option<ScopeSearch>,
    /// The contacts that can be results, if the rarest word of a search has shown them.
    possible: Option<HashSet<ContactId>>,
    /// Whether the entries of the rarest word have not been read yet.
    may_read_rarest_word: bool,
    plan: ReadPlan,
    /// The cost that another attempt must at least save.
    attempt: usize,
    /// The cost of the entries that were read since the last change of the set.
    spent: usize,
    /// The number of entries of those that match.
    admitted: usize,
    /// The cost of the entries that were read since the last one that matches.
    barren: usize,
    /// The cost of all entries that were read.
    checked: usize,
    /// The cost after which a search returns what it has found.
    enough: usize,
    position: Option<String>,
    finished: bool,
}

impl<'a> Candidates<'a> {
    /// Creates the candidates of a request. They start after the request's cursor.
    pub(super) fn new(contacts: &'a Contacts, scope: &'a Scope, request: &'a ListRequest) -> Self {
        let mut sets = request.criteria.partition_sets(scope);
        let has_many = sets.first().is_some_and(|set| set.partitions.len() > FEW_PARTITIONS);
        if has_many && request.order != OrderBy::Match {
            sets.insert(0, whole_company());
        }
        Self::with_sets(sets, contacts, scope, request)
    }

    /// Creates the candidates of a request that reads these sets, starting with the first one.
    fn with_sets(
        sets: Vec<PartitionSet>,
        contacts: &'a Contacts,
        scope: &'a Scope,
        request: &'a ListRequest,
    ) -> Self {
        let position = request.cursor.as_ref().map(|cursor| cursor.after.clone());
        let first = sets.first().map_or(&[][..], |set| &set.partitions);
        let plan = match request.order {
            OrderBy::Match => ReadPlan::Search,
            OrderBy::CreatedAt | OrderBy::Name if first == [Partition::All] => ReadPlan::Walk,
            OrderBy::CreatedAt | OrderBy::Name => ReadPlan::Merge,
        };
        let source = Source::Walk(walk(contacts, request, first, position.as_deref()));
        let scope_search = (plan == ReadPlan::Search && first != [Partition::All]).then(|| {
            let pointers =
                ListRequest { order: OrderBy::CreatedAt, cursor: None, ..request.clone() };
            ScopeSearch::new(queries(contacts, &pointers, first, None))
        });
        Self {
            contacts,
            scope,
            request,
            source,
            sets,
            scope_search,
            possible: None,
            may_read_rarest_word: plan == ReadPlan::Search && request.criteria.has_several_words(),
            plan,
            attempt: FIRST_ATTEMPT,
            spent: 0,
            admitted: 0,
            barren: 0,
            checked: 0,
            enough: ENOUGH_FOR_SEARCH,
            position: None,
            finished: false,
        }
    }

    /// Returns the pointers to the next `wanted` contacts that may be in scope and match the
    /// criteria. Returns fewer only at the end of the list, or when the limit of one request is
    /// reached. `has_some` is whether the page already has contacts.
    pub(super) async fn take(
        &mut self,
        wanted: usize,
        has_some: bool,
    ) -> Result<Vec<Pointer>, TableError> {
        let mut found = Vec::with_capacity(wanted);
        let mut contacts = HashSet::with_capacity(wanted);
        let mut has_result = has_some;
        while contacts.len() < wanted && !self.finished && !self.is_limit_reached(has_result) {
            self.change_plan(wanted - contacts.len()).await?;
            let next = match &mut self.source {
                Source::Walk(walk) => walk.next().await?,
                Source::Matches(matches, until) => match (matches.next(), until.take()) {
                    (None, Some(until)) => {
                        self.continue_search(until);
                        continue;
                    }
                    (next, rest) => {
                        *until = rest;
                        next
                    }
                },
            };
            let Some(pointer) = next else {
                self.finished = true;
                break;
            };
            self.position = Some(pointer.position.clone());
            let answer = self.answer(&pointer);
            // The record of any other candidate may show that it does not match.
            has_result |= answer == Answer::Yes && !self.request.criteria.has_several_words();
            if answer != Answer::No {
                contacts.insert(pointer.id);
                found.push(pointer);
            }
        }
        Ok(found)
    }

    /// Whether the contact of a pointer matches, as far as its index entries show. Counts the
    /// pointer's cost.
    fn answer(&mut self, pointer: &Pointer) -> Answer {
        if matches!(self.source, Source::Matches(..)) {
            return Answer::Yes;
        }
        let is_possible = self.possible.as_ref().is_none_or(|ids| ids.contains(&pointer.id));
        let answer = match is_possible {
            true => self.request.criteria.answer(pointer, self.scope),
            false => Answer::No,
        };
        let is_exact =
            self.plan != ReadPlan::Search && self.current().is_some_and(|set| set.is_exact);
        let cost = match answer {
            // A search word shows one word of the name, and the record shows the others.
            Answer::Unknown | Answer::Yes if self.request.criteria.has_several_words() => {
                RECORD_COST
            }
            Answer::Unknown if !is_exact => ENTRIES_PER_READ,
            Answer::Unknown | Answer::Yes | Answer::No => 1,
        };
        self.checked += cost;
        self.spent += cost;
        // An unknown contact probably does not match, unless it is in an exact set.
        let is_match = answer == Answer::Yes || (answer == Answer::Unknown && is_exact);
        self.admitted += usize::from(is_match);
        self.barren = if is_match { 0 } else { self.barren + cost };
        answer
    }

    fn current(&self) -> Option<&PartitionSet> {
        self.sets.first()
    }

    /// Continues with another plan if the current one must read again and the `wanted` next
    /// candidates are likely to cost more with it than an attempt with the other plan.
    async fn change_plan(&mut self, wanted: usize) -> Result<(), TableError> {
        if !matches!(&self.source, Source::Walk(walk) if walk.must_read()) {
            return Ok(());
        }
        let average = wanted * (self.spent + 2) / (self.admitted + 1);
        // Matches can be clustered: after a long stretch without a match, the next one is as far.
        let likely = average.max(self.barren);
        match self.plan {
            ReadPlan::Search => {
                if mem::take(&mut self.may_read_rarest_word) {
                    self.search_rarest_word().await?;
                }
                self.search_scope(wanted, likely).await
            }
            _ => {
                self.change_set(likely);
                Ok(())
            }
        }
    }

    /// Continues a list with the next set.
    fn change_set(&mut self, likely: usize) {
        let Some(next) = self.sets.get(1) else { return };
        // The pages of a list that has an exact set are full.
        let is_last_chance = self.checked >= MAX_ENTRIES / 2 && next.is_exact;
        let price = next.partitions.len() * ENTRIES_PER_READ;
        if likely <= price.max(self.attempt) && !is_last_chance {
            return;
        }
        let is_walk = self.current() == Some(&whole_company());
        self.plan = match self.position {
            None => ReadPlan::Merge,
            Some(_) if is_walk => ReadPlan::WalkThenMerge,
            Some(_) => ReadPlan::Alternate,
        };
        self.sets.rotate_left(1);
        (self.spent, self.admitted, self.barren) = (0, 0, 0);
        self.attempt *= 2;
        let partitions = self.current().map_or(&[][..], |set| &set.partitions);
        let cursor = self.request.cursor.as_ref().map(|cursor| cursor.after.as_str());
        let position = self.position.as_deref().or(cursor);
        self.source = Source::Walk(walk(self.contacts, self.request, partitions, position));
    }

    /// Starts a search for several words with the entries of the rarest one, unless all of them have
    /// many entries.
    async fn search_rarest_word(&mut self) -> Result<(), TableError> {
        let most = match self.scope_search {
            Some(_) => MAX_WORD_ENTRIES_IN_SCOPE,
            None => MAX_WORD_ENTRIES,
        };
        let after = self.request.cursor.as_ref().map(|cursor| cursor.after.as_str());
        let criteria = &self.request.criteria;
        match self.contacts.rarest_word(self.scope, criteria, after, most).await? {
            None => {}
            Some(RarestWord::Contacts(ids)) => self.possible = Some(ids),
            Some(RarestWord::Results(results)) => {
                self.source = Source::Matches(results.into_iter(), None);
                self.plan = ReadPlan::SearchRarestWord;
            }
        }
        Ok(())
    }

    /// Continues a search with the pointers of its scope, as many as the search words cost so far
    /// and more. When they contain the `wanted` next results, or all of them have been read, the
    /// results are taken from them.
    async fn search_scope(&mut self, wanted: usize, likely: usize) -> Result<(), TableError> {
        let (Some(search), Source::Walk(words)) = (&mut self.scope_search, &mut self.source) else {
            return Ok(());
        };
        // The contacts of one person are few, so they are read before the search words. So are the
        // pointers in a search for several words, because they have all of them.
        let has_several_words = self.request.criteria.has_several_words();
        let is_person =
            self.sets.first().is_some_and(|set| set.partitions.iter().all(is_of_person));
        let price = (self.sets.first().map_or(0, |set| set.partitions.len()) * ENTRIES_PER_READ)
            .max(FIRST_ATTEMPT);
        let is_first = (is_person || has_several_words) && search.cost() == 0;
        if !is_first && (likely <= price || self.spent < search.cost()) {
            return Ok(());
        }
        let enough = match is_first {
            true if has_several_words => self.enough,
            true => 1,
            false => price.max(2 * self.spent),
        };
        let mut until = None;
        while !search.is_complete()
            && until.is_none()
            && search.cost() < enough
            && self.checked + search.entries() < MAX_ENTRIES
        {
            search.read(self.contacts, self.scope, &self.request.criteria).await?;
            if let Some(next) = words.next_position().await? {
                // One result more shows whether the page is the last one. After a high cost, the
                // page ends with the results that are known.
                let is_enough = self.checked + search.cost() >= self.enough;
                until = search.known_until(&next, if is_enough { 1 } else { wanted + 1 });
            }
        }
        if !search.is_complete() && until.is_none() {
            return Ok(());
        }
        let cursor = self.request.cursor.as_ref().map(|cursor| cursor.after.as_str());
        let range = (self.position.as_deref().or(cursor), until.as_deref());
        let matches = search.matches(self.contacts, &self.request.criteria, range).await?;
        self.source = Source::Matches(matches.into_iter(), until);
        self.plan = ReadPlan::SearchScope;
        Ok(())
    }

    /// Continues a search with the search words after a position.
    fn continue_search(&mut self, position: String) {
        self.source = Source::Walk(walk(self.contacts, self.request, &[], Some(&position)));
        self.plan = ReadPlan::Search;
        self.position = Some(position);
    }

    /// The position of the last checked pointer; `None` before the first one.
    pub(super) fn position(&self) -> Option<String> {
        self.position.clone()
    }

    /// Whether the end of the list was reached.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the limit of one request was reached. `has_some` is whether the page has contacts.
    pub(super) fn is_limit_reached(&self, has_some: bool) -> bool {
        let search = self.scope_search.as_ref();
        let entries = self.checked + search.map_or(0, ScopeSearch::entries);
        let cost = self.checked + search.map_or(0, ScopeSearch::cost);
        let is_enough = has_some && self.plan == ReadPlan::Search && cost >= self.enough;
        matches!(self.source, Source::Walk(_)) && (entries >= MAX_ENTRIES || is_enough)
    }

    /// The plan by which the candidates were read.
    pub(super) fn plan(&self) -> ReadPlan {
        self.plan
    }
}

/// The set of all contacts of the company.
fn whole_company() -> PartitionSet {
    PartitionSet { partitions: vec![Partition::All], is_exact: false }
}

/// Whether a partition contains the contacts of one person.
fn is_of_person(partition: &Partition) -> bool {
    matches!(partition, Partition::Owner(_) | Partition::Assignee(_))
}

/// A walk through the entries of these partitions, or through the search words of a search, after a
/// position.
fn walk(
    contacts: &Contacts,
    request: &ListRequest,
    partitions: &[Partition],
    after: Option<&str>,
) -> Walk {
    let queries = queries(contacts, request, partitions, after);
    let walk = Walk::new(contacts, queries, request.direction, request.limit);
    if request.order == OrderBy::Match { walk.with_max_refill(MAX_WORDS_READ) } else { walk }
}

/// The queries that read these partitions after a position.
fn queries(
    contacts: &Contacts,
    request: &ListRequest,
    partitions: &[Partition],
    after: Option<&str>,
) -> Vec<Query> {
    let (order, direction) = (request.order, request.direction);
    let mut queries = request.criteria.queries(&contacts.company, partitions, order, direction);
    if let Some(after) = after {
        queries.iter_mut().for_each(|query| query.continue_after(after));
    }
    queries
}

#[cfg(test)]
#[path = "candidates_tests.rs"]
mod tests;
