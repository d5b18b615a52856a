//! The walk by which lists, searches and exports read index entries: it merges queries into one
//! order.

use std::collections::VecDeque;

use futures::stream::{StreamExt, TryStreamExt, iter};

use super::{Contacts, Pointer};
use crate::{
    id::ContactId,
    table::{
        Direction, Key, NAME_KEY, Query, Table, TableError, contact_id_from_position, from_item,
    },
};

/// The minimum number of items that one read of a query requests, if several queries are merged.
const MIN_REFILL: usize = 5;
/// The maximum number of items that one read of a query requests after the first read.
const MAX_REFILL: usize = 2_500;
/// The maximum number of queries that run in parallel.
const READS_AT_ONCE: usize = 32;

/// A query that is being read, with the entries that were read but not yet returned. `exhausted` is
/// true if the table has no more entries for the query.
struct Source {
    query: Query,
    buffer: VecDeque<Pointer>,
    exhausted: bool,
}

/// Merges queries into one order without duplicates. It reads only index entries and no records.
pub struct Walk {
    table: Table,
    direction: Direction,
    sources: Vec<Source>,
    refill: usize,
    max_refill: usize,
}

/// A walk that reads its queries again and again until a whole pass returns no new contact. A
/// contact that moves from one partition to another while both are read can be missing from a pass,
/// but not from the next one. It remembers 16 bytes for each contact.
pub struct RepeatedWalk {
    walk: Walk,
    queries: Vec<Query>,
    page: usize,
    /// Whether the walk makes more than one pass.
    repeats: bool,
    /// The contacts that were returned before this pass, in order.
    before: Vec<ContactId>,
    /// The contacts that were returned in this pass.
    current: Vec<ContactId>,
}

impl RepeatedWalk {
    /// Creates a walk over queries that all have this direction. It makes a single pass unless
    /// `repeats` is true.
    pub(super) fn new(
        contacts: &Contacts,
        queries: Vec<Query>,
        (direction, page): (Direction, usize),
        repeats: bool,
    ) -> Self {
        let walk = Walk::new(contacts, queries.clone(), direction, page);
        Self { walk, queries, page, repeats, before: Vec::new(), current: Vec::new() }
    }

    /// Returns the next contact that was not returned before, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Pointer>, TableError> {
        loop {
            match self.walk.next().await? {
                Some(pointer) if self.before.binary_search(&pointer.id).is_ok() => {}
                Some(pointer) => {
                    if self.repeats {
                        self.current.push(pointer.id);
                    }
                    return Ok(Some(pointer));
                }
                None if self.current.is_empty() => return Ok(None),
                None => self.repeat(),
            }
        }
    }

    /// Starts the next pass.
    fn repeat(&mut self) {
        self.before.append(&mut self.current);
        self.before.sort_unstable();
        self.before.dedup();
        let queries = self.queries.clone();
        self.walk = Walk::from_table(&self.walk.table, queries, self.walk.direction, self.page);
    }
}

impl Walk {
    /// Creates a walk over queries that all have this direction. The caller reads about `page`
    /// pointers at a time.
    pub(super) fn new(
        contacts: &Contacts,
        queries: Vec<Query>,
        direction: Direction,
        page: usize,
    ) -> Self {
        Self::from_table(&contacts.table, queries, direction, page)
    }

    fn from_table(table: &Table, queries: Vec<Query>, direction: Direction, page: usize) -> Self {
        // A single query reads a whole page at once. If there are several queries, each of them
        // reads its share of the page and a few more items. After that, only the queries whose
        // buffers are empty are read again.
        let share = match queries.len() {
            1 => page + 1,
            many => page / many.max(1) + MIN_REFILL,
        };
        let source = |query| Source { query, buffer: VecDeque::new(), exhausted: false };
        Self {
            table: table.clone(),
            direction,
            sources: queries.into_iter().map(source).collect(),
            refill: share,
            max_refill: MAX_REFILL,
        }
    }

    /// Limits the number of items that one read of a query requests after the first read.
    pub(super) fn with_max_refill(self, max_refill: usize) -> Self {
        Self { max_refill, ..self }
    }

    /// Returns the position of the next contact in the order, or `None` at the end.
    pub(super) async fn next_position(&mut self) -> Result<Option<String>, TableError> {
        self.fill().await?;
        let heads = self.sources.iter().filter_map(|source| source.buffer.front());
        let positions = heads.map(|pointer| &pointer.position);
        let first = match self.direction {
            Direction::Ascending => positions.min(),
            Direction::Descending => positions.max(),
        };
        Ok(first.cloned())
    }

    /// Returns the next contact in the order, with all its index entries, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Pointer>, TableError> {
        let Some(first) = self.next_position().await? else { return Ok(None) };
        // A position belongs to one contact, so equal positions at the front of several buffers are
        // duplicates.
        let duplicates = self
            .sources
            .iter_mut()
            .filter_map(|source| source.buffer.pop_front_if(|pointer| pointer.position == first));
        let mut pointers = duplicates.collect::<Vec<_>>().into_iter();
        let next = pointers.next().map(|mut next| {
            next.merge(pointers);
            next
        });
        Ok(next)
    }

    /// Returns the next `most` pointers, or fewer at the end.
    pub(super) async fn next_chunk(&mut self, most: usize) -> Result<Vec<Pointer>, TableError> {
        let mut chunk = Vec::with_capacity(most);
        while chunk.len() < most {
            let Some(pointer) = self.next().await? else { break };
            chunk.push(pointer);
        }
        Ok(chunk)
    }

    /// Whether a query must be read before the next pointer is known.
    pub(super) fn must_read(&self) -> bool {
        self.sources.iter().any(Source::is_empty)
    }

    /// Reads more entries for every query whose buffer is empty, in parallel.
    async fn fill(&mut self) -> Result<(), TableError> {
        if !self.must_read() {
            return Ok(());
        }
        let (table, limit) = (&self.table, i32::try_from(self.refill).unwrap_or(i32::MAX));
        let empty = self.sources.iter_mut().filter(|source| source.is_empty());
        let reads: Vec<_> = empty.map(|source| source.read(table, limit)).collect();
        iter(reads).buffer_unordered(READS_AT_ONCE).try_collect::<()>().await?;
        // A query that is read again probably contains a large part of the list, so the next read
        // requests twice as many items.
        self.refill = (self.refill * 2).min(self.max_refill);
        Ok(())
    }
}

impl Source {
    fn is_empty(&self) -> bool {
        self.buffer.is_empty() && !self.exhausted
    }

    async fn read(&mut self, table: &Table, limit: i32) -> Result<(), TableError> {
        self.query.limit = limit;
        let page = table.query(&self.query).await?;
        self.exhausted = !page.more;
        for item in page.items {
            let Some(key) = Key::from_item(&item) else { continue };
            let named = || item.get(NAME_KEY).and_then(|value| value.as_s().ok()).cloned();
            let position = if self.query.by_name { named() } else { Some(key.sk.clone()) };
            let Some(position) = position else { continue };
            self.query.continue_after(&position);
            if let Some(id) = contact_id_from_position(&key.sk) {
                let entry = from_item(item)?;
                self.buffer.push_back(Pointer::new(id, position, entry));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
