//! Lists: a merge of the scope's partitions, in order, behind one guard.
//!
//! Cost grows with the page and the number of partitions, never with the company. The cursor is
//! one position in the order, not one per partition, and says nothing of the scope.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Contact, Contacts, Pointer, Walk, fold};
use crate::{
    access::{Authorized, Owned, Ownership, Scope},
    id::{ContactId, TeamId, UserId},
    table::{Direction, Partition, TableError, name_key},
};

/// The most pointers that one request looks at before it answers a short page.
const MAX_POINTERS: usize = 5_000;
/// The same where the records themselves must be read to tell who is wanted.
const MAX_RESIDUAL: usize = 500;
/// The most records read at once.
const CHUNK: usize = 100;
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
}

/// Which of the contacts in scope are wanted; an empty part wants all.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Any of these owners.
    pub owner_id: Vec<UserId>,
    /// Any of these assignees.
    pub assignee_id: Vec<UserId>,
    /// Owned by any of these teams.
    pub team_owner_ids: Vec<TeamId>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Any of these sources.
    pub source: Vec<String>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_to: Option<Timestamp>,
}

impl Filter {
    /// Whether something is wanted that only the contact's record tells: such a list reads a
    /// bounded amount, and its pages may be short.
    #[must_use]
    pub fn is_residual(&self) -> bool {
        !self.tags.is_empty()
            || !self.source.is_empty()
            || self.created_from.is_some()
            || self.created_to.is_some()
    }

    /// The names of the parts that are set, for audit events: never their values.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        [
            ("owner_id", !self.owner_id.is_empty()),
            ("assignee_id", !self.assignee_id.is_empty()),
            ("team_owner_ids", !self.team_owner_ids.is_empty()),
            ("tags", !self.tags.is_empty()),
            ("source", !self.source.is_empty()),
            ("created_from", self.created_from.is_some()),
            ("created_to", self.created_to.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, set)| set.then_some(key))
        .collect()
    }

    /// Whether a record fits the parts that its owners decide: all that a pointer can tell.
    #[must_use]
    pub fn wants_owned(&self, record: &impl Owned) -> bool {
        let Ownership { owner, assignee, teams } = record.ownership();
        let any = |wanted: &[UserId], person: Option<UserId>| {
            wanted.is_empty() || person.is_some_and(|person| wanted.contains(&person))
        };
        any(&self.owner_id, owner)
            && any(&self.assignee_id, assignee)
            && (self.team_owner_ids.is_empty()
                || teams.iter().any(|team| self.team_owner_ids.contains(team)))
    }

    fn wants(&self, contact: &Contact) -> bool {
        self.wants_owned(contact)
            && (self.tags.is_empty() || contact.tags.iter().any(|tag| self.tags.contains(tag)))
            && (self.source.is_empty()
                || contact.source.as_ref().is_some_and(|source| self.source.contains(source)))
            && self.created_from.is_none_or(|from| contact.created_at >= from)
            && self.created_to.is_none_or(|to| contact.created_at < to)
    }

    /// The partitions to read: the scope's, or fewer where the filter itself names some. Their
    /// union holds everything in the scope that is wanted.
    #[must_use]
    pub fn partitions(&self, scope: &Scope) -> Vec<Partition> {
        let people = |people: &[UserId]| people.iter().copied().map(Partition::User).collect();
        if !self.owner_id.is_empty() {
            people(&self.owner_id)
        } else if !self.assignee_id.is_empty() {
            people(&self.assignee_id)
        } else if !self.team_owner_ids.is_empty() {
            self.team_owner_ids.iter().copied().map(Partition::Team).collect()
        } else {
            scope.partitions()
        }
    }
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
        let id = cursor.after.rsplit(crate::table::SEPARATOR).next()?;
        let fits = cursor.order == order && cursor.after.len() <= 300;
        (fits && id.parse::<ContactId>().is_ok()).then_some(cursor)
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
    pub filter: Filter,
}

