//! The list of the deleted contacts that can still be restored, newest deletion first (SPEC §2,
//! "List").

use jiff::Timestamp;
use serde::Serialize;

use super::{Contact, ContactView, Contacts, OfHidden};
use crate::{
    access::{Authorized, Scope, Session},
    id::ContactId,
    table::{Direction, Key, Query, SEPARATOR, TableError, deleted_partition},
};

/// The maximum number of records in one read.
const CHUNK: usize = 100;
/// The maximum number of records that one request reads. The pointers of this list contain nothing
/// but their keys, so the record of every contact is read, also of those out of scope.
const MAX_RECORDS: usize = 500;
/// The maximum size of the contacts of one page, in bytes of JSON.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// One page of the list.
#[derive(Debug)]
pub struct DeletedPage {
    /// The contacts of the page. The guard has checked that each of them is in scope.
    pub contacts: Vec<Authorized<Contact>>,
    /// The position after which the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// A deleted contact in the form that the API returns.
#[derive(Clone, Debug, Serialize)]
pub struct DeletedView<'a> {
    #[serde(flatten)]
    contact: ContactView<'a>,
    deleted_at: Option<Timestamp>,
    erased_after: Option<Timestamp>,
}

impl<'a> DeletedView<'a> {
    /// Creates the views of deleted contacts. `permission` contains what the viewer of this session
    /// can do with each contact after its restoration.
    #[must_use]
    pub fn all(contacts: &'a [Authorized<Contact>], session: &Session) -> Vec<Self> {
        let views = ContactView::all(contacts, session, OfHidden::Nothing);
        let views = contacts.iter().zip(views).map(|(contact, view)| Self {
            contact: view,
            deleted_at: contact.deleted_at,
            erased_after: contact.erased_after,
        });
        views.collect()
    }
}

impl Contacts {
    /// Whether a text is a position in the list of deleted contacts.
    #[must_use]
    pub fn is_deleted_position(text: &str) -> bool {
        text.split_once(SEPARATOR).is_some_and(|(time, id)| {
            time.parse::<Timestamp>().is_ok() && id.parse::<ContactId>().is_ok()
        })
    }

    /// Returns up to `limit` deleted contacts that are in scope and can be restored now, newest
    /// deletion first, starting after the position `after`. If many of them are out of scope, the
    /// page can be short or empty although there is a next page.
    pub async fn deleted(
        &self,
        scope: &Scope,
        after: Option<String>,
        limit: usize,
    ) -> Result<DeletedPage, TableError> {
        let now = self.clock.now();
        let (mut contacts, mut bytes, mut read) = (Vec::with_capacity(limit), 0, 0);
        let mut last = after;
        while read < MAX_RECORDS {
            let chunk = CHUNK.min(limit - contacts.len() + 1);
            let page = self
                .table
                .query(&Query {
                    before: last.clone(),
                    direction: Direction::Descending,
                    limit: i32::try_from(chunk).unwrap_or(i32::MAX),
                    keys_only: true,
                    ..Query::partition(deleted_partition(&self.company))
                })
                .await?;
            let keys: Vec<Key> = page.items.iter().filter_map(Key::from_item).collect();
            let id = |key: &Key| key.sk.rsplit(SEPARATOR).next()?.parse::<ContactId>().ok();
            let ids: Vec<ContactId> = keys.iter().filter_map(id).collect();
            let mut records = self.records(&ids, false).await?;
            read += keys.len();
            for key in keys {
                let found = id(&key).and_then(|id| records.remove(&id));
                // A contact that was restored and deleted again has another position now.
                let is_current = |contact: &Contact| {
                    let position = |at| Key::deleted(&self.company, at, contact.id);
                    contact.is_restorable(now)
                        && contact.deleted_at.map(position) == Some(key.clone())
                };
                let found = found.filter(is_current).and_then(|one| scope.authorize(one));
                if let Some(contact) = found {
                    bytes += contact.size();
                    let is_full = contacts.len() >= limit;
                    if is_full || (bytes > MAX_PAGE_BYTES && !contacts.is_empty()) {
                        return Ok(DeletedPage { contacts, next: last });
                    }
                    contacts.push(contact);
                }
                last = Some(key.sk);
            }
            if !page.more {
                return Ok(DeletedPage { contacts, next: None });
            }
        }
        Ok(DeletedPage { contacts, next: last })
    }
}
