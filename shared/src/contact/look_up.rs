//! Finding a contact by an email address or a phone number (SPEC §2): the newest one admitted.

use super::{Contact, Contacts, Criteria, Pointer, Walk, digits};
use crate::{
    access::{Authorized, Scope},
    id::{CompanyId, ContactId},
    table::{Direction, Query, TableError, email_partition, phone_partition},
};

/// The most look-ups that are read at once.
const CHUNK: usize = 25;
/// The most records that one request reads.
const MAX_RECORDS: usize = 500;
/// The most look-ups of one request, most of which tell by themselves to be out of scope.
const MAX_LOOK_UPS: usize = 25_000;
/// The longest address that is looked up, in bytes: no stored one is longer.
const MAX_BYTES: usize = 1024;

/// What a contact is looked up by.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// An email address, in lower case.
    Email(String),
    /// The digits of a phone number, with the country's code where it is a possible one.
    Phone(String),
}

impl Address {
    /// An email address in any case; `None` for a text that is none of a contact.
    #[must_use]
    pub fn email(text: &str) -> Option<Self> {
        let lower = text.trim().to_lowercase();
        (!lower.is_empty() && lower.len() <= MAX_BYTES).then_some(Self::Email(lower))
    }

    /// A phone number in any way of writing it; `None` for a text that is none of a contact.
    #[must_use]
    pub fn phone(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        digits(text).map(|digits| Self::Phone(digits.lookup))
    }

    fn pk(&self, company: &CompanyId) -> String {
        match self {
            Self::Email(lower) => email_partition(company, lower),
            Self::Phone(digits) => phone_partition(company, digits),
        }
    }

    /// Whether it is, still, the contact's.
    fn is_of(&self, contact: &Contact) -> bool {
        match self {
            Self::Email(lower) => contact.emails.iter().any(|email| email.to_lowercase() == *lower),
            Self::Phone(wanted) => contact
                .phones
                .iter()
                .any(|phone| digits(phone).is_some_and(|digits| digits.lookup == *wanted)),
        }
    }
}

/// What a look-up found.
#[derive(Debug)]
pub enum LookUp {
    /// The newest contact with the address that the scope admits.
    Found(Box<Authorized<Contact>>),
    /// Contacts have the address, and all are out of scope; the newest of them.
    OutOfScope(ContactId),
    /// No contact has it.
    NotFound,
}

impl Contacts {
    /// The newest contact with an address that the scope admits. Everything is read consistently:
    /// what was just written is found. However many have the address, what their look-ups tell to
    /// be out of scope is passed over without their records.
    ///
    /// # Errors
    /// As the table says.
    pub async fn look_up(&self, address: &Address, scope: &Scope) -> Result<LookUp, TableError> {
        let query = Query {
            direction: Direction::Descending,
            consistent: true,
            ..Query::partition(address.pk(&self.company))
        };
        let mut walk = Walk::new(self, vec![query], Direction::Descending, CHUNK);
        let (all, mut refused) = (Criteria::default(), None);
        let (mut looked_at, mut read) = (0, 0);
        while looked_at < MAX_LOOK_UPS && read < MAX_RECORDS {
            let chunk = walk.next_chunk(CHUNK).await?;
            let is_last = chunk.len() < CHUNK;
            looked_at += chunk.len();
            let (near, far): (Vec<_>, Vec<_>) =
                chunk.into_iter().partition(|pointer| pointer.is_wanted(scope, &all));
            // What their look-ups tell to be out of scope is read only to tell a refusal from
            // nobody; the guard decides by the record all the same.
            let far = if refused.is_none() { far } else { Vec::new() };
            for pointers in [near, far] {
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

    /// The same among these, the newest first.
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
            if !contact.is_live() || !address.is_of(&contact) {
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
