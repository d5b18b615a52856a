//! Searches contacts by the text that a user types: by prefixes of the words of a name, of an email
//! address, or of a national phone number (SPEC §2).
//!
//! Every contact has search words in the table, partitioned by their first three characters, or by
//! their first character if it is Han, Kana or Hangul. A search reads one or a few ranges of words in
//! order, and returns a contact at the first of its words in these ranges. So each contact is
//! returned once over all pages, even if several of its words match.

use std::{cmp::Reverse, collections::BTreeSet, slice};

use serde::{Deserialize, Serialize};

use super::{
    Contact,
    clean::folded_email,
    digits, fold,
    phone::{TypedNumber, phone_prefixes},
    text::{TypedWord, typed_words},
    words,
};
use crate::{
    id::ContactId,
    invisible::is_invisible,
    script::is_cjk,
    table::{WORD_PREFIX, Word, successor},
};

/// The minimum number of characters of a search text, and of a prefix by which a query can read a
/// range of search words. A single character is enough if it is Han, Kana or Hangul.
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

/// The maximum number of words of a text of which one search reads entries.
const WORDS_READ: usize = 3;

/// Why a text is not a valid search text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SearchTextError {
    /// The text has fewer than [`MIN_CHARACTERS`] characters.
    #[error(
        "must have at least {MIN_CHARACTERS} characters, or 1 Chinese, Japanese or Korean character"
    )]
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
    names: Vec<TypedWord>,
    /// A prefix of an email address, in lower case; `None` if the text is not interpreted as an
    /// email address.
    email: Option<String>,
    /// Prefixes of phone numbers; empty if the text is not interpreted as a phone number.
    phones: Vec<TypedNumber>,
    /// The ranges of search words to read, in order. Every matching contact has a word in at least
    /// one of them, and a word is in at most one of them.
    ranges: Vec<WordRange>,
}

/// A range of search words: all words with this prefix, or, if the prefix is too short for a query,
/// only the word that is equal to it.
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
        !is_readable(&self.0)
    }

    fn contains(&self, word: &str) -> bool {
        if self.is_whole() { word == self.0 } else { word.starts_with(&self.0) }
    }
}

impl Search {
    /// Interprets a search text.
    pub(super) fn from_text(text: &SearchText) -> Self {
        let visible: String = text.0.chars().filter(|c| !is_hidden(*c)).collect();
        let trimmed = visible.trim();
        let is_email_only = trimmed.contains('@');
        let mut names = if is_email_only { Vec::new() } else { typed_words(trimmed) };
        if most_selective(&names).is_some_and(|word| !is_stored(&word.whole)) {
            names.clear();
        }
        let email = Some(folded_email(trimmed))
            .filter(|email| is_readable(email) && !email.contains(char::is_whitespace));
        let mut phones = phone_prefixes(trimmed);
        phones.retain(|phone| is_readable(&phone.national));
        let ranges = ranges(&names, email.as_deref(), &phones);
        Self { names, email, phones, ranges }
    }

    /// Whether the text contains several words of a name. A search word shows only one of them, so
    /// the record decides whether its contact matches.
    pub(super) fn has_several_words(&self) -> bool {
        self.names.len() > 1
    }

