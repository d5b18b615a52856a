//! Every key of the single table. No other module spells one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::Item;
use crate::{
    clock::sortable,
    id::{CompanyId, ContactId, JobId, LayoutId, NoteId, RunId, TeamId, UserId},
};

/// The attribute that holds an item's partition.
pub const PK: &str = "pk";
/// The attribute that holds an item's place in its partition.
pub const SK: &str = "sk";
/// The index that orders pointers by name, and its sort attribute.
pub const BY_NAME: &str = "by_name";
/// The sort attribute of [`BY_NAME`].
pub const NAME_KEY: &str = "name_key";
/// The attribute by which `DynamoDB` expires items, in epoch seconds.
pub const EXPIRES_AT: &str = "expires_at";

/// Sorts below every character that a folded text can hold, so that "Ann" comes before "Ann Lee".
pub const SEPARATOR: char = '\u{1}';

/// The characters that search words of one partition share. Phone numbers of a country begin alike,
/// but a partition that grows hot is split by its sort keys.
pub const WORD_PREFIX: usize = 3;

/// The number of partitions that due items are spread over.
pub const DUE_SHARDS: u8 = 16;

/// Where an item stands.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize,
)]
pub struct Key {
    /// Partition.
    pub pk: String,
    /// Place in the partition.
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// The key as the attributes of a request.
    #[must_use]
    pub fn to_attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    /// The key of an item that was read.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text(PK)?, sk: text(SK)? })
    }

    /// A contact's record. Its sort key comes after those of its notes and ledger.
    #[must_use]
    pub fn contact(company: &CompanyId, id: ContactId) -> Self {
        Self::new(contact_partition(company, id), "PROFILE")
    }

    /// The lower bound of a contact's notes in their partition: above it stand the notes, in the
    /// order of their creation, and then the contact's record.
    #[must_use]
    pub fn before_notes(company: &CompanyId, contact: ContactId) -> Self {
        Self::new(contact_partition(company, contact), "NOTE#")
    }

    /// A note of a contact.
    #[must_use]
    pub fn note(company: &CompanyId, contact: ContactId, note: NoteId) -> Self {
        Self::new(contact_partition(company, contact), format!("NOTE#{note}"))
    }

    /// The ledger entry that says whether a person was notified of a note. While the person is not
    /// verified, `person` is the id by which the note's text names them.
    #[must_use]
    pub fn mention(company: &CompanyId, contact: ContactId, note: NoteId, person: &str) -> Self {
        Self::new(contact_partition(company, contact), format!("MENTION#{note}#{person}"))
    }

    /// The pointer to a contact in one of the partitions that lists read.
    #[must_use]
    pub fn pointer(company: &CompanyId, partition: &Partition, id: ContactId) -> Self {
        Self::new(partition.pk(company), id.to_string())
    }

    /// The look-up of a contact by an email address in lower case.
    #[must_use]
    pub fn email(company: &CompanyId, lower: &str, id: ContactId) -> Self {
        Self::new(email_partition(company, lower), id.to_string())
    }

    /// The look-up of a contact by the digits of a phone number.
    #[must_use]
    pub fn phone(company: &CompanyId, digits: &str, id: ContactId) -> Self {
        Self::new(phone_partition(company, digits), id.to_string())
    }

    /// A word by which search finds a contact.
    #[must_use]
    pub fn word(company: &CompanyId, word: &str, id: ContactId) -> Self {
        let word = Word::new(word);
        Self::new(word.pk(company), word.place(id))
    }

    /// The claim that makes an external id one contact's.
    #[must_use]
    pub fn external_claim(company: &CompanyId, external_id: &str) -> Self {
        Self::new(format!("CO#{company}#EXTERNAL#{external_id}"), "CLAIM")
    }

    /// The claim that makes a first email, whatever its case, one synced contact's.
    #[must_use]
    pub fn email_claim(company: &CompanyId, email: &str) -> Self {
        Self::new(format!("CO#{company}#SYNCEMAIL#{}", email.to_lowercase()), "CLAIM")
    }

    /// A company's feature flags.
    #[must_use]
    pub fn flags(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "FLAGS")
    }

    /// A company's catalogue of custom fields.
    #[must_use]
    pub fn catalog(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "CATALOG")
    }

    /// The team set of a viewer, cached for all instances.
    #[must_use]
    pub fn team_set(company: &CompanyId, user: UserId) -> Self {
        Self::new(format!("CO#{company}#TEAMSET"), user.to_string())
    }

    /// What was last known of a person.
    #[must_use]
    pub fn person(company: &CompanyId, user: UserId) -> Self {
        Self::new(format!("CO#{company}#PERSON#{user}"), "PERSON")
    }

    /// An export job of a user.
    #[must_use]
    pub fn job(company: &CompanyId, user: UserId, job: JobId) -> Self {
        Self::new(jobs_partition(company, user), format!("JOB#{job}"))
    }

    /// The active export jobs of a company.
    #[must_use]
    pub fn quota(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "QUOTA")
    }

    /// A saved layout of export files.
    #[must_use]
    pub fn layout(company: &CompanyId, id: LayoutId) -> Self {
        Self::new(format!("CO#{company}#LAYOUTS"), id.to_string())
    }

    /// The names of a company's layouts.
    #[must_use]
    pub fn layout_names(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "LAYOUTS")
    }

    /// What a capability link leads to, by the hash of its token.
    #[must_use]
    pub fn link(token_hash: &str) -> Self {
        Self::new(format!("LINK#{token_hash}"), "LINK")
    }

    /// What was answered to an idempotency key of a user on a route.
    #[must_use]
    pub fn idempotency(company: &CompanyId, user: UserId, route: &str, key_hash: &str) -> Self {
        Self::new(format!("IDEMPOTENCY#{company}#{user}"), format!("{route}#{key_hash}"))
    }

    /// Says of a contact that a backfill set its team owners last.
    #[must_use]
    pub fn backfilled(company: &CompanyId, id: ContactId) -> Self {
        Self::new(backfilled_partition(company), id.to_string())
    }

    /// A company's latest run of the team backfill, under way or over.
    #[must_use]
    pub fn backfill(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "BACKFILL")
    }

    /// What a chunk of a run has for its report; chunks sort by their last row.
    #[must_use]
    pub fn backfill_chunk(company: &CompanyId, run: RunId, last_row: u64) -> Self {
        Self::new(backfill_partition(company, run), format!("{last_row:012}"))
    }

    /// Something that is due at a time; the shard follows from the id.
    #[must_use]
    pub fn due(at: Timestamp, kind: &str, id: &str) -> Self {
        let shard = id.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Self::new(due_partition(shard % DUE_SHARDS), format!("{}#{kind}#{id}", sortable(at)))
    }
}

