//! Lists and searches: pages of what a scope admits, in an order, behind one guard.
//!
//! Cost grows with the page and the number of partitions, never with the company. The cursor is
//! one position in the order, not one per partition, and says nothing of the scope.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{Candidates, Contact, Contacts, Criteria, Pointer, ReadPlan, Walk};
use crate::{
    access::{Authorized, Scope},
    table::{Direction, Partition, TableError, contact_at},
};

/// The most records that one request reads before it answers a short page.
const MAX_RECORDS: usize = 500;
/// The most records read at once.
const CHUNK: usize = 100;
/// The longest place in any order, in bytes.
const MAX_PLACE_BYTES: usize = 300;
/// The most bytes of contacts in one page.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// What a list is ordered by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderBy {
    /// When contacts were created.
    #[default]
    CreatedAt,
    /// Their folded names.
    Name,
    /// The words that a search found them by.
    Match,
}

/// A position in a list, opaque to clients.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "o")]
    order: OrderBy,
    #[serde(rename = "k")]
    pub(super) after: String,
}

impl Cursor {
    /// The cursor's text.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The cursor that a text stands for; `None` for a text that the API never gave for a list in
    /// this order.
    #[must_use]
    pub fn decode(text: &str, order: OrderBy) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let fits = cursor.order == order && cursor.after.len() <= MAX_PLACE_BYTES;
        (fits && contact_at(&cursor.after).is_some()).then_some(cursor)
    }
}

/// A request for one page.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// What to order by.
    pub order: OrderBy,
    /// Which way.
    pub direction: Direction,
    /// The contacts of a page, 1 to 100.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Which contacts.
    pub criteria: Criteria,
}

/// One page of a list.
#[derive(Debug)]
pub struct ContactPage {
    /// The contacts, each past the guard.
    pub contacts: Vec<Authorized<Contact>>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
    /// What the page was read from.
    pub plan: ReadPlan,
}

impl ListRequest {
    /// A request for the first page of all that a filter wants, in the order that it is read in.
    #[must_use]
    pub fn of(criteria: Criteria, limit: usize) -> Self {
        let (order, direction) = match criteria.is_search() {
            true => (OrderBy::Match, Direction::Ascending),
            false => (OrderBy::CreatedAt, Direction::Descending),
        };
        Self { order, direction, limit, cursor: None, criteria }
    }
}

impl Contacts {
    /// One page of what the scope admits and the criteria want. Every contact has passed the guard.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        scope: &Scope,
        request: &ListRequest,
    ) -> Result<ContactPage, TableError> {
        self.page(scope, request, Candidates::new(self, scope, request)).await
    }

    /// Reads candidates and their records until the page is full, nothing is left, or enough was
    /// read for one request.
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
            let wanted = if request.criteria.asks_records() { CHUNK } else { missing };
            let found = candidates.take(wanted.min(MAX_RECORDS - fetched)).await?;
            fetched += found.len();
            if let Some(last) = self.collect(scope, request, found, &mut page).await? {
                break Some(last);
            }
            if candidates.is_over() {
                break None;
            }
            let is_full = page.contacts.len() >= request.limit;
            if is_full || candidates.is_spent() || fetched >= MAX_RECORDS {
                // One more look says whether this was the end.
                let last = candidates.place();
                let is_over = candidates.take(1).await?.is_empty() && candidates.is_over();
                break last.filter(|_| !is_over);
            }
        };
        let next = next.map(|after| Cursor { order: request.order, after });
        Ok(ContactPage { contacts: page.contacts, next, plan: candidates.plan() })
    }

    /// Keeps of the candidates what [`Contacts::fetch`] lets through. When the page is full before
    /// they are at their end, the place of its last contact is where the next page begins.
    async fn collect(
        &self,
        scope: &Scope,
        request: &ListRequest,
        candidates: Vec<Pointer>,
        page: &mut Collected,
    ) -> Result<Option<String>, TableError> {
        let order = request.order;
        for contact in self.fetch(scope, order, &request.criteria, candidates).await? {
            page.bytes += serde_json::to_vec(&*contact).map_or(0, |bytes| bytes.len());
            let too_large = page.bytes > MAX_PAGE_BYTES && !page.contacts.is_empty();
            if page.contacts.len() >= request.limit || too_large {
                let last = page.contacts.last();
                return Ok(last.and_then(|last| request.criteria.place(last, order)));
            }
            page.contacts.push(contact);
        }
        Ok(None)
    }

    /// Reads the candidates' records and keeps, in their order, those that still stand where their
    /// pointer says, are wanted, and pass the guard.
    ///
    /// # Errors
    /// As the table says.
    pub async fn fetch(
        &self,
        scope: &Scope,
        order: OrderBy,
        criteria: &Criteria,
        candidates: Vec<Pointer>,
    ) -> Result<Vec<Authorized<Contact>>, TableError> {
        let ids: Vec<_> = candidates.iter().map(|pointer| pointer.id).collect();
        let mut records = self.records(&ids, false).await?;
        let standing = candidates.into_iter().filter_map(|pointer| {
            let place = criteria.place(records.get(&pointer.id)?, order)?;
            if place == pointer.place { records.remove(&pointer.id) } else { None }
        });
        Ok(standing
            .filter(|contact| contact.is_live() && criteria.wants(contact))
            .filter_map(|contact| scope.authorize(contact))
            .collect())
    }

    /// A walk of all that may be wanted, in the order of `request`, for those who read it to its
    /// end. One partition is walked: that which holds everything in scope that is wanted, or else
    /// the whole company's. In one a contact that stays in scope has one place; between two it could
    /// move behind the walk's back. A company's pointers are cheap to pass over, a contact that is
    /// missed is not.
    #[must_use]
    pub fn walk(&self, scope: &Scope, request: &ListRequest) -> Walk {
        let ListRequest { order, direction, limit, .. } = *request;
        let partition = match request.criteria.partitions(scope)[..] {
            [one] => one,
            _ => Partition::All,
        };
        let queries = request.criteria.queries(&self.company, &[partition], order, direction);
        Walk::new(self, queries, direction, limit)
    }
}

#[derive(Default)]
struct Collected {
    contacts: Vec<Authorized<Contact>>,
    bytes: usize,
}
