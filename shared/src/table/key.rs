//! Every key of the single table. No other module builds or parses keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::Item;
use crate::{
    clock::sortable,
    id::{CompanyId, ContactId, JobId, LayoutId, NoteId, RunId, TeamId, UserId},
    script::is_cjk,
};

/// The number of the table's layout: the keys, and what the entries mean. Increase it with every
/// change that code could not read in existing items. The local cloud refuses data of another
/// layout; there is no migration, because nothing is deployed yet.
pub const LAYOUT: u32 = 2;

/// The attribute with an item's partition key.
pub const PK: &str = "pk";
/// The attribute with an item's sort key, which is unique in its partition.
pub const SK: &str = "sk";
/// The index that sorts pointers by name.
pub const BY_NAME: &str = "by_name";
/// The sort key attribute of [`BY_NAME`].
pub const NAME_KEY: &str = "name_key";
/// The attribute with the time at which `DynamoDB` may delete an item, in epoch seconds.
pub const EXPIRES_AT: &str = "expires_at";

/// Separates the parts of a sort key. It sorts below every character that a folded text can
/// contain, so that "Ann" sorts before "Ann Lee".
pub const SEPARATOR: char = '\u{1}';

/// The number of characters at the start of a search word that decide its partition. If the first
/// character is Han, Kana or Hangul, it decides alone, so that a search can begin with it. The phone
/// numbers of one country often start with the same digits, but `DynamoDB` splits a partition with
/// many requests by its sort keys.
pub const WORD_PREFIX: usize = 3;

/// The number of partitions that the due items are distributed over.
pub const DUE_SHARDS: u8 = 16;