    /// Whether a contact with these search words may match: each word of a name that the text
    /// contains is the beginning of one of them, unless the text is also an email address or a
    /// phone number. Words that are too short to be stored are not compared.
    pub(super) fn may_match<'w>(&self, words: &(impl Iterator<Item = &'w str> + Clone)) -> bool {
        let begins = |typed: &str| {
            let typed = cut(typed, NAME_WORD_LENGTH);
            !is_stored(&typed) || words.clone().any(|word| word.starts_with(&typed))
        };
        self.email.is_some()
            || !self.phones.is_empty()
            || self.names.iter().all(|typed| typed.is_found(begins))
    }

    /// For each of the longest words of a name in the text, the ranges that contain an entry of every
    /// matching contact. Words that a query cannot read by their beginning are left out.
    pub(super) fn ranges_by_word(&self) -> Vec<Vec<WordRange>> {
        let can_read = |word: &&TypedWord| {
            is_readable(&word.whole)
                && (word.parts.is_empty() || longest_part(word).is_some_and(is_readable))
        };
        let mut words: Vec<&TypedWord> = self.names.iter().filter(can_read).collect();
        words.sort_by_key(|word| Reverse(word.whole.chars().count()));
        words.truncate(WORDS_READ);
        let ranges_of =
            |word: &TypedWord| ranges(slice::from_ref(word), self.email.as_deref(), &self.phones);
        words.into_iter().map(ranges_of).collect()
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
    pub(super) fn matches<C>(&self, contact: &Contact<C>) -> bool {
        self.matches_name(contact)
            || self.email.as_ref().is_some_and(|beginning| {
                contact.emails.iter().any(|email| folded_email(email).starts_with(beginning))
            })
            || contact
                .phones
                .iter()
                .filter_map(|phone| digits(phone))
                .any(|phone| self.phones.iter().any(|prefix| prefix.starts(&phone)))
    }

    /// Whether the search finds a contact that the viewer may not view: by its name, or by a whole
    /// email address or phone number.
    pub(super) fn matches_hidden<C>(&self, contact: &Contact<C>) -> bool {
        self.matches_name(contact)
            || self.email.as_ref().is_some_and(|whole| {
                contact.emails.iter().any(|email| folded_email(email) == *whole)
            })
            || contact
                .phones
                .iter()
                .filter_map(|phone| digits(phone))
                .any(|phone| self.phones.iter().any(|number| number.is_whole(&phone)))
    }

    fn matches_name<C>(&self, contact: &Contact<C>) -> bool {
        let Some(read) = most_selective(&self.names) else { return false };
        let names = words(contact.name.as_deref().unwrap_or_default());
        // Every word must be found as a whole or by all its parts, and so must the word that the
        // search reads, with the range that is read for it.
        let begins = |typed: &str| names.iter().any(|name| name.starts_with(typed));
        let reads = |text: &str| {
            let range = WordRange(text.to_owned());
            is_stored(text) && names.iter().any(|name| range.contains(name))
        };
        let is_read = reads(&read.whole)
            || longest_part(read)
                .is_some_and(|part| reads(part) && read.parts.iter().all(|part| begins(part)));
        is_read && self.names.iter().all(|typed| typed.is_found(begins))
    }

    /// The position of a contact in the results, which are in the order of search words: the
    /// position of its first word in the ranges. Returns `None` if no word of the contact is in the
    /// ranges.
    pub(super) fn position<C>(&self, contact: &Contact<C>) -> Option<String> {
        let found_by = index_words(contact);
        self.first_match(found_by.iter().map(String::as_str), contact.id)
    }

    /// The position in the results of a contact with these search words, which are in order; `None`
    /// if no range contains one of them.
    pub(super) fn first_match<'w>(
        &self,
        mut words: impl Iterator<Item = &'w str>,
        id: ContactId,
    ) -> Option<String> {
        let first = words.find(|word| self.has_range_of(word))?;
        Some(Word::new(first).sort_key(id))
    }
}

/// The search words that are stored for a contact, in order.
pub(super) fn index_words<C>(contact: &Contact<C>) -> BTreeSet<String> {
    let names = words(contact.name.as_deref().unwrap_or_default());
    let names = names.iter().filter(|word| is_stored(word));
    let emails = contact.emails.iter().map(|email| folded_email(email));
    let emails = emails.filter(|email| is_readable(email));
    let phones = contact.phones.iter().filter_map(|phone| digits(phone));
    let phones = phones.map(|phone| phone.national).filter(|all| all.len() >= MIN_CHARACTERS);
    names
        .map(|word| cut(word, NAME_WORD_LENGTH))
        .chain(emails.map(|email| cut(&email, EMAIL_LENGTH)))
        .chain(phones)
        .collect()
}

/// The ranges to read for the interpretations of a text. For a name, only the most selective word
/// is read: as a whole, and by its longest part if it has parts.
fn ranges(names: &[TypedWord], email: Option<&str>, phones: &[TypedNumber]) -> Vec<WordRange> {
    let read = most_selective(names);
    let part = read.and_then(longest_part).filter(|part| is_stored(part));
    let names = read.map(|word| word.whole.as_str()).into_iter().chain(part);
    let names = names.map(|word| cut(word, NAME_WORD_LENGTH));
    let email = email.map(|email| cut(email, EMAIL_LENGTH));
    let phones = phones.iter().map(|phone| phone.national.clone());
    let all: BTreeSet<WordRange> = names.chain(email).chain(phones).map(WordRange).collect();
    let is_part =
        |range: &WordRange| all.iter().any(|other| other != range && other.contains(&range.0));
    all.iter().filter(|range| !is_part(range)).cloned().collect()
}

/// Returns the most selective word: the longest one that can be read by its beginning, otherwise
/// the longest one. If several words have the same length, it returns the first one of them,
/// because the user may not have finished typing the last one.
fn most_selective(words: &[TypedWord]) -> Option<&TypedWord> {
    words.iter().rev().max_by_key(|word| (is_readable(&word.whole), word.whole.chars().count()))
}

/// The most selective part of a word that has parts.
fn longest_part(word: &TypedWord) -> Option<&str> {
    let parts = word.parts.iter().rev();
    parts.max_by_key(|part| (is_readable(part), part.chars().count())).map(String::as_str)
}

/// Whether a query can read the range of all words with this prefix. All words of the range are in
/// one partition.
fn is_readable(prefix: &str) -> bool {
    prefix.starts_with(is_cjk) || prefix.chars().nth(MIN_CHARACTERS - 1).is_some()
}

/// Whether a character is dropped from a search text: one that shows nothing, and that is not white
/// space.
fn is_hidden(c: char) -> bool {
    is_invisible(c) && !c.is_whitespace() && !c.is_control()
}

/// Whether a word of a name is long enough to be stored as a search word.
fn is_stored(word: &str) -> bool {
    word.starts_with(is_cjk) || word.chars().nth(MIN_WORD - 1).is_some()
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
        let folded = fold(&text);
        if folded.chars().nth(MIN_CHARACTERS - 1).is_none() && !folded.contains(is_cjk) {
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
