//! Searches contacts by the text that a user types: by prefixes of the words of a name, of an email
//! address, or of a national phone number (SPEC §2).
//!
//! Every contact has search words in the table, partitioned by their first three characters. A
//! search reads one or a few ranges of words in order, and returns a contact at the first of its
//! words in these ranges. So each contact is returned once over all pages, even if several of its
//! words match.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Contact, digits, fold,
    phone::{PhonePrefix, phone_prefixes},
    words,
};
use crate::table::{WORD_PREFIX, Word, successor};

/// The minimum number of characters of a search text, and of a prefix by which a query can read a
/// range of search words.
const MIN_CHARACTERS: usize = WORD_PREFIX;
/// The longest search text in bytes, which is the longest email address.
const MAX_BYTES: usize = 320;
/// The minimum number of characters of a word of a name that is stored as a search word. Shorter
/// words in a search text only narrow the search.
const MIN_WORD: usize = 2;
/// The maximum number of characters of a stored word of a name. Longer words are cut.
const NAME_WORD_LENGTH: usize = 48;
/// The maximum number of characters of an email address that is stored as a search word. Longer
/// addresses are cut.
const EMAIL_LENGTH: usize = 64;

/// Why a text is not a valid search text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SearchTextError {
    /// The text has fewer than [`MIN_CHARACTERS`] characters.
    #[error("must have at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// The text is longer than [`MAX_BYTES`] bytes.
    #[error("must be at most {MAX_BYTES} bytes long")]
    TooLong,
}

/// A valid search text, as the user typed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchText(String);

/// The interpretations of a [`SearchText`]; a contact matches if it matches one of them. A text is
/// interpreted as prefixes of the words of a name, which must all match, in any order; as a prefix
/// of an email address; and as a prefix of a phone number. A text with `@` is interpreted only as
/// an email address.
///
/// This type is separate from [`SearchText`], so that the binaries of functions that only store a
/// search text do not contain the phone numbering plans of all countries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Search {
    /// Prefixes of the words of a name; empty if the text is not interpreted as a name.
    names: Vec<String>,
    /// A prefix of an email address, in lower case; `None` if the text is not interpreted as an
    /// email address.
    email: Option<String>,
    /// Prefixes of phone numbers; empty if the text is not interpreted as a phone number.
    phones: Vec<PhonePrefix>,
    /// The ranges of search words to read, in order. Every matching contact has a word in at least
    /// one of them, and a word is in at most one of them.
    ranges: Vec<WordRange>,
}

/// A range of search words: all words with this prefix, or, if the text has fewer than three
/// characters, only the word that is equal to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct WordRange(String);

impl WordRange {
    /// The partition that contains the range.
    pub(super) fn partition(&self) -> Word<'_> {
        Word::new(&self.0)
    }

    /// The exclusive lower and upper bounds of the sort keys in the range.
    pub(super) fn bounds(&self) -> (String, String) {
        if self.is_whole() {
            let all = Word::new(&self.0).sort_key_prefix();
            (all.clone(), successor(&all))
        } else {
            (self.0.clone(), successor(&self.0))
        }
    }

    fn is_whole(&self) -> bool {
        self.0.chars().nth(MIN_CHARACTERS - 1).is_none()
    }

    fn contains(&self, word: &str) -> bool {
        if self.is_whole() { word == self.0 } else { word.starts_with(&self.0) }
    }
}

impl Search {
    /// Interprets a search text.
    pub(super) fn from_text(text: &SearchText) -> Self {
        let trimmed = text.0.trim();
        let is_email_only = trimmed.contains('@');
        let mut names = if is_email_only { Vec::new() } else { words(trimmed) };
        if longest(&names).is_some_and(|word| word.chars().nth(MIN_WORD - 1).is_none()) {
            names.clear();
        }
        let is_readable = |text: &String| text.chars().nth(MIN_CHARACTERS - 1).is_some();
        let email = Some(trimmed.to_lowercase())
            .filter(|email| is_readable(email) && !email.contains(char::is_whitespace));
        let mut phones = phone_prefixes(trimmed);
        phones.retain(|phone| is_readable(&phone.national));
        let ranges = ranges(&names, email.as_deref(), &phones);
        Self { names, email, phones, ranges }
    }

