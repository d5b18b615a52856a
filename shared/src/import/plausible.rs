//! Whether a text makes sense in the encoding in which its bytes were read.

use encoding_rs::WINDOWS_1252;
use unicode_normalization::char::is_combining_mark;

/// The maximum number of characters outside ASCII that are too few for the detector. A name such as
/// "Loïc" fits several encodings.
const FEW_CHARACTERS: usize = 3;
/// Symbols of Windows-1252 that texts of western Europe have.
const WESTERN_SYMBOLS: &str = "€£§©®°±²³´·¹º¼½¾¿¡«»‘’‚“”„–—…•™\u{a0}";
/// Symbols that can be at the start of a word.
const QUOTES: &str = "’‘“„«¡¿–·";
/// Symbols whose bytes are letters of central Europe, and which never follow a letter.
const NEVER_BEHIND_LETTERS: &str = "£¿¼½¾‚„";
/// Letters of Windows-1252 whose bytes are more frequent letters of central Europe or Turkey.
const RARE_LETTERS: &str = "ðÐþÞýÝøØæÆåÅœŒŸ";
/// The units before an exponent, as in `m²`.
const UNITS: [&str; 9] = ["mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mi"];
/// Symbols that western texts have inside a word.
const INSIDE_WORDS: &str = "’–—·\u{ad}";

/// Whether a file with few characters outside ASCII makes sense in Windows-1252, which is more
/// frequent than the other encodings that would fit: no symbol is inside a word or at its start, and
/// no letter is more frequent in another alphabet.
pub(super) fn is_western(bytes: &[u8]) -> bool {
    let (text, _, is_malformed) = WINDOWS_1252.decode(bytes);
    let mut word = 0;
    let mut others = 0;
    let makes_sense = text.char_indices().all(|(at, c)| {
        let (before, after) = (&text[word..at], &text[at + c.len_utf8()..]);
        if !c.is_alphabetic() {
            word = at + c.len_utf8();
        }
        others += usize::from(!c.is_ascii());
        let next = after.chars().next().unwrap_or(' ');
        c.is_ascii() || (others <= FEW_CHARACTERS && is_western_character(before, c, next))
    });
    makes_sense && !is_malformed
}

/// Whether a character outside ASCII makes sense behind the letters of a word and before a character.
fn is_western_character(word: &str, c: char, next: char) -> bool {
    let starts_word = next.is_alphabetic();
    match c {
        '’' => true,
        // The end of an ordinal number, and of the short forms of "number" and "María".
        'ª' | 'º' => !starts_word && word.chars().count() <= 1,
        '¹' | '²' | '³' => {
            let unit = word.to_lowercase();
            !starts_word && (unit.is_empty() || UNITS.contains(&unit.as_str()))
        }
        // In Vietnamese files, these bytes are accents of the vowel before them.
        'ì' | 'ò' if starts_word => {
            !word.ends_with(['a', 'e', 'i', 'o', 'u', 'y', 'â', 'ê', 'ô'])
        }
        c if c.is_alphabetic() => {
            let is_inside = c.is_uppercase() && word.ends_with(char::is_lowercase);
            !RARE_LETTERS.contains(c) && !is_inside
        }
        c => {
            let behind = !word.is_empty();
            WESTERN_SYMBOLS.contains(c)
                && !(behind && (starts_word || NEVER_BEHIND_LETTERS.contains(c)))
                && (!starts_word || QUOTES.contains(c))
        }
    }
}

/// The position of the first character that shows that a text was read in the wrong encoding: a
/// control character that no text has, or, if it is so with most characters outside ASCII, a capital
/// or a symbol inside a word, as in `JosŽ` and `Mu¤oz`.
pub(super) fn first_misread(text: &str) -> Option<usize> {
    if let Some(at) = text.find(|c| matches!(c, '\u{80}'..='\u{9f}')) {
        return Some(at);
    }
    let (mut before, mut first) = (' ', None);
    let (mut misread, mut others) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        if !c.is_ascii() {
            others += 1;
            let next = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
            if is_misread(before, c, next) {
                misread += 1;
                first = first.or(Some(at));
            }
        }
        before = c;
    }
    first.filter(|_| misread > others / 2)
}

fn is_misread(before: char, c: char, next: char) -> bool {
    let is_inside = before.is_alphabetic() && next.is_alphabetic();
    if c.is_alphanumeric() {
        return c.is_uppercase() && (before.is_lowercase() || (is_inside && next.is_lowercase()));
    }
    is_inside && !is_combining_mark(c) && !INSIDE_WORDS.contains(c)
}
