//! The content of a contact's index entries: its pointers, look-up items and search words.
//!
//! A write of a contact writes all its index entries, so they are small: with many team owners they
//! do not contain the owners, and a pointer contains the contact's search words only while they are
//! short. An entry therefore answers "yes", "no" or "unknown" when a list asks whether its contact
//! matches; the record decides about an unknown contact.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contact, fold, search::index_words};
use crate::{
    access::{Owned, Ownership},
    id::{TeamId, UserId},
    table::{SEPARATOR, name_key},
};

/// The maximum number of team owners that index entries contain.
const MAX_TEAMS: usize = 4;
/// The maximum size of the search words in a pointer, in bytes.
const MAX_WORDS_BYTES: usize = 400;

/// One index entry of a contact.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct IndexEntry {
    #[serde(rename = "o", default, skip_serializing_if = "EntryOwners::is_none")]
    pub(super) owners: EntryOwners,
    /// The time until which a stale pointer stays; `None` in all other entries.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
    /// The sort key of the pointer in the order by name; `None` in look-up items and search words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name_key: Option<String>,
    /// All search words of the contact in order, separated by [`SEPARATOR`]. `None` in look-up
    /// items, search words and pointers of the whole company, and in other pointers if the words
    /// are too long or the owners are not in the entry.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) words: Option<String>,
    /// The previous search word of the contact in the same partition of words, so that a search
    /// whose ranges contain both words skips this one. `None` in the first search word of a
    /// partition, and in pointers and look-up items.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(super) word_before: Option<String>,
}

impl IndexEntry {
    /// The content of a contact's look-up items and of its pointer in the list of the whole
    /// company, without the sort key in the order by name.
    pub(super) fn for_contact(contact: &Contact) -> Self {
        Self { owners: EntryOwners::for_contact(contact), ..Self::default() }
    }

    /// Adds the sort key in the order by name, which only pointers have.
    pub(super) fn with_name_key(mut self, contact: &Contact) -> Self {
        let folded = fold(contact.name.as_deref().unwrap_or_default());
        self.name_key = Some(name_key(&folded, contact.id));
        self
    }

    /// Adds the search words, which only the pointers of narrower lists than that of the whole
    /// company have.
    pub(super) fn with_words(mut self, contact: &Contact) -> Self {
        if self.owners != EntryOwners::Many {
            let words: Vec<String> = index_words(contact).into_iter().collect();
            let words = words.join(&SEPARATOR.to_string());
            self.words = (words.len() <= MAX_WORDS_BYTES).then_some(words);
        }
        self
    }

    /// Whether a rule about owners accepts the contact of this entry.
    pub(super) fn answer(&self, accepts: impl Fn(&KnownOwners) -> bool) -> Answer {
        match &self.owners {
            EntryOwners::Many => Answer::Unknown,
            EntryOwners::Known(owners) if accepts(owners) => Answer::Yes,
            EntryOwners::Known(_) => Answer::No,
        }
    }

    /// All search words of the contact in order; `None` if the entry does not contain them.
    pub(super) fn words(&self) -> Option<impl Iterator<Item = &str> + Clone> {
        let words = self.words.as_ref()?;
        Some(words.split(SEPARATOR).filter(|word| !word.is_empty()))
    }
}

/// What an index entry says about its contact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Answer {
    /// The contact does not match.
    No,
    /// The entry does not contain what decides; the record does.
    Unknown,
    /// The contact matches, as far as the entry shows.
    Yes,
}

/// The owners in an index entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) enum EntryOwners {
    /// All owners of the contact.
    Known(KnownOwners),
    /// The contact has more than [`MAX_TEAMS`] team owners. The entry contains no owners, so that a
    /// change of one of them does not change all entries of the contact.
    Many,
}

/// The owners of a contact with few teams.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct KnownOwners {
    pub(super) owner: Option<UserId>,
    pub(super) assignee: Option<UserId>,
    pub(super) teams: Vec<TeamId>,
}

impl Owned for KnownOwners {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner, assignee: self.assignee, teams: &self.teams }
    }
}

impl Default for EntryOwners {
    fn default() -> Self {
        Self::Known(KnownOwners::default())
    }
}

/// The stored form of [`EntryOwners::Many`].
const MANY: &str = "*";
/// Separates owner, assignee and teams in the stored form of owners.
const PART: char = '.';
/// The length of an id in the stored form of owners: 16 bytes in base64.
const ID_LENGTH: usize = 22;

impl EntryOwners {
    pub(super) fn for_contact(contact: &Contact) -> Self {
        if contact.team_owner_ids.len() > MAX_TEAMS {
            return Self::Many;
        }
        Self::Known(KnownOwners {
            owner: contact.owner_id,
            assignee: contact.assignee_id,
            teams: contact.team_owner_ids.clone(),
        })
    }

    /// Whether the contact has no owner, assignee or team.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl From<EntryOwners> for String {
    fn from(owners: EntryOwners) -> Self {
        let EntryOwners::Known(KnownOwners { owner, assignee, teams }) = owners else {
            return MANY.to_owned();
        };
        let mut text = Self::new();
        let encode = |id: Uuid, text: &mut Self| URL_SAFE_NO_PAD.encode_string(id.as_bytes(), text);
        owner.iter().for_each(|owner| encode(owner.as_uuid(), &mut text));
        text.push(PART);
        assignee.iter().for_each(|assignee| encode(assignee.as_uuid(), &mut text));
        text.push(PART);
        teams.iter().for_each(|team| encode(team.as_uuid(), &mut text));
        text
    }
}

/// The stored owners of an index entry are malformed.
#[derive(Debug, thiserror::Error)]
#[error("the owners of an index entry are malformed")]
pub(super) struct MalformedOwners;

impl TryFrom<String> for EntryOwners {
    type Error = MalformedOwners;

    fn try_from(text: String) -> Result<Self, MalformedOwners> {
        if text == MANY {
            return Ok(Self::Many);
        }
        let mut parts = text.split(PART).map(decode_ids);
        let mut next = || parts.next().unwrap_or(Err(MalformedOwners));
        let (owner, assignee, teams) = (next()?, next()?, next()?);
        Ok(Self::Known(KnownOwners {
            owner: owner.first().copied().map(UserId::from_uuid),
            assignee: assignee.first().copied().map(UserId::from_uuid),
            teams: teams.into_iter().map(TeamId::from_uuid).collect(),
        }))
    }
}

fn decode_ids(text: &str) -> Result<Vec<Uuid>, MalformedOwners> {
    let ids = text.as_bytes().chunks(ID_LENGTH);
    ids.map(|id| {
        let bytes = URL_SAFE_NO_PAD.decode(id).map_err(|_| MalformedOwners)?;
        Uuid::from_slice(&bytes).map_err(|_| MalformedOwners)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn owners_are_the_same_after_they_were_stored() {
        let team = |n| TeamId::from_uuid(Uuid::from_u128(n));
        let known =
            |owner, assignee, teams| EntryOwners::Known(KnownOwners { owner, assignee, teams });
        for owners in [
            EntryOwners::Many,
            EntryOwners::default(),
            known(Some(user(1)), None, vec![]),
            known(None, Some(user(2)), vec![team(3)]),
            known(Some(user(u128::MAX)), Some(user(2)), (1..=4).map(team).collect()),
        ] {
            assert_eq!(EntryOwners::try_from(String::from(owners.clone())).unwrap(), owners);
        }
        for broken in ["", "x", "..x", "."] {
            assert!(EntryOwners::try_from(broken.to_owned()).is_err(), "{broken:?}");
        }
    }
}
