//! The folded forms of names for sorting and searching (SPEC §2, "Search").

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{
    invisible::is_invisible,
    script::{is_han, is_hangul},
};

/// The maximum number of words that are taken from one text.
const MAX_WORDS: usize = 24;
/// The maximum number of characters of a Han or Hangul name that is also found by the part after
/// its first character, which is usually the given name.
const MAX_NAME_CHARACTERS: usize = 4;

/// Returns the folded form of a text: in lower case, without accents, with letters of other Latin
/// alphabets replaced by their basic letters, and with one space in place of each run of white
/// space and control characters. "Zoë" and "ZOE" have the same folded form, and so do "Søren" and
/// "soren". The form is composed (NFC), so that a Hangul syllable is one character.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // U+00B4 is an apostrophe in names, but its compatibility form is a space with an accent.
    let apostrophes = text.chars().map(|c| if c == '\u{B4}' { '\'' } else { c });
    // Control characters separate words; other invisible characters are inside of words.
    let is_hidden = |c: char| is_invisible(c) && !c.is_control();
    let plain = apostrophes
        .nfkd()
        .filter(|c| (!is_combining_mark(*c) || is_kana_voicing(*c)) && !is_hidden(*c))
        .flat_map(char::to_lowercase)
        // The lower case of some letters has a combining mark again, such as that of "İ".
        .filter(|c| !is_combining_mark(*c) || is_kana_voicing(*c));
    for c in plain {
        match basic_letters(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(if c.is_control() { ' ' } else { c }),
        }
    }
    folded.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// The basic letters for a lower-case letter that no normal form takes apart.
fn basic_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' | 'ƚ' => "l",
        'ø' | 'ɔ' => "o",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'ı' | 'ɨ' | 'ɩ' => "i",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' | 'ƭ' => "t",
        'ŋ' | 'ɲ' => "n",
        'ĸ' | 'ƙ' => "k",
        'ƀ' | 'ɓ' => "b",
        'ƈ' => "c",
        'ƒ' => "f",
        'ǥ' | 'ɠ' => "g",
        'ə' => "a",
        'ɇ' | 'ɛ' => "e",
        'ƥ' => "p",
        'ʉ' => "u",
        'ʋ' => "v",
        'ƴ' => "y",
        'ƶ' | 'ȥ' => "z",
        'ȷ' => "j",
        // The form of sigma at the end of a word. Its upper case becomes the other form.
        'ς' => "σ",
        _ => return None,
    })
}

/// The marks that distinguish "が" from "か" and "ぱ" from "は". They are part of the letter.
fn is_kana_voicing(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309A}')
}

/// Whether a folded character is an apostrophe or a hyphen: it connects the parts of one word, such
/// as "O'Brien", and people often omit it.
fn is_connector(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '-' | '−' | '·' | '\u{2BB}'..='\u{2BF}' | '\u{2010}'..='\u{2015}'
            | '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2035}' | '\u{A78B}' | '\u{A78C}'
    )
}

/// A word that a user typed. It may have parts that apostrophes or hyphens connect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TypedWord {
    /// The word without its apostrophes and hyphens: "obrien" for "O'Brien".
    pub(super) whole: String,
    /// The parts of the word; empty if it has only one.
    pub(super) parts: Vec<String>,
}

impl TypedWord {
    /// Whether a name has the word, as a whole or by all its parts. `begins` returns whether a word
    /// of the name begins with a text.
    pub(super) fn is_found(&self, begins: impl Fn(&str) -> bool) -> bool {
        begins(&self.whole)
            || (!self.parts.is_empty() && self.parts.iter().all(|part| begins(part)))
    }
}

