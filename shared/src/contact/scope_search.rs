//! The second plan of a search: reads the pointers of a narrow scope as a whole and compares the
//! search words in them. The search words of the company lead to every match in the company, so a
//! viewer who sees one contact in a thousand would skip a thousand matches for each contact.

use std::collections::{BTreeMap, HashMap};

use futures::future::try_join_all;

use super::{
    Contact, Contacts, Criteria, OrderBy, Pointer,
    index_entry::{Answer, IndexEntry},
};
use crate::{
    access::Scope,
    id::ContactId,
    table::{Key, Query, TableError, contact_id_from_position, from_item, word_from_position},
};

/// The number of entries that the first reads of all partitions request together; each further read
/// of a partition requests twice as many.
const FIRST_READ: usize = 64;
/// The minimum number of entries that a read of a partition requests.
const MIN_READ: usize = 8;
/// The maximum number of entries that the reads of all partitions request together.
const MAX_READ: usize = 512;
/// The cost of a pointer. It contains all search words of its contact, so it is about twice as large
/// as the entry of one search word, which is the unit of costs.
const POINTER_COST: usize = 2;
/// The cost of a record of up to 4 KB, as the number of entries of search words that half a read unit
/// reads.
pub(super) const RECORD_COST: usize = 32;

/// The pointers of a scope that were read so far.
pub(super) struct ScopeSearch {
    /// The queries of the partitions that have more entries. They read in the order of the ids.
    queries: Vec<Query>,
    /// The number of entries that the next reads of all partitions request together.
    next_read: usize,
    /// The contacts that may match, with their positions in the results; `None` if the pointers do
    /// not contain their search words.
    found: BTreeMap<ContactId, Option<String>>,
    entries: usize,
    cost: usize,
}

impl ScopeSearch {
    /// Creates a search of the contacts that these queries read, without reading anything.
    pub(super) fn new(queries: Vec<Query>) -> Self {
        Self { queries, next_read: FIRST_READ, found: BTreeMap::new(), entries: 0, cost: 0 }
    }

    /// The cost of what was read so far, as a number of entries of search words.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The number of pointers that were read so far.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Whether all partitions have been read to their end.
    pub(super) fn is_complete(&self) -> bool {
        self.queries.is_empty()
    }

    /// Reads one page of each partition that has more entries, in parallel.
    pub(super) async fn read(
        &mut self,
        contacts: &Contacts,
        scope: &Scope,
        criteria: &Criteria,
    ) -> Result<(), TableError> {
        let limit = (self.next_read / self.queries.len().max(1)).max(MIN_READ);
        self.next_read = (self.next_read * 2).min(MAX_READ);
        let page = read_page(contacts, &mut self.queries, limit).await?;
        self.entries += page.items;
        self.cost += page.items * POINTER_COST;
        for (id, entry) in page.entries {
            self.add(id, entry, scope, criteria);
        }
        Ok(())
    }

    fn add(&mut self, id: ContactId, entry: IndexEntry, scope: &Scope, criteria: &Criteria) {
        let words = entry.words();
        let position = words.map(|words| criteria.first_match(&words, id));
        let pointer = Pointer::new(id, String::new(), entry);
        match position {
            // No search word of the contact matches.
            Some(None) => {}
            _ if criteria.answer(&pointer, scope) == Answer::No => {}
            Some(position) => {
                self.found.insert(id, position);
            }
            None => {
                self.found.entry(id).or_insert_with(|| {
                    self.cost += RECORD_COST;
                    None
                });
            }
        }
    }

    /// Returns the position up to which all results are known, if `next` is the position of the first
    /// one in the company: the contacts that have the same search word as `next` are in the order of
    /// their ids, like the pointers, and no other search word is between them. Returns `None` if the
    /// pointers that were read contain fewer than `wanted` of these contacts.
    pub(super) fn known_until(&self, next: &str, wanted: usize) -> Option<String> {
        let ids = self.queries.iter().map(|query| query.after.as_deref());
        let last = contact_id_from_position(ids.min()??)?;
        let until = word_from_position(next)?.sort_key(last);
        let is_known = |position: &&String| position.as_str() >= next && **position <= until;
        let known = self.found.values().flatten().filter(is_known).count();
        (known >= wanted).then_some(until)
    }

    /// Returns the contacts that may match, in the order of the results, after the position `after`
    /// and up to the position `until`. Reads the records of the contacts whose pointers contain no
    /// search words.
    pub(super) async fn matches(
        &self,
        contacts: &Contacts,
        criteria: &Criteria,
        (after, until): (Option<&str>, Option<&str>),
    ) -> Result<Vec<Pointer>, TableError> {
        let last = until.and_then(contact_id_from_position);
        let unknown = self
            .found
            .iter()
            .filter(|(id, position)| position.is_none() && last.is_none_or(|last| **id <= last));
        let unknown: Vec<ContactId> = unknown.map(|(id, _)| *id).collect();
        let records: HashMap<ContactId, Contact> = contacts.records(&unknown, false).await?;
        let known = self.found.iter().filter_map(|(id, position)| Some((*id, position.clone()?)));
        let read = records
            .into_values()
            .filter_map(|contact| Some((contact.id, criteria.position(&contact, OrderBy::Match)?)));
        Ok(in_order(known.chain(read), (after, until)))
    }
}

/// What one page of each of several queries contains.
pub(super) struct EntryPage {
    /// The number of items that were read.
    pub(super) items: usize,
    pub(super) entries: Vec<(ContactId, IndexEntry)>,
}

/// Reads the next page of each query, in parallel. The queries that have more entries remain.
pub(super) async fn read_page(
    contacts: &Contacts,
    queries: &mut Vec<Query>,
    limit: usize,
) -> Result<EntryPage, TableError> {
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    queries.iter_mut().for_each(|query| query.limit = limit);
    let pages = try_join_all(queries.iter().map(|query| contacts.table.query(query))).await?;
    let mut read = EntryPage { items: 0, entries: Vec::new() };
    for (mut query, page) in std::mem::take(queries).into_iter().zip(pages) {
        read.items += page.items.len();
        for item in page.items {
            let Some(key) = Key::from_item(&item) else { continue };
            query.continue_after(&key.sk);
            if let Some(id) = contact_id_from_position(&key.sk) {
                read.entries.push((id, from_item(item)?));
            }
        }
        if page.more {
            queries.push(query);
        }
    }
    Ok(read)
}

/// The contacts with these positions as results in order, after the position `after` and up to the
/// position `until`.
pub(super) fn in_order(
    positions: impl Iterator<Item = (ContactId, String)>,
    (after, until): (Option<&str>, Option<&str>),
) -> Vec<Pointer> {
    let mut results: Vec<Pointer> = positions
        .filter(|(_, position)| after.is_none_or(|after| position.as_str() > after))
        .filter(|(_, position)| until.is_none_or(|until| position.as_str() <= until))
        .map(|(id, position)| Pointer::new(id, position, IndexEntry::default()))
        .collect();
    results.sort_unstable_by(|one, other| one.position.cmp(&other.position));
    results
}
