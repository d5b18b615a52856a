//! Finding contacts by what somebody types: the beginnings of name words, of an email address, of
//! a national phone number (SPEC §2).
//!
//! Every contact has search words in the table, partitioned by their first three characters. A
//! search reads one or a few ranges of them in order, and answers a contact at the first of its
//! words that stands in these ranges: so it comes once over all pages, whatever it is found by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Contact, digits, fold,
    phone::{PhonePrefix, beginnings},
    words,
};
use crate::table::{WORD_PREFIX, Word, successor};

/// The fewest characters of a search, and of the beginning of a word that can be read.
const MIN_CHARACTERS: usize = WORD_PREFIX;
/// The longest text that is searched for, in bytes: that of an email address.
const MAX_BYTES: usize = 320;
/// The fewest characters of a name's word that stands in the table; shorter ones only narrow.
const MIN_WORD: usize = 2;
/// The most characters of a name's word that stand in the table.
const NAME_WORD_LENGTH: usize = 48;
/// The most characters of an email address that stand in the table.
const EMAIL_LENGTH: usize = 64;

/// A text that nothing can be searched by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SearchTextError {
    /// Too short.
    #[error("must have at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// Too long.
    #[error("must be at most {MAX_BYTES} bytes long")]
    TooLong,
}

/// A text that can be searched by, as it was typed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchText(String);

/// The readings of a [`SearchText`], of which a contact fits any. It is the beginnings of name
/// words, which must all fit, in any order; or the beginning of an email address; or that of a
/// phone number. With an `@` it is an address only.
///
/// Apart from the text, since who only stores a search need not have the numbering plans of all
/// countries in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Search {
    /// Beginnings of name words; none where no name is meant.
    names: Vec<String>,
    /// The beginning of an address, in lower case.
    email: Option<String>,
    /// Beginnings of phone numbers.
    phones: Vec<PhonePrefix>,
    /// The ranges that hold a word of every contact that fits, each word in one of them at most,
    /// in order.
    ranges: Vec<WordRange>,
}

/// A range of search words: those that begin with a text, or, for a text of fewer than three
/// characters, those that are it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct WordRange(String);

impl WordRange {
    /// The partition that the range is part of.
    pub(super) fn partition(&self) -> Word<'_> {
        Word::new(&self.0)
    }

    /// What stands strictly below and above every place of the range.
    pub(super) fn bounds(&self) -> (String, String) {
        if self.is_whole() {
            let all = Word::new(&self.0).before_ids();
            (all.clone(), successor(&all))
        } else {
            (self.0.clone(), successor(&self.0))
        }
    }

    fn is_whole(&self) -> bool {
        self.0.chars().nth(MIN_CHARACTERS - 1).is_none()
    }

    fn holds(&self, word: &str) -> bool {
        if self.is_whole() { word == self.0 } else { word.starts_with(&self.0) }
    }
}

impl Search {
    /// Reads a text.
    pub(super) fn of(text: &SearchText) -> Self {
        let trimmed = text.0.trim();
        let is_email_only = trimmed.contains('@');
        let mut names = if is_email_only { Vec::new() } else { words(trimmed) };
        if longest(&names).is_some_and(|word| word.chars().nth(MIN_WORD - 1).is_none()) {
            names.clear();
        }
        let is_readable = |text: &String| text.chars().nth(MIN_CHARACTERS - 1).is_some();
        let email = Some(trimmed.to_lowercase())
            .filter(|email| is_readable(email) && !email.contains(char::is_whitespace));
        let mut phones = beginnings(trimmed);
        phones.retain(|phone| is_readable(&phone.national));
        let ranges = ranges(&names, email.as_deref(), &phones);
        Self { names, email, phones, ranges }
    }

    /// Whether contacts can fit only by their records: more is asked than one word in the table
    /// tells.
    pub(super) fn asks_records(&self) -> bool {
        self.names.len() > 1
    }

    /// The ranges to read.
    pub(super) fn ranges(&self) -> &[WordRange] {
        &self.ranges
    }

    /// Whether the search comes by this word.
    pub(super) fn reads(&self, word: &str) -> bool {
        self.ranges.iter().any(|range| range.holds(word))
    }

    /// Whether a contact fits.
    pub(super) fn fits(&self, contact: &Contact) -> bool {
        self.fits_name(contact)
            || self.email.as_ref().is_some_and(|beginning| {
                contact.emails.iter().any(|email| email.to_lowercase().starts_with(beginning))
            })
            || contact
                .phones
                .iter()
                .filter_map(|phone| digits(phone))
                .any(|phone| self.phones.iter().any(|prefix| prefix.begins(&phone)))
    }

    fn fits_name(&self, contact: &Contact) -> bool {
        let Some(read) = longest(&self.names) else { return false };
        let names = words(contact.name.as_deref().unwrap_or_default());
        let read = WordRange(read.to_owned());
        names.iter().any(|name| read.holds(name))
            && self.names.iter().all(|word| names.iter().any(|name| name.starts_with(word)))
    }

    /// Where a contact is answered, in the order of search words: at the first of its words in the
    /// ranges.
    pub(super) fn place(&self, contact: &Contact) -> Option<String> {
        let found_by = index_words(contact);
        let first = found_by.iter().find(|word| self.reads(word))?;
        Some(Word::new(first).place(contact.id))
    }
}

/// The words that a contact stands in the table by, in their order.
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

/// The ranges that readings of a text ask for. The most selective word of a name is read: the
/// longest.
fn ranges(names: &[String], email: Option<&str>, phones: &[PhonePrefix]) -> Vec<WordRange> {
    let name = longest(names).map(|word| cut(word, NAME_WORD_LENGTH));
    let email = email.map(|email| cut(email, EMAIL_LENGTH));
    let phones = phones.iter().map(|phone| phone.national.clone());
    let all: BTreeSet<WordRange> =
        name.into_iter().chain(email).chain(phones).map(WordRange).collect();
    let is_part =
        |range: &WordRange| all.iter().any(|other| other != range && other.holds(&range.0));
    all.iter().filter(|range| !is_part(range)).cloned().collect()
}

/// The longest word; of several the first, as the last one may not be typed to its end yet.
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