    /// Whether the records must be read to decide whether contacts match, because the text contains
    /// several words of a name, and a search word shows only one of them.
    pub(super) fn needs_records(&self) -> bool {
        self.names.len() > 1
    }

    /// The ranges of search words to read.
    pub(super) fn ranges(&self) -> &[WordRange] {
        &self.ranges
    }

    /// Whether a range of the search contains this word.
    pub(super) fn has_range_of(&self, word: &str) -> bool {
        self.ranges.iter().any(|range| range.contains(word))
    }

    /// Whether a contact matches the search.
    pub(super) fn matches(&self, contact: &Contact) -> bool {
        self.matches_name(contact)
            || self.email.as_ref().is_some_and(|beginning| {
                contact.emails.iter().any(|email| email.to_lowercase().starts_with(beginning))
            })
            || contact
                .phones
                .iter()
                .filter_map(|phone| digits(phone))
                .any(|phone| self.phones.iter().any(|prefix| prefix.matches(&phone)))
    }

    fn matches_name(&self, contact: &Contact) -> bool {
        let Some(read) = longest(&self.names) else { return false };
        let names = words(contact.name.as_deref().unwrap_or_default());
        let read = WordRange(read.to_owned());
        names.iter().any(|name| read.contains(name))
            && self.names.iter().all(|word| names.iter().any(|name| name.starts_with(word)))
    }

    /// The position of a contact in the results, which are in the order of search words: the
    /// position of its first word in the ranges. Returns `None` if no word of the contact is in the
    /// ranges.
    pub(super) fn position(&self, contact: &Contact) -> Option<String> {
        let found_by = index_words(contact);
        let first = found_by.iter().find(|word| self.has_range_of(word))?;
        Some(Word::new(first).sort_key(contact.id))
    }
}

/// The search words that are stored for a contact, in order.
pub(super) fn index_words(contact: &Contact) -> BTreeSet<String> {
    let names = words(contact.name.as_deref().unwrap_or_default());
    let names = names.iter().filter(|word| word.chars().nth(MIN_WORD - 1).is_some());
    let emails = contact.emails.iter().map(|email| email.to_lowercase());
    let emails = emails.filter(|email| email.chars().nth(MIN_CHARACTERS - 1).is_some());
    let phones = contact.phones.iter().filter_map(|phone| digits(phone));
    let phones = phones.map(|phone| phone.national).filter(|all| all.len() >= MIN_CHARACTERS);
    names
        .map(|word| cut(word, NAME_WORD_LENGTH))
        .chain(emails.map(|email| cut(&email, EMAIL_LENGTH)))
        .chain(phones)
        .collect()
}

/// The ranges to read for the interpretations of a text. For a name, only the longest word is read,
/// because it is the most selective one.
fn ranges(names: &[String], email: Option<&str>, phones: &[PhonePrefix]) -> Vec<WordRange> {
    let name = longest(names).map(|word| cut(word, NAME_WORD_LENGTH));
    let email = email.map(|email| cut(email, EMAIL_LENGTH));
    let phones = phones.iter().map(|phone| phone.national.clone());
    let all: BTreeSet<WordRange> =
        name.into_iter().chain(email).chain(phones).map(WordRange).collect();
    let is_part =
        |range: &WordRange| all.iter().any(|other| other != range && other.contains(&range.0));
    all.iter().filter(|range| !is_part(range)).cloned().collect()
}

/// Returns the longest word. If several words have the same length, it returns the first one of
/// them, because the user may not have finished typing the last one.
fn longest(words: &[String]) -> Option<&str> {
    words.iter().rev().max_by_key(|word| word.chars().count()).map(String::as_str)
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

impl TryFrom<String> for SearchText {
    type Error = SearchTextError;

    fn try_from(text: String) -> Result<Self, SearchTextError> {
        if text.len() > MAX_BYTES {
            return Err(SearchTextError::TooLong);
        }
        if fold(&text).chars().nth(MIN_CHARACTERS - 1).is_none() {
            return Err(SearchTextError::TooShort);
        }
        Ok(Self(text))
    }
}

impl From<SearchText> for String {
    fn from(text: SearchText) -> Self {
        text.0
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