/// The partition that holds a contact, its notes and their ledger.
#[must_use]
pub fn contact_partition(company: &CompanyId, id: ContactId) -> String {
    format!("CO#{company}#CONTACT#{id}")
}

/// The partition of the look-ups by an email address in lower case.
#[must_use]
pub fn email_partition(company: &CompanyId, lower: &str) -> String {
    format!("CO#{company}#EMAIL#{lower}")
}

/// The partition of the look-ups by the digits of a phone number.
#[must_use]
pub fn phone_partition(company: &CompanyId, digits: &str) -> String {
    format!("CO#{company}#PHONE#{digits}")
}

/// The partition of a user's export jobs.
#[must_use]
pub fn jobs_partition(company: &CompanyId, user: UserId) -> String {
    format!("CO#{company}#EXPORTS#{user}")
}

/// The partition of the contacts whose team owners a backfill set last.
#[must_use]
pub fn backfilled_partition(company: &CompanyId) -> String {
    format!("CO#{company}#BACKFILLED")
}

/// The partition of what a backfill run has for its report.
#[must_use]
pub fn backfill_partition(company: &CompanyId, run: RunId) -> String {
    format!("CO#{company}#BACKFILL#{run}")
}

/// The partition of due items with this shard.
#[must_use]
pub fn due_partition(shard: u8) -> String {
    format!("DUE#{shard}")
}

