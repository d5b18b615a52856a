//! The merge that lists, searches and exports read pointers by.

use std::collections::VecDeque;

use futures::stream::{StreamExt, TryStreamExt, iter};

use super::{Contacts, Criteria, write_plan::IndexEntry};
use crate::{
    access::Scope,
    id::ContactId,
    table::{Direction, Key, NAME_KEY, Query, Table, TableError, contact_at, from_item},
};

/// The smallest refill of a query's buffer.
const MIN_REFILL: usize = 5;
/// The largest.
const MAX_REFILL: usize = 1_000;
/// The most queries under way at the same time.
const READS_AT_ONCE: usize = 32;

/// A contact's place in a partition.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// The contact.
    pub id: ContactId,
    /// Its place in the order.
    pub place: String,
    entry: IndexEntry,
    /// What the same contact's pointers in other partitions say.
    others: Vec<IndexEntry>,
}

impl Pointer {
    /// Whether the contact can be in scope and wanted, by what any of its pointers says. They are
    /// read at slightly different moments: a contact that one of them admits is worth reading, and
    /// its record decides.
    #[must_use]
    pub fn is_wanted(&self, scope: &Scope, criteria: &Criteria) -> bool {
        let mut entries = std::iter::once(&self.entry).chain(&self.others);
        criteria.wants_pointer(self)
            && entries.any(|entry| scope.admits(entry) && criteria.wants_owned(entry))
    }

    /// The word by which the same contact stands before this one in a partition of search.
    pub(super) fn word_before(&self) -> Option<&str> {
        self.entry.word_before.as_deref()
    }
}

/// One query being read: what of it is at hand, and whether there is more.
struct Source {
    query: Query,
    buffer: VecDeque<Pointer>,
    exhausted: bool,
}

/// Queries, merged into one order without doubles. Only the pointers are read here.
pub struct Walk {
    table: Table,
    direction: Direction,
    sources: Vec<Source>,
    refill: usize,
}

impl Walk {
    /// A walk over queries, all in this direction; about `page` pointers are wanted at a time.
    pub(super) fn new(
        contacts: &Contacts,
        queries: Vec<Query>,
        direction: Direction,
        page: usize,
    ) -> Self {
        // With one query a page is one read; with many, each gives its share and a little more,
        // and only those that run dry are read again.
        let share = match queries.len() {
            1 => page + 1,
            many => page / many.max(1) + MIN_REFILL,
        };
        let source = |query| Source { query, buffer: VecDeque::new(), exhausted: false };
        Self {
            table: contacts.table.clone(),
            direction,
            sources: queries.into_iter().map(source).collect(),
            refill: share,
        }
    }

    /// The next contact's pointers in the order.
    ///
    /// # Errors
    /// As the table says.
    pub async fn next(&mut self) -> Result<Option<Pointer>, TableError> {
        self.fill().await?;
        let heads = self.sources.iter().filter_map(|source| source.buffer.front());
        let places = heads.map(|pointer| &pointer.place);
        let first = match self.direction {
            Direction::Ascending => places.min(),
            Direction::Descending => places.max(),
        };
        let Some(first) = first.cloned() else { return Ok(None) };
        // A place names its contact: the same one at the head of several queries is a double.
        let doubles = self
            .sources
            .iter_mut()
            .filter_map(|source| source.buffer.pop_front_if(|pointer| pointer.place == first));
        let mut pointers = doubles.collect::<Vec<_>>().into_iter();
        let next = pointers.next().map(|mut next| {
            next.others.extend(pointers.map(|double| double.entry));
            next
        });
        Ok(next)
    }

    /// The next pointers, fewer than `most` only at the end.
    pub(super) async fn next_chunk(&mut self, most: usize) -> Result<Vec<Pointer>, TableError> {
        let mut chunk = Vec::with_capacity(most);
        while chunk.len() < most {
            let Some(pointer) = self.next().await? else { break };
            chunk.push(pointer);
        }
        Ok(chunk)
    }

    /// Whether the next pointer is not at hand yet.
    pub(super) fn must_read(&self) -> bool {
        self.sources.iter().any(Source::is_dry)
    }

    /// Reads on in every query whose buffer ran dry, side by side.
    async fn fill(&mut self) -> Result<(), TableError> {
        if !self.must_read() {
            return Ok(());
        }
        let (table, limit) = (&self.table, i32::try_from(self.refill).unwrap_or(i32::MAX));
        let dry = self.sources.iter_mut().filter(|source| source.is_dry());
        let reads: Vec<_> = dry.map(|source| source.read(table, limit)).collect();
        iter(reads).buffer_unordered(READS_AT_ONCE).try_collect::<()>().await?;
        // A query that is read often holds much of the list.
        self.refill = (self.refill * 2).min(MAX_REFILL);
        Ok(())
    }
}

impl Source {
    fn is_dry(&self) -> bool {
        self.buffer.is_empty() && !self.exhausted
    }

    async fn read(&mut self, table: &Table, limit: i32) -> Result<(), TableError> {
        self.query.limit = limit;
        let page = table.query(&self.query).await?;
        self.exhausted = !page.more;
        for item in page.items {
            let Some(key) = Key::of(&item) else { continue };
            let named = || item.get(NAME_KEY).and_then(|value| value.as_s().ok()).cloned();
            let place = if self.query.by_name { named() } else { Some(key.sk.clone()) };
            let Some(place) = place else { continue };
            self.query.go_behind(&place);
            if let Some(id) = contact_at(&key.sk) {
                let entry = from_item(item)?;
                self.buffer.push_back(Pointer { id, place, entry, others: Vec::new() });
            }
        }
        Ok(())
    }
}
