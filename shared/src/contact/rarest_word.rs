//! The third plan of a search, for several words: each result has entries of all words, so the
//! entries of the rarest word lead to all results. Which word is the rarest is known only when one
//! of them has been read to its end, so all words are read in turn.

use std::collections::{HashMap, HashSet};

use futures::future::try_join_all;

use super::{
    Contact, Contacts, Criteria, OrderBy, Pointer,
    index_entry::Answer,
    scope_search::{in_order, read_page},
};
use crate::{
    access::Scope,
    id::ContactId,
    table::{Query, TableError},
};

/// The number of entries of each range that the first read requests; each further read requests
/// twice as many.
const FIRST_READ: usize = 100;
/// The maximum number of contacts of the rarest word whose records are read at once: about 75 read
/// units.
const MAX_RECORDS: usize = 150;

/// What the rarest word of a search shows.
pub(super) enum RarestWord {
    /// All results after the cursor, in order.
    Results(Vec<Pointer>),
    /// All contacts that can be results. They are too many to read their records at once.
    Contacts(HashSet<ContactId>),
}

/// The entries of one word that were read so far.
struct Word {
    /// The queries of the ranges that have more entries.
    queries: Vec<Query>,
    found: HashSet<ContactId>,
}

impl Contacts {
    /// Reads the words of a search until one of them has been read to its end. Returns `None` if
    /// each word has so many entries that about `most` of all words do not contain it.
    pub(super) async fn rarest_word(
        &self,
        scope: &Scope,
        criteria: &Criteria,
        after: Option<&str>,
        most: usize,
    ) -> Result<Option<RarestWord>, TableError> {
        let queries = criteria.queries_by_word(&self.company);
        let new_word = |queries| Word { queries, found: HashSet::new() };
        let mut words: Vec<Word> = queries.into_iter().map(new_word).collect();
        let (mut limit, mut entries) = (FIRST_READ, 0);
        while entries + limit * words.len() <= most && !words.is_empty() {
            let reads = words.iter_mut().map(|word| word.read(self, scope, criteria, limit));
            entries += try_join_all(reads).await?.into_iter().sum::<usize>();
            let complete = words.iter().filter(|word| word.queries.is_empty());
            if let Some(rarest) = complete.min_by_key(|word| word.found.len()) {
                return self.results_of(rarest, scope, criteria, after).await.map(Some);
            }
            limit *= 2;
        }
        Ok(None)
    }

    async fn results_of(
        &self,
        word: &Word,
        scope: &Scope,
        criteria: &Criteria,
        after: Option<&str>,
    ) -> Result<RarestWord, TableError> {
        if word.found.len() > MAX_RECORDS {
            return Ok(RarestWord::Contacts(word.found.clone()));
        }
        let ids: Vec<ContactId> = word.found.iter().copied().collect();
        let records: HashMap<ContactId, Contact> = self.records(&ids, false).await?;
        let results = records.into_values().filter(|contact| {
            contact.is_live() && scope.admits(contact) && criteria.matches(contact)
        });
        let positions = results
            .filter_map(|contact| Some((contact.id, criteria.position(&contact, OrderBy::Match)?)));
        Ok(RarestWord::Results(in_order(positions, (after, None))))
    }
}

impl Word {
    /// Reads one page of each range that has more entries. Returns the number of entries.
    async fn read(
        &mut self,
        contacts: &Contacts,
        scope: &Scope,
        criteria: &Criteria,
        limit: usize,
    ) -> Result<usize, TableError> {
        let page = read_page(contacts, &mut self.queries, limit).await?;
        for (id, mut entry) in page.entries {
            // It refers to the ranges of the other plan.
            entry.word_before = None;
            let pointer = Pointer::new(id, String::new(), entry);
            if criteria.answer(&pointer, scope) != Answer::No {
                self.found.insert(id);
            }
        }
        Ok(page.items)
    }
}
