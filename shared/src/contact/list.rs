//! Lists and searches: pages of contacts that are in scope and match the criteria, in an order.
//!
//! The cost of a page grows with its size and the number of partitions, not with the size of the
//! company. The cursor is one position in the order, not one per partition, and reveals nothing
//! about the scope.

use super::{
    Candidates, Contact, Contacts, Criteria, Cursor, ListRequest, OrderBy, Pointer, ReadPlan,
    RepeatedWalk, StoredText,
};
use crate::{
    access::{Authorized, Scope},
    table::{Partition, TableError},
};

/// The maximum number of records that one request reads. A request that reaches this limit returns
/// the page even if the page is not full.
const MAX_RECORDS: usize = 500;
/// The maximum number of records in one read.
const CHUNK: usize = 100;
/// The maximum size of the contacts of one page, in bytes of JSON.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// One page of a list.
#[derive(Debug)]
pub struct ContactPage {
    /// The contacts of the page. The guard has checked that each of them is in scope.
    pub contacts: Vec<Authorized<Contact>>,
    /// The position after which the next page starts; `None` on the last page.
    pub next: Option<Cursor>,
    /// The plan by which the page was read.
    pub plan: ReadPlan,
}

impl Contacts {
    /// Returns one page of the contacts that are in scope and match the criteria. The guard has
    /// checked every contact.
    pub async fn list(
        &self,
        scope: &Scope,
        request: &ListRequest,
    ) -> Result<ContactPage, TableError> {
        self.page(scope, request, Candidates::new(self, scope, request)).await
    }

    /// Reads candidates and their records until the page is full, no candidates are left, or the
    /// limit of one request is reached.
    pub(super) async fn page(
        &self,
        scope: &Scope,
        request: &ListRequest,
        mut candidates: Candidates<'_>,
    ) -> Result<ContactPage, TableError> {
        let mut page = Collected::default();
        let mut fetched = 0;
        let next = loop {
            let missing = request.limit - page.contacts.len();
            // If the records decide and did not fill the page, few of the candidates match.
            let is_sparse = request.criteria.has_several_words() && fetched > 0;
            let wanted =
                if is_sparse || request.criteria.needs_records() { CHUNK } else { missing };
            let most = wanted.min(MAX_RECORDS - fetched);
            let found = candidates.take(most, !page.contacts.is_empty()).await?;
            fetched += found.len();
            if let Some(last) = self.collect(scope, request, found, &mut page).await? {
                break Some(last);
            }
            if candidates.is_finished() {
                break None;
            }
            let has_some = !page.contacts.is_empty();
            let is_full = page.contacts.len() >= request.limit;
            if is_full || candidates.is_limit_reached(has_some) || fetched >= MAX_RECORDS {
                // One more candidate shows whether this is the end of the list.
                let last = candidates.position();
                let rest = candidates.take(1, has_some).await?;
                let is_finished = rest.is_empty() && candidates.is_finished();
                break last.filter(|_| !is_finished);
            }
        };
        let next = next.map(|after| Cursor { order: request.order, after });
        Ok(ContactPage { contacts: page.contacts, next, plan: candidates.plan() })
    }

    /// Adds the candidates that [`Contacts::fetch`] accepts to the page. If the page becomes full
    /// before the last candidate, returns the position of the page's last contact, after which the
    /// next page starts.
    async fn collect(
        &self,
        scope: &Scope,
        request: &ListRequest,
        candidates: Vec<Pointer>,
        page: &mut Collected,
    ) -> Result<Option<String>, TableError> {
        let order = request.order;
        for contact in self.fetch(scope, order, &request.criteria, candidates).await? {
            page.bytes += contact.size();
            let too_large = page.bytes > MAX_PAGE_BYTES && !page.contacts.is_empty();
            if page.contacts.len() >= request.limit || too_large {
                let last = page.contacts.last();
                return Ok(last.and_then(|last| request.criteria.position(last, order)));
            }
            page.contacts.push(contact);
        }
        Ok(None)
    }

    /// Reads the records of the candidates. Returns, in the order of the candidates, the contacts
    /// that still have the position of their pointer, match the criteria and are in scope.
    pub async fn fetch<C: StoredText>(
        &self,
        scope: &Scope,
        order: OrderBy,
        criteria: &Criteria,
        candidates: Vec<Pointer>,
    ) -> Result<Vec<Authorized<Contact<C>>>, TableError> {
        let ids: Vec<_> = candidates.iter().map(|pointer| pointer.id).collect();
        let mut records = self.records(&ids, false).await?;
        let current = candidates.into_iter().filter_map(|pointer| {
            let position = criteria.position(records.get(&pointer.id)?, order)?;
            if position == pointer.position { records.remove(&pointer.id) } else { None }
        });
        Ok(current
            .filter(|contact| contact.is_live() && criteria.matches(contact))
            .filter_map(|contact| scope.authorize(contact))
            .collect())
    }

    /// Returns a walk over all contacts that may match, in the order of `request`, for callers that
    /// read the list to its end.
    ///
    /// In a single partition, a contact that stays in scope has only one position. With several
    /// partitions, the contact could move from one to another while the walk reads them, and the
    /// walk would miss it. Therefore the walk reads the partitions of owners and assignees again
    /// until nothing new appears. In place of several partitions of teams, it reads the partition
    /// of the whole company: the cost of skipping the company's other pointers is small compared
    /// with missing a contact.
    #[must_use]
    pub fn walk(&self, scope: &Scope, request: &ListRequest) -> RepeatedWalk {
        let ListRequest { order, direction, limit, .. } = *request;
        let is_of_people = |partition: &Partition| {
            matches!(partition, Partition::Owner(_) | Partition::Assignee(_))
        };
        let partitions = match request.criteria.partitions(scope) {
            one if one.len() == 1 => one,
            people if people.iter().all(is_of_people) => people,
            _ => vec![Partition::All],
        };
        let queries = request.criteria.queries(&self.company, &partitions, order, direction);
        // A search reads the words of the whole company, whatever the partitions are.
        let repeats = partitions.len() > 1 && order != OrderBy::Match;
        RepeatedWalk::new(self, queries, (direction, limit), repeats)
    }
}

#[derive(Default)]
struct Collected {
    contacts: Vec<Authorized<Contact>>,
    bytes: usize,
}
