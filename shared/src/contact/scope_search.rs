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
    table::{Key, Query, TableError, contact_id_from_position, from_item},
};

/// The number of entries that the first read of a partition requests; each further read requests
/// twice as many.
const FIRST_READ: i32 = 64;
/// The maximum number of entries that one read requests.
const MAX_READ: i32 = 4_000;
/// The cost of an unknown contact, whose record is read, as a number of entries.
const RECORD_COST: usize = 16;

/// The pointers of a scope that were read so far.
pub(super) struct ScopeSearch {
    queries: Vec<Query>,
    next_read: i32,
    /// The contacts that may match, with their positions in the results; `None` if the pointers do
    /// not contain their search words.
    found: BTreeMap<ContactId, Option<String>>,
    cost: usize,
}

impl ScopeSearch {
    /// Creates a search of the contacts that these queries read, without reading anything.
    pub(super) fn new(queries: Vec<Query>) -> Self {
        Self { queries, next_read: FIRST_READ, found: BTreeMap::new(), cost: 0 }
    }

    /// What was read so far, as a number of entries.
    pub(super) fn cost(&self) -> usize {
        self.cost
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
        let mut queries = std::mem::take(&mut self.queries);
        queries.iter_mut().for_each(|query| query.limit = self.next_read);
        self.next_read = (self.next_read * 2).min(MAX_READ);
        let pages = try_join_all(queries.iter().map(|query| contacts.table.query(query))).await?;
        for (mut query, page) in queries.into_iter().zip(pages) {
            self.cost += page.items.len();
            for item in page.items {
                let Some(key) = Key::from_item(&item) else { continue };
                query.continue_after(&key.sk);
                if let Some(id) = contact_id_from_position(&key.sk) {
                    self.add(id, from_item(item)?, scope, criteria);
                }
            }
            if page.more {
                self.queries.push(query);
            }
        }
        Ok(())
    }

    fn add(&mut self, id: ContactId, entry: IndexEntry, scope: &Scope, criteria: &Criteria) {
        let words = entry.words();
        let position = words.map(|words| criteria.first_match(words, id));
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

    /// Returns the contacts that may match, in the order of the results, after the position
    /// `after`. Reads the records of the contacts whose pointers contain no search words.
    pub(super) async fn into_matches(
        self,
        contacts: &Contacts,
        criteria: &Criteria,
        after: Option<&str>,
    ) -> Result<Vec<Pointer>, TableError> {
        let unknown = self.found.iter().filter(|(_, position)| position.is_none());
        let unknown: Vec<ContactId> = unknown.map(|(id, _)| *id).collect();
        let records: HashMap<ContactId, Contact> = contacts.records(&unknown, false).await?;
        let known = self.found.into_iter().filter_map(|(id, position)| Some((id, position?)));
        let read = records
            .into_values()
            .filter_map(|contact| Some((contact.id, criteria.position(&contact, OrderBy::Match)?)));
        let mut matches: Vec<Pointer> = known
            .chain(read)
            .filter(|(_, position)| after.is_none_or(|after| position.as_str() > after))
            .map(|(id, position)| Pointer::new(id, position, IndexEntry::default()))
            .collect();
        matches.sort_unstable_by(|one, other| one.position.cmp(&other.position));
        Ok(matches)
    }
}