/// The primary key of an item.
#[derive(
    Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize,
)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
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

    /// The key of an item that was read; `None` when the key attributes are missing.
    #[must_use]
    pub fn from_item(item: &Item) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text(PK)?, sk: text(SK)? })
    }

    /// The key of a contact's record. It sorts after the contact's notes and their ledger entries.
    #[must_use]
    pub fn contact(company: &CompanyId, id: ContactId) -> Self {
        Self::new(contact_partition(company, id), "PROFILE")
    }

    /// A key for use as the lower bound of a contact's notes in their partition. The notes follow
    /// it in the order of their creation, and the contact's record follows the notes.
    #[must_use]
    pub fn before_notes(company: &CompanyId, contact: ContactId) -> Self {
        Self::new(contact_partition(company, contact), "NOTE#")
    }

    /// The key of a note of a contact.
    #[must_use]
    pub fn note(company: &CompanyId, contact: ContactId, note: NoteId) -> Self {
        Self::new(contact_partition(company, contact), format!("NOTE#{note}"))
    }

    /// The key of the ledger entry that records whether a person was notified of a note. Until the
    /// person is verified, `person` is the id that the note's text contains.
    #[must_use]
    pub fn mention(company: &CompanyId, contact: ContactId, note: NoteId, person: &str) -> Self {
        Self::new(contact_partition(company, contact), format!("MENTION#{note}#{person}"))
    }

    /// The key of the pointer to a contact in one of the partitions that lists read.
    #[must_use]
    pub fn pointer(company: &CompanyId, partition: &Partition, id: ContactId) -> Self {
        Self::new(partition.pk(company), id.to_string())
    }

    /// The key of the look-up item of a contact for an email address in lower case.
    #[must_use]
    pub fn email(company: &CompanyId, lower: &str, id: ContactId) -> Self {
        Self::new(email_partition(company, lower), id.to_string())
    }

    /// The key of the look-up item of a contact for the digits of a phone number.
    #[must_use]
    pub fn phone(company: &CompanyId, digits: &str, id: ContactId) -> Self {
        Self::new(phone_partition(company, digits), id.to_string())
    }

    /// The key of the item by which a search for this word finds a contact.
    #[must_use]
    pub fn word(company: &CompanyId, word: &str, id: ContactId) -> Self {
        let word = Word::new(word);
        Self::new(word.pk(company), word.sort_key(id))
    }

    /// The unique key of an external id. At most one contact owns it.
    #[must_use]
    pub fn unique_external_id(company: &CompanyId, external_id: &str) -> Self {
        Self::new(format!("CO#{company}#EXTERNAL#{external_id}"), "UNIQUE_KEY")
    }

    /// The unique key of a first email address, in its folded form. At most one contact owns it.
    #[must_use]
    pub fn unique_first_email(company: &CompanyId, folded: &str) -> Self {
        Self::new(format!("CO#{company}#SYNCEMAIL#{folded}"), "UNIQUE_KEY")
    }

    /// Whether the key is the unique key of an external id.
    #[must_use]
    pub fn is_external_id(&self) -> bool {
        self.pk.split('#').nth(2) == Some("EXTERNAL")
    }

    /// The key of the item of a contact that has the value of a unique key that another contact
    /// owns.
    #[must_use]
    pub fn waiting(unique: &Self, id: ContactId) -> Self {
        Self::new(unique.pk.clone(), id.to_string())
    }

    /// The key of the latest run of the removal of a company. It is not among the company's own
    /// items, so that the run does not remove it.
    #[must_use]
    pub fn removal(company: &CompanyId) -> Self {
        Self::new(format!("REMOVAL#{company}"), "RUN")
    }

    /// The company whose item has this key; `None` if the key does not name one.
    #[must_use]
    pub(super) fn company(&self) -> Option<&str> {
        let mut parts = self.pk.split('#');
        match parts.next()? {
            "CO" | "IDEMPOTENCY" => parts.next(),
            "REMOVAL" => Some(""),
            _ => None,
        }
    }

    /// Whether the key is that of a contact's record.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        self.sk == "PROFILE"
    }

    /// Whether the key is that of a note.
    #[must_use]
    pub fn is_note(&self) -> bool {
        self.sk.starts_with("NOTE#")
    }

    /// The key of a company's feature flags.
    #[must_use]
    pub fn flags(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "FLAGS")
    }

    /// The key of a company's catalog of custom fields.
    #[must_use]
    pub fn catalog(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "CATALOG")
    }

    /// The key of the stored team set of a viewer, which all instances of the functions share.
    #[must_use]
    pub fn team_set(company: &CompanyId, user: UserId) -> Self {
        Self::new(format!("CO#{company}#TEAMSET"), user.to_string())
    }

    /// The key of the last known name of a person.
    #[must_use]
    pub fn person(company: &CompanyId, user: UserId) -> Self {
        Self::new(format!("CO#{company}#PERSON#{user}"), "PERSON")
    }

    /// The key of an export job of a user.
    #[must_use]
    pub fn job(company: &CompanyId, user: UserId, job: JobId) -> Self {
        Self::new(jobs_partition(company, user), format!("JOB#{job}"))
    }

    /// The key of the record of a company's active export jobs, which limits their number.
    #[must_use]
    pub fn quota(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "QUOTA")
    }

    /// The key of a saved layout of export files.
    #[must_use]
    pub fn layout(company: &CompanyId, id: LayoutId) -> Self {
        Self::new(format!("CO#{company}#LAYOUTS"), id.to_string())
    }

    /// The key of the record of the names of a company's layouts, which keeps them unique.
    #[must_use]
    pub fn layout_names(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "LAYOUTS")
    }

    /// The key of the target of a capability link, by the hash of the link's token.
    #[must_use]
    pub fn link(token_hash: &str) -> Self {
        Self::new(format!("LINK#{token_hash}"), "LINK")
    }

    /// The key of the stored response for an idempotency key of a user on a route.
    #[must_use]
    pub fn idempotency(company: &CompanyId, user: UserId, route: &str, key_hash: &str) -> Self {
        Self::new(format!("IDEMPOTENCY#{company}#{user}"), format!("{route}#{key_hash}"))
    }

    /// The key of the item that marks a contact whose team owners were last set by a backfill.
    #[must_use]
    pub fn backfilled(company: &CompanyId, id: ContactId) -> Self {
        Self::new(backfilled_partition(company), id.to_string())
    }

    /// The key of a company's latest run of the team backfill, running or finished.
    #[must_use]
    pub fn backfill(company: &CompanyId) -> Self {
        Self::new(format!("CO#{company}#SETTINGS"), "BACKFILL")
    }

    /// The key of the part of a run's report that one chunk produced. Chunks sort by their last
    /// row.
    #[must_use]
    pub fn backfill_chunk(company: &CompanyId, run: RunId, last_row: u64) -> Self {
        Self::new(backfill_partition(company, run), format!("{last_row:012}"))
    }

    /// The key of the pointer to a deleted contact in the list of the contacts that can be restored.
    /// The list is in the order of the deletions.
    #[must_use]
    pub fn deleted(company: &CompanyId, at: Timestamp, id: ContactId) -> Self {
        Self::new(deleted_partition(company), format!("{}{SEPARATOR}{id}", sortable(at)))
    }

    /// The key of a due item. Its shard is a hash of the id.
    #[must_use]
    pub fn due(lane: DueLane, at: Timestamp, kind: &str, id: &str) -> Self {
        let shard = id.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let pk = due_partition(lane, shard % DUE_SHARDS);
        Self::new(pk, format!("{}#{kind}#{id}", sortable(at)))
    }
}

/// The partition of a contact, its notes and their ledger entries.
#[must_use]
pub fn contact_partition(company: &CompanyId, id: ContactId) -> String {
    format!("CO#{company}#CONTACT#{id}")
}

/// The partition of the look-up items for an email address in lower case.
#[must_use]
pub fn email_partition(company: &CompanyId, lower: &str) -> String {
    format!("CO#{company}#EMAIL#{lower}")
}

/// The partition of the look-up items for phone numbers with these digits, without the country
/// code.
#[must_use]
pub fn phone_partition(company: &CompanyId, digits: &str) -> String {
    format!("CO#{company}#PHONE#{digits}")
}