/// Divides a text into folded words in its order, at most 24.
pub(super) fn typed_words(text: &str) -> Vec<TypedWord> {
    let folded = fold(text);
    let is_part_of_word = |c: char| c.is_alphanumeric() || is_connector(c);
    let typed = folded.split(|c: char| !is_part_of_word(c)).filter_map(|typed| {
        let parts: Vec<String> =
            typed.split(is_connector).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let whole = parts.concat();
        let parts = if parts.len() > 1 { parts } else { Vec::new() };
        (!whole.is_empty()).then_some(TypedWord { whole, parts })
    });
    typed.take(MAX_WORDS).collect()
}

/// Returns the folded words by whose beginnings a name is found, without duplicates, in the order
/// of the name, at most 24. A word with apostrophes or hyphens is found by its parts and without
/// them; a Han or Hangul word of 2 to 4 characters also by the part after its first character.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let found_by = typed_words(text).into_iter().flat_map(|TypedWord { whole, parts }| {
        let given = given_name(&whole);
        parts.into_iter().chain([whole]).chain(given)
    });
    for word in found_by {
        if words.len() == MAX_WORDS {
            break;
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The part after the first character of a short Han or Hangul word; `None` for other words.
fn given_name(word: &str) -> Option<String> {
    let is_short = (2..=MAX_NAME_CHARACTERS).contains(&word.chars().count());
    let is_name = is_short && word.chars().all(|c| is_han(c) || is_hangul(c));
    is_name.then(|| word.chars().skip(1).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_removes_case_accents_and_control_characters() {
        assert_eq!(fold("  Zoë\u{1}ÅNGSTRÖM  "), "zoe angstrom");
        assert_eq!(fold("佐藤 愛"), "佐藤 愛");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("An\u{200B}n\u{AD}a\u{FEFF}"), "anna");
    }

    #[test]
    fn folding_replaces_letters_that_no_normal_form_takes_apart() {
        for (name, folded) in [
            ("Łukasz", "lukasz"),
            ("Søren", "soren"),
            ("Đặng", "dang"),
            ("Yıldırım", "yildirim"),
            ("Groß", "gross"),
            ("GROẞ", "gross"),
            ("Æsir Œuvre", "aesir oeuvre"),
            ("Þórður", "thordur"),
            ("Ħal Ŧavvon", "hal tavvon"),
            ("Əliyev Ɓala", "aliyev bala"),
            ("ΓΙΩΡΓΟΣ Παπαδόπουλος", "γιωργοσ παπαδοπουλοσ"),
            ("ＡＮＮ", "ann"),
        ] {
            assert_eq!(fold(name), folded, "{name}");
        }
    }

    #[test]
    fn folding_ends_in_composed_characters_and_keeps_kana_voicing() {
        assert_eq!(fold("김민수"), "김민수");
        assert_eq!(fold("김민수").chars().count(), 3);
        assert_eq!(fold("ガード"), "ガード");
        assert_eq!(fold("ｶﾞｰﾄﾞ"), "ガード");
        assert_ne!(fold("はは"), fold("ぱぱ"));
    }

    #[test]
    fn words_are_folded_and_have_no_duplicates() {
        let names = ["dr", "ann", "marie", "annmarie", "o", "brien", "obrien"];
        assert_eq!(words("Dr. Ann-Marie O'Brien ANN"), names);
        for name in ["O’Brien", "O`Brien", "O´Brien", "Oʼbrien"] {
            assert_eq!(words(name), ["o", "brien", "obrien"], "{name}");
        }
        assert_eq!(words(" - "), Vec::<String>::new());
        let many: String = (0..30).map(|n| format!("word{n} ")).collect();
        assert_eq!(words(&many).len(), MAX_WORDS);
    }

    #[test]
    fn a_short_han_or_hangul_name_has_its_given_name_as_a_word() {
        assert_eq!(words("王芳"), ["王芳", "芳"]);
        assert_eq!(words("佐藤 愛"), ["佐藤", "藤", "愛"]);
        assert_eq!(words("김민수"), ["김민수", "민수"]);
        assert_eq!(words("ガード"), ["ガード"]);
        assert_eq!(words("北京朝陽公司"), ["北京朝陽公司"]);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,12}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
