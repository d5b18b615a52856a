//! What names and addresses become for ordering and searching.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The most words of one contact that search finds it by.
const MAX_WORDS: usize = 24;
/// The most characters of a word that count.
const WORD_LENGTH: usize = 48;

/// The case- and accent-folded form of a text, without control characters: "Zoë" and "ZOE" fold
/// to the same.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The words of a text that search finds by their beginnings: of at least 3 characters, folded.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().nth(2).is_some())
        .map(|word| word.chars().take(WORD_LENGTH).collect())
        .collect();
    words.sort_unstable();
    words.dedup();
    words.truncate(MAX_WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_takes_case_accents_and_control_characters_away() {
        assert_eq!(fold("  Zoë\u{1}ÅNGSTRÖM  "), "zoe angstrom");
        assert_eq!(fold("佐藤 愛"), "佐藤 愛");
        assert_eq!(fold(&fold("İstanbul")), fold("İstanbul"));
    }

    #[test]
    fn words_are_found_by_three_characters_at_least() {
        assert_eq!(words("Dr. Ann-Marie O'Brien"), ["ann", "brien", "marie"]);
        assert_eq!(words("Al Bo"), Vec::<String>::new());
    }
}