/// The partition of a user's export jobs.
#[must_use]
pub fn jobs_partition(company: &CompanyId, user: UserId) -> String {
    format!("CO#{company}#EXPORTS#{user}")
}

/// The partition of the marks of contacts whose team owners were last set by a backfill.
#[must_use]
pub fn backfilled_partition(company: &CompanyId) -> String {
    format!("CO#{company}#BACKFILLED")
}

/// The partition of the parts of a backfill run's report.
#[must_use]
pub fn backfill_partition(company: &CompanyId, run: RunId) -> String {
    format!("CO#{company}#BACKFILL#{run}")
}

/// The partition of the pointers to a company's deleted contacts that can be restored.
#[must_use]
pub fn deleted_partition(company: &CompanyId) -> String {
    format!("CO#{company}#DELETED")
}

/// A set of partitions of due items. Each lane has [`DUE_SHARDS`] partitions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DueLane {
    /// Work that must not wait: messages, deadlines, index entries.
    Prompt,
    /// Erasures of deleted contacts. Thousands of them can be due at once, so they have partitions
    /// of their own, and never delay the other work.
    Erasure,
}

/// The partition of the due items of one shard of a lane.
#[must_use]
pub fn due_partition(lane: DueLane, shard: u8) -> String {
    match lane {
        DueLane::Prompt => format!("DUE#{shard}"),
        DueLane::Erasure => format!("DUE#ERASURE#{shard}"),
    }
}

/// A set of contacts that a list can read in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Partition {
    /// Every contact of the company.
    All,
    /// The contacts that this team owns.
    Team(TeamId),
    /// The contacts that no team owns.
    Unassigned,
    /// The contacts that this person owns.
    Owner(UserId),
    /// The contacts that this person is assigned to.
    Assignee(UserId),
}

impl Partition {
    /// The partition key.
    #[must_use]
    pub fn pk(&self, company: &CompanyId) -> String {
        match self {
            Self::All => format!("CO#{company}#ALL"),
            Self::Team(team) => format!("CO#{company}#TEAM#{team}"),
            Self::Unassigned => format!("CO#{company}#UNASSIGNED"),
            Self::Owner(user) => format!("CO#{company}#OWNER#{user}"),
            Self::Assignee(user) => format!("CO#{company}#ASSIGNEE#{user}"),
        }
    }
}

/// A search word: a word of a name, an email address, or the digits of a phone number.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a>(&'a str);

impl<'a> Word<'a> {
    /// Creates a search word from its stored form, which is normalized and cut to a maximum length.
    #[must_use]
    pub fn new(word: &'a str) -> Self {
        Self(word)
    }

    /// The partition of all words that have the same first [`WORD_PREFIX`] characters, or the same
    /// first character if it is Han, Kana or Hangul.
    #[must_use]
    pub fn pk(&self, company: &CompanyId) -> String {
        let length = if self.0.starts_with(is_cjk) { 1 } else { WORD_PREFIX };
        let head: String = self.0.chars().take(length).collect();
        format!("CO#{company}#WORD#{head}")
    }

    /// The sort key of the word's item for this contact.
    #[must_use]
    pub fn sort_key(&self, id: ContactId) -> String {
        format!("{}{SEPARATOR}{id}", self.0)
    }

    /// The common prefix of the sort keys of this word. The sort keys of longer words do not have
    /// it.
    #[must_use]
    pub fn sort_key_prefix(&self) -> String {
        format!("{}{SEPARATOR}", self.0)
    }
}

/// Returns the id of the contact at a position in a list; `None` if the text does not end with an
/// id. The id is the last part of every position.
#[must_use]
pub fn contact_id_from_position(place: &str) -> Option<ContactId> {
    place.rsplit(SEPARATOR).next()?.parse().ok()
}

/// Returns the search word at a position in the results of a search; `None` if the text does not
/// end with an id.
#[must_use]
pub fn word_from_position(place: &str) -> Option<Word<'_>> {
    place.rsplit_once(SEPARATOR).map(|(word, _)| Word::new(word))
}

/// The smallest text that sorts after all texts with this prefix.
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

/// The sort key of a contact in the index [`BY_NAME`]: the folded name, cut at 200 bytes, then the
/// contact's id.
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
    fn a_name_sorts_before_longer_names_with_the_same_beginning() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let id = ContactId::generate(now);
        assert!(name_key("ann", id) < name_key("ann lee", id));
        assert!(name_key(&"é".repeat(150), id).len() <= 200 + 1 + 36);
    }

    #[test]
    fn a_successor_is_the_first_text_after_all_texts_with_the_prefix() {
        assert_eq!(successor("ann"), "ano");
        assert_eq!(successor("a\u{D7FF}"), "a\u{E000}");
        assert_eq!(successor("a\u{10FFFF}"), "b");
        assert!("ann\u{10FFFF}z" < successor("ann").as_str());
    }
}
