//! The normalized forms of names and addresses for sorting and searching.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The maximum number of words that are taken from one text.
const MAX_WORDS: usize = 24;

/// Returns the folded form of a text: in lower case, without accents, and with one space in place
/// of each run of white space and control characters. "Zoë" and "ZOE" have the same folded form.
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

/// Returns the folded words of a text without duplicates, in the order of the text, at most 24.
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
    fn folding_removes_case_accents_and_control_characters() {
        assert_eq!(fold("  Zoë\u{1}ÅNGSTRÖM  "), "zoe angstrom");
        assert_eq!(fold("佐藤 愛"), "佐藤 愛");
        assert_eq!(fold(&fold("İstanbul")), fold("İstanbul"));
    }

    #[test]
    fn words_are_folded_and_have_no_duplicates() {
        assert_eq!(words("Dr. Ann-Marie O'Brien ANN"), ["dr", "ann", "marie", "o", "brien"]);
        assert_eq!(words("佐藤 愛"), ["佐藤", "愛"]);
        assert_eq!(words(" - "), Vec::<String>::new());
        let many: String = (0..30).map(|n| format!("word{n} ")).collect();
        assert_eq!(words(&many).len(), MAX_WORDS);
    }
}