/// One page of a list.
#[derive(Debug)]
pub struct ContactPage {
    /// The contacts, each past the guard.
    pub contacts: Vec<Authorized<Contact>>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// Where a contact stands in an order.
fn position(contact: &Contact, order: OrderBy) -> String {
    match order {
        OrderBy::CreatedAt => contact.id.to_string(),
        OrderBy::Name => name_key(&fold(contact.name.as_deref().unwrap_or_default()), contact.id),
    }
}

impl Contacts {
    /// One page of what the scope admits and the filter wants. Every contact has passed the guard.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        scope: &Scope,
        request: &ListRequest,
    ) -> Result<ContactPage, TableError> {
        let partitions = request.filter.partitions(scope);
        let residual = request.filter.is_residual();
        let (most, chunk) =
            if residual { (MAX_RESIDUAL, CHUNK) } else { (MAX_POINTERS, request.limit) };
        let mut walk = Walk::new(self, &partitions, request, chunk);
        let mut page = Collected::default();
        let mut looked_at = 0;
        loop {
            let wanted = if residual { chunk } else { request.limit - page.contacts.len() };
            let mut candidates = Vec::with_capacity(wanted);
            while candidates.len() < wanted && looked_at < most {
                let Some(pointer) = walk.next().await? else {
                    self.collect(scope, request, candidates, &mut page).await?;
                    return Ok(page.end(request.order, None));
                };
                looked_at += 1;
                page.seen = Some(pointer.position.clone());
                if pointer.is_wanted(scope, &request.filter) {
                    candidates.push(pointer);
                }
            }
            self.collect(scope, request, candidates, &mut page).await?;
            if page.cut.is_some() || page.contacts.len() >= request.limit || looked_at >= most {
                // One more look says whether this was the end.
                let more = page.cut.is_some() || walk.next().await?.is_some();
                let last = page.cut.take().or_else(|| page.seen.take()).filter(|_| more);
                return Ok(page.end(request.order, last));
            }
        }
    }

    /// Keeps of the candidates what [`Contacts::fetch`] lets through, until the page is full.
    async fn collect(
        &self,
        scope: &Scope,
        request: &ListRequest,
        candidates: Vec<Pointer>,
        page: &mut Collected,
    ) -> Result<(), TableError> {
        for contact in self.fetch(scope, request.order, &request.filter, candidates).await? {
            page.bytes += serde_json::to_vec(&*contact).map_or(0, |bytes| bytes.len());
            let too_large = page.bytes > MAX_PAGE_BYTES && !page.contacts.is_empty();
            if page.contacts.len() >= request.limit || too_large {
                page.cut = page.contacts.last().map(|last| position(last, request.order));
                return Ok(());
            }
            page.contacts.push(contact);
        }
        Ok(())
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
        filter: &Filter,
        candidates: Vec<Pointer>,
    ) -> Result<Vec<Authorized<Contact>>, TableError> {
        let ids: Vec<_> = candidates.iter().map(|pointer| pointer.id).collect();
        let mut records = self.records(&ids).await?;
        let standing = candidates.into_iter().filter_map(|pointer| {
            let contact = records.remove(&pointer.id)?;
            (position(&contact, order) == pointer.position).then_some(contact)
        });
        Ok(standing
            .filter(|contact| contact.deleted_at.is_none() && filter.wants(contact))
            .filter_map(|contact| scope.authorize(contact))
            .collect())
    }
}

#[derive(Default)]
struct Collected {
    contacts: Vec<Authorized<Contact>>,
    bytes: usize,
    /// The last pointer looked at.
    seen: Option<String>,
    /// The last contact of a page that ends before its candidates do.
    cut: Option<String>,
}

impl Collected {
    fn end(self, order: OrderBy, last: Option<String>) -> ContactPage {
        let next = last.or(self.cut).map(|after| Cursor { order, after });
        ContactPage { contacts: self.contacts, next }
    }
}
