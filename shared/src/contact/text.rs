//! What names and addresses become for ordering and searching.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The most words of one text that count.
const MAX_WORDS: usize = 24;

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

/// The words of a text, folded: each once, in the order of the text, the first 24 of them.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words: Vec<String> = Vec::new();
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if words.len() == MAX_WORDS {
            break;
        }
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
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
    fn words_are_folded_and_count_once() {
        assert_eq!(words("Dr. Ann-Marie O'Brien ANN"), ["dr", "ann", "marie", "o", "brien"]);
        assert_eq!(words("佐藤 愛"), ["佐藤", "愛"]);
        assert_eq!(words(" - "), Vec::<String>::new());
        let many: String = (0..30).map(|n| format!("word{n} ")).collect();
        assert_eq!(words(&many).len(), MAX_WORDS);
    }
}
