//! Looks up a contact by an email address or a phone number (SPEC §2): the newest contact that is
//! in scope.

use std::collections::BTreeSet;

use super::{
    Contact, Contacts, Criteria, Pointer, Walk,
    clean::{clean, folded_email},
    digits,
    phone::{TypedNumber, typed_numbers},
};
use crate::{
    access::{Authorized, Scope},
    id::{CompanyId, ContactId},
    table::{Direction, Query, TableError, email_partition, phone_partition},
};

/// The maximum number of look-up items in one read.
const CHUNK: usize = 25;
/// The maximum number of records that one request reads.
const MAX_RECORDS: usize = 500;
/// The maximum number of look-up items that one request reads. This limit is higher than
/// [`MAX_RECORDS`], because most of these items already show that the contact is out of scope, so
/// that its record is not read.
const MAX_ITEMS: usize = 25_000;
/// The longest email address or phone number that is looked up, in bytes. No stored value is
/// longer.
const MAX_BYTES: usize = 1024;

/// The value by which a contact is looked up.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// An email address, in lower case.
    Email(String),
    /// The interpretations of a phone number; at least one.
    Phone(Vec<TypedNumber>),
}

impl Address {
    /// Creates an address from an email address in upper or lower case; `None` if no contact can
    /// have this text as an email address.
    #[must_use]
    pub fn email(text: &str) -> Option<Self> {
        let folded = if text.len() > MAX_BYTES { return None } else { folded_email(&clean(text)) };
        (!folded.is_empty()).then_some(Self(Kind::Email(folded)))
    }

    /// Creates an address from a phone number in any format; `None` if no contact can have this
    /// text as a phone number.
    #[must_use]
    pub fn phone(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let numbers = typed_numbers(text);
        (!numbers.is_empty()).then_some(Self(Kind::Phone(numbers)))
    }

    /// The partitions with the look-up items of contacts that may have the address.
    fn partitions(&self, company: &CompanyId) -> BTreeSet<String> {
        match &self.0 {
            Kind::Email(lower) => BTreeSet::from([email_partition(company, lower)]),
            Kind::Phone(numbers) => {
                numbers.iter().map(|number| phone_partition(company, &number.national)).collect()
            }
        }
    }

    /// Whether the contact currently has this address.
    fn belongs_to(&self, contact: &Contact) -> bool {
        match &self.0 {
            Kind::Email(lower) => contact.emails.iter().any(|email| folded_email(email) == *lower),
            Kind::Phone(numbers) => contact
                .phones
                .iter()
                .filter_map(|phone| digits(phone))
                .any(|phone| numbers.iter().any(|number| number.is_whole(&phone))),
        }
    }
}

/// The result of a look-up.
#[derive(Debug)]
pub enum LookUp {
    /// The newest contact with this address that is in scope.
    Found(Box<Authorized<Contact>>),
    /// All contacts with this address are out of scope. The id is that of one of them.
    OutOfScope(ContactId),
    /// No contact has this address.
    NotFound,
}

impl Contacts {
    /// Returns the newest contact that has this address and is in scope. All reads are consistent,
    /// so that a contact that was just written is found. If many contacts have the address, those
    /// whose look-up items show that they are out of scope are skipped without reading their
    /// records.
    pub async fn look_up(&self, address: &Address, scope: &Scope) -> Result<LookUp, TableError> {
        let query = |partition: String| Query {
            direction: Direction::Descending,
            consistent: true,
            ..Query::partition(partition)
        };
        let queries = address.partitions(&self.company).into_iter().map(query).collect();
        let mut walk = Walk::new(self, queries, Direction::Descending, CHUNK);
        let (all, mut refused) = (Criteria::default(), None);
        let (mut checked, mut read) = (0, 0);
        while checked < MAX_ITEMS && read < MAX_RECORDS {
            let chunk = walk.next_chunk(CHUNK).await?;
            let is_last = chunk.len() < CHUNK;
            checked += chunk.len();
            let (in_scope, others): (Vec<_>, Vec<_>) =
                chunk.into_iter().partition(|pointer| all.may_match(pointer, scope));
            // The look-up items of the other contacts show that they are out of scope. Their
            // records are read only until the first such contact is confirmed, to distinguish
            // `OutOfScope` from `NotFound`. The guard still decides by the record.
            let others = if refused.is_none() { others } else { Vec::new() };
            for pointers in [in_scope, others] {
                read += pointers.len();
                match self.newest(address, scope, &pointers).await? {
                    LookUp::NotFound => {}
                    LookUp::OutOfScope(id) => refused = refused.or(Some(id)),
                    found @ LookUp::Found(_) => return Ok(found),
                }
            }
            if is_last {
                break;
            }
        }
        Ok(refused.map_or(LookUp::NotFound, LookUp::OutOfScope))
    }

    /// Looks for the newest contact in scope among these pointers, which are in order from the
    /// newest to the oldest.
    async fn newest(
        &self,
        address: &Address,
        scope: &Scope,
        pointers: &[Pointer],
    ) -> Result<LookUp, TableError> {
        let ids: Vec<_> = pointers.iter().map(|pointer| pointer.id).collect();
        let mut records = self.records(&ids, true).await?;
        let mut refused = LookUp::NotFound;
        for id in ids {
            let Some(contact) = records.remove(&id) else { continue };
            if !contact.is_live() || !address.belongs_to(&contact) {
                continue;
            }
            if let Some(contact) = scope.authorize(contact) {
                return Ok(LookUp::Found(Box::new(contact)));
            }
            if let LookUp::NotFound = refused {
                refused = LookUp::OutOfScope(id);
            }
        }
        Ok(refused)
    }
}