/// A set of contacts that lists can read in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Partition {
    /// Every contact of the company.
    All,
    /// The contacts that a team owns.
    Team(TeamId),
    /// The contacts that no team owns.
    Unassigned,
    /// The contacts whose owner or assignee a person is.
    User(UserId),
}

impl Partition {
    /// The partition's key.
    #[must_use]
    pub fn pk(&self, company: &CompanyId) -> String {
        match self {
            Self::All => format!("CO#{company}#ALL"),
            Self::Team(team) => format!("CO#{company}#TEAM#{team}"),
            Self::Unassigned => format!("CO#{company}#UNASSIGNED"),
            Self::User(user) => format!("CO#{company}#USER#{user}"),
        }
    }
}

/// A word by which search finds contacts: of a name, an email address, the digits of a phone.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a>(&'a str);

impl<'a> Word<'a> {
    /// The word, as it stands in the table.
    #[must_use]
    pub fn new(word: &'a str) -> Self {
        Self(word)
    }

    /// The partition of the words that share the first characters.
    #[must_use]
    pub fn pk(&self, company: &CompanyId) -> String {
        let head: String = self.0.chars().take(WORD_PREFIX).collect();
        format!("CO#{company}#WORD#{head}")
    }

    /// The place of a contact that has the word.
    #[must_use]
    pub fn place(&self, id: ContactId) -> String {
        format!("{}{SEPARATOR}{id}", self.0)
    }

    /// What every place of exactly this word begins with.
    #[must_use]
    pub fn before_ids(&self) -> String {
        format!("{}{SEPARATOR}", self.0)
    }
}

/// The contact that a place in a partition is of: the id stands last.
#[must_use]
pub fn contact_at(place: &str) -> Option<ContactId> {
    place.rsplit(SEPARATOR).next()?.parse().ok()
}

/// The smallest text above all that begin with this one.
#[must_use]
pub fn successor(text: &str) -> String {
    let mut rest = text.to_owned();
    while let Some(last) = rest.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            break;
        }
    }
    rest
}

/// The place of a contact in the order by name: the folded name, cut at 200 bytes, then its id.
#[must_use]
pub fn name_key(folded_name: &str, id: ContactId) -> String {
    let mut end = folded_name.len().min(200);
    while !folded_name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{SEPARATOR}{id}", &folded_name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> CompanyId {
        "acme".parse().unwrap()
    }

    #[test]
    fn a_contact_sorts_after_its_notes_and_their_ledger() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let (contact, note) = (ContactId::generate(now), NoteId::generate(now));
        let record = Key::contact(&company(), contact);
        let note_key = Key::note(&company(), contact, note);
        let ledger = Key::mention(&company(), contact, note, "p");
        assert!(record.pk == note_key.pk && note_key.pk == ledger.pk);
        assert!(ledger.sk < note_key.sk && note_key.sk < record.sk);
    }

    #[test]
    fn a_shorter_name_sorts_before_one_that_it_begins() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let id = ContactId::generate(now);
        assert!(name_key("ann", id) < name_key("ann lee", id));
        assert!(name_key(&"é".repeat(150), id).len() <= 200 + 1 + 36);
    }

    #[test]
    fn a_successor_is_above_everything_that_begins_alike_and_nothing_else() {
        assert_eq!(successor("ann"), "ano");
        assert_eq!(successor("a\u{D7FF}"), "a\u{E000}");
        assert_eq!(successor("a\u{10FFFF}"), "b");
        assert!("ann\u{10FFFF}z" < successor("ann").as_str());
    }
}
