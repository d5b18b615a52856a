//! The text of a cell in a file that spreadsheets open, and back (SPEC §4, "CSV").
//!
//! Exports write cells with [`protect`] and [`join_list`]; the import of such a file reads them with
//! [`read_cell`] and [`split_list`]. `spreadsheet` also undoes what other programs write.
//!
//! What an export calls for most cells is `#[inline]`, so that it is compiled for speed with the code
//! of `export-generate`, and not for size with this crate (`[profile.release]` in Cargo.toml).

mod list;
mod spreadsheet;

use std::borrow::Cow;

pub use list::{LIST_SEPARATOR, join_list, split_list};
pub use spreadsheet::{is_rounded, read_cell, without_decimal};

use crate::invisible::is_invisible;

/// The character that makes a formula a text. It is put before the first character that a reader
/// could skip on its way to the formula.
const PREFIX: char = '\'';

/// The maximum number of digits of a phone number (E.164).
const MAX_PHONE_DIGITS: usize = 15;
/// The minimum number of digits after a `+`. Fewer digits could also be a formula such as `+1(A1)`.
const MIN_PHONE_DIGITS: usize = 5;
/// The maximum length in bytes of what follows a phone number: an extension or a remark.
const MAX_REMARK_BYTES: usize = 60;

/// The words and signs before an extension, in English and Indonesian. The longest come first.
const EXTENSION_WORDS: [&str; 8] =
    ["extension", "ekstensi", "pesawat", "ekst", "ext", "pes", "x", "#"];

/// A byte after which a reader may start a cell.
const DELIMITER: u8 = 1;
/// A byte that may belong to a character that [`protect`] removes.
const MAYBE_REMOVED: u8 = 2;

/// The kinds of each byte. Most texts have only bytes without a kind, and need no closer look.
const BYTE_KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        kinds[control] = MAYBE_REMOVED;
        control += 1;
    }
    kinds[0x7f] = MAYBE_REMOVED;
    // The first byte of U+0080 to U+009F, which are control characters too.
    kinds[0xc2] = MAYBE_REMOVED;
    kinds[b'\t' as usize] = DELIMITER;
    kinds[b'\n' as usize] = DELIMITER;
    kinds[b'\r' as usize] = DELIMITER;
    kinds[b',' as usize] = DELIMITER;
    kinds[b';' as usize] = DELIMITER;
    kinds
};

/// Where a reader may start a cell in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// At the start of the text, with any delimiter.
    Text,
    /// After a comma or semicolon, if the reader splits there.
    Delimiter,
    /// After a tab or a line break, if the reader splits there.
    Line,
}

/// Returns the text so that no spreadsheet finds a formula in it. Control characters other than tab
/// and line breaks are removed. A `'` is put before every formula: at the start of the text, and
/// after every comma, semicolon, tab and line break, because a reader may split at another
/// delimiter than the file's.
///
/// A formula starts with `=`, `+`, `-`, `@` or the full-width form of one, also after characters
/// that a reader may drop: invisible characters, and quotes inside a text. A text that is a number, a
/// phone number or a list of phone numbers as a whole is unchanged. At the start of a text and after
/// a comma or semicolon, a tab and a CR also count as the start of a formula.
///
/// A text that already has apostrophes at such a place gets one more, so that [`unprotect`] returns
/// exactly the text. So does a text whose apostrophe only looks like a prefix, because other programs
/// put one before a phone number, which [`unprotect`] removes.
#[inline]
#[must_use]
pub fn protect(text: &str) -> Cow<'_, str> {
    let kinds = text.bytes().fold(0, |kinds, byte| kinds | BYTE_KINDS[usize::from(byte)]);
    let starts_safely = text.bytes().next().is_none_or(|first| first.is_ascii_alphanumeric());
    if kinds == 0 && starts_safely {
        return Cow::Borrowed(text);
    }
    let is_removed = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if kinds & MAYBE_REMOVED != 0 && text.contains(is_removed) {
        let visible = text.replace(is_removed, "");
        return Cow::Owned(edit_starts(&visible, runs, Edit::Insert).into_owned());
    }
    edit_starts(text, runs, Edit::Insert)
}

/// Returns the text that [`protect`] was called with, without its control characters. A text that
/// [`protect`] did not change, and that it would not change, is returned unchanged. The apostrophe
/// that other programs put before a phone number is removed too.
#[must_use]
pub fn unprotect(text: &str) -> Cow<'_, str> {
    let is_prefixed = |rest: &str, start| rest.starts_with(PREFIX) && runs(rest, start);
    edit_starts(text, is_prefixed, Edit::Remove)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    Insert,
    Remove,
}

/// Inserts or removes a [`PREFIX`] at every start of a cell at which `is_edited` returns true for the
/// rest of the text.
#[inline]
fn edit_starts(text: &str, is_edited: impl Fn(&str, Start) -> bool, edit: Edit) -> Cow<'_, str> {
    let mut edited = String::new();
    let mut copied = 0;
    let delimiters = text.bytes().enumerate().filter_map(|(at, byte)| match byte {
        _ if BYTE_KINDS[usize::from(byte)] != DELIMITER => None,
        b',' | b';' => Some((at + 1, Start::Delimiter)),
        _ => Some((at + 1, Start::Line)),
    });
    for (at, start) in std::iter::once((0, Start::Text)).chain(delimiters) {
        if is_edited(&text[at..], start) {
            edited.push_str(&text[copied..at]);
            copied = at;
            match edit {
                Edit::Insert => edited.push(PREFIX),
                Edit::Remove => copied += PREFIX.len_utf8(),
            }
        }
    }
    if edited.is_empty() && copied == 0 {
        return Cow::Borrowed(text);
    }
    edited.push_str(&text[copied..]);
    Cow::Owned(edited)
}

/// Whether a cell that starts here needs a [`PREFIX`]: a reader would run it as a formula, or it has a
/// prefix that another program could have written. If a text needs one, it also needs one with an
/// apostrophe in front of it; more apostrophes make no difference. So [`unprotect`] is exact.
#[inline]
fn runs(rest: &str, start: Start) -> bool {
    let first = rest.bytes().next();
    if first.is_none_or(|it| it == b' ' || it.is_ascii_alphanumeric()) {
        return false;
    }
    starts_a_formula(rest, start)
}

/// [`runs`] for a text of any kind.
fn starts_a_formula(rest: &str, start: Start) -> bool {
    // Inside a text, a quote may become the start of a quoted cell of another reader.
    let is_skipped = |c: char| c == PREFIX || (c == '"' && start != Start::Text) || is_dropped(c);
    let cell = rest.trim_start_matches(is_skipped);
    match cell.chars().next().map(narrow) {
        Some('=' | '@') => true,
        Some('+' | '-') => start != Start::Text || rest.starts_with(PREFIX) || !is_plain(cell),
        Some('\t' | '\r') => start != Start::Line,
        _ => start == Start::Text && rest.starts_with(PREFIX) && is_long_number(cell),
    }
}

/// Whether a text has only digits, and so many that programs put an apostrophe before them to keep
/// their zeros. In contrast to that, `'90` is a year.
fn is_long_number(text: &str) -> bool {
    text.len() >= MIN_PHONE_DIGITS && text.bytes().all(|it| it.is_ascii_digit())
}

/// Whether a reader may drop a character at the start of a cell: it shows nothing, and is not the
/// space, a tab or a line break.
fn is_dropped(c: char) -> bool {
    match c {
        ' ' | '\t' | '\n' | '\r' => false,
        // Unicode reserves these two for programs.
        '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_whitespace() || is_invisible(other),
    }
}

/// The ASCII form of a full-width character; any other character unchanged.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// Whether a text is a number, a phone number, or a list of phone numbers. Such a text contains no
/// apostrophe, and no place where a reader could find a formula, so it is the same before and after
/// [`protect`].
fn is_plain(text: &str) -> bool {
    let text: Cow<'_, str> = match text.is_ascii() {
        true => text.into(),
        false => text.chars().map(narrow).collect(),
    };
    is_signed_number(&text) || text.split(LIST_SEPARATOR).all(is_phone)
}

/// Whether a text is a number with an optional sign, thousands separators and decimals, such as
/// `-5`, `+1.5` or `-1,234.50`.
fn is_signed_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned
        .split(['.', ','])
        .all(|group| !group.is_empty() && group.bytes().all(|it| it.is_ascii_digit()))
}

/// Whether a text is a phone number, such as `+62 (812) 345-678`, `0012`, `+1-926-660-5609x5136`,
/// `+62 21 345678 ext. 12` or `+62 812345678 (WA)`.
fn is_phone(text: &str) -> bool {
    let (rest, fewest) = text.strip_prefix('+').map_or((text, 1), |it| (it, MIN_PHONE_DIGITS));
    let is_number = |c: char| c.is_ascii_digit() || is_phone_separator(c);
    let (number, remark) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    // A spreadsheet calculates `-(5)`, and no number is dialed with a dash in front.
    let starts_like_one =
        number.starts_with(|c: char| c.is_ascii_digit() || " \u{a0}(".contains(c));
    starts_like_one
        && (fewest..=MAX_PHONE_DIGITS).contains(&digits)
        && remark.len() <= MAX_REMARK_BYTES
        && is_remark(without_extension(remark))
}

fn is_phone_separator(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '-' | '\u{2010}'..='\u{2015}' | '.' | '(' | ')' | '/')
}

/// Removes an extension such as `x12`, `ext. 12` or `#12` from the start of a remark.
fn without_extension(remark: &str) -> &str {
    let starts_with =
        |word: &str| remark.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let Some(word) = EXTENSION_WORDS.into_iter().find(|word| starts_with(word)) else {
        return remark;
    };
    let rest = remark[word.len()..].trim_start_matches(['.', ':', ' ']);
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if (1..=7).contains(&(rest.len() - after.len())) { after } else { remark }
}

/// Whether a text after a phone number can only be a remark, such as `(WA)`, `[24h]` or `kantor`:
/// words and numbers. It is neither a cell such as `A1` or `R[1]C`, nor a number such as `1E5`, nor
/// the call of a function, because no digit and no bracket follows a letter.
fn is_remark(text: &str) -> bool {
    let mut before = ' ';
    let mut word_before = false;
    text.chars().all(|c| {
        let is_allowed = match c {
            '(' | '[' => !word_before,
            ' ' | ')' | ']' | '.' | '/' | '-' => true,
            digit if digit.is_ascii_digit() => !before.is_alphabetic(),
            other => other.is_alphabetic(),
        };
        before = c;
        if c != ' ' {
            word_before = c.is_alphabetic();
        }
        is_allowed
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    #[test]
    fn a_formula_is_prefixed_at_every_place_where_a_reader_could_start_a_cell() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("-1e5x", "'-1e5x"),
            ("+", "'+"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\n=1", "\n'=1"),
            ("\r\n=1", "'\r\n'=1"),
            ("x;=1+1;y", "x;'=1+1;y"),
            ("x,@a\t+1\n-1\r\n=2", "x,'@a\t'+1\n'-1\r\n'=2"),
            ("a;+62812345678", "a;'+62812345678"),
            ("a,\tb;\rc", "a,'\tb;'\rc"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("\0=1", "'=1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("\u{200b}\u{a0}@a", "'\u{200b}\u{a0}@a"),
            ("＝1;＠a", "'＝1;'＠a"),
            ("＋A1", "'＋A1"),
            ("－A1", "'－A1"),
            ("'=1", "''=1"),
            ("a;''=1", "a;'''=1"),
            ("+1-926-660-5609xA1", "'+1-926-660-5609xA1"),
            ("+1(A1)", "'+1(A1)"),
            ("-(5)", "'-(5)"),
            ("-(5) kantor", "'-(5) kantor"),
            ("+-62812345678", "'+-62812345678"),
            ("+62812345678=1", "'+62812345678=1"),
            ("+62812345678; =1", "'+62812345678; =1"),
            ("+62812345678; A1", "'+62812345678; A1"),
            ("+62812345678;0812", "'+62812345678;0812"),
            ("+62812345678 A1", "'+62812345678 A1"),
            ("+62812345678 HYPERLINK(A)", "'+62812345678 HYPERLINK(A)"),
            ("+62812345678 N (A)", "'+62812345678 N (A)"),
            ("+62812345678 x12 A1", "'+62812345678 x12 A1"),
            ("+62812345678 1E5", "'+62812345678 1E5"),
            ("+62812345678 R[1]C[1]", "'+62812345678 R[1]C[1]"),
            ("+62812345678 24h(A)", "'+62812345678 24h(A)"),
            ("+62812345678 Table [A]", "'+62812345678 Table [A]"),
            ("+62812345678 [A]!B", "'+62812345678 [A]!B"),
            // Another program's prefix.
            ("'62812", "''62812"),
            ("'+62812345678", "''+62812345678"),
            ("''-5", "'''-5"),
            ("'\u{200b}+62812345678", "''\u{200b}+62812345678"),
            ("-5\n=1", "'-5\n'=1"),
        ] {
            assert_eq!(protect(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_harmless_text_is_unchanged() {
        for text in [
            "",
            "Sari",
            "Jakarta, -5 or +7; =hello @home",
            "a\r\n\r\nb\n\tc",
            "\"=1",
            "'90s Kids",
            "'2024",
            "'62812 kantor",
            "62812'",
            "-5",
            "+1.5",
            "-1,234.50",
            "+62812345678",
            "+62 (812) 345-678",
            "+62 812‑345‑678",
            "＋６２８１２３４５６７８",
            "+1-926-660-5609x5136",
            "+62 21 345678 ext. 12",
            "+62 21 345678 ext12",
            "+62 21 345678 #12",
            "+62 21 345678 pes. 12 (kantor)",
            "+62 812 345678 (WA)",
            "+62812345678 WA",
            "+62812345678 (kantor lt. 2) (pagi)",
            "+62812345678 (WA 24h)",
            "+62812345678 [WA]",
            "+62812345678 (24 jam) [2nd]",
            "+62 812-345; 0812 345; 0012; +1-926-660-5609x5136; +62812345 (WA)",
            "0012",
            " =1",
            "a=1",
        ] {
            assert_eq!(protect(text), text);
        }
    }

    #[test]
    fn the_prefix_of_another_program_before_a_number_is_removed() {
        for (text, expected) in [
            ("'+380991234567", "+380991234567"),
            ("'+62 (812) 345-678", "+62 (812) 345-678"),
            ("'-5", "-5"),
            ("'00123", "00123"),
            ("''00123", "'00123"),
            ("'=1", "=1"),
            ("'90s Kids", "'90s Kids"),
            ("'s-Hertogenbosch", "'s-Hertogenbosch"),
            ("a;'00123", "a;'00123"),
        ] {
            assert_eq!(unprotect(text), expected, "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_removed_and_line_breaks_and_tabs_stay() {
        assert_eq!(protect("a\0\u{1b}b\u{7f}c\u{85}d\te\r\nf"), "abcd\te\r\nf");
    }

    /// Texts of the characters that matter to a reader, and texts of any characters.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = vec![
            "=",
            "+",
            "-",
            "@",
            "＝",
            "＋",
            "－",
            "＠",
            "'",
            "\"",
            ",",
            ";",
            "\t",
            "\n",
            "\r",
            " ",
            "\0",
            "\u{feff}",
            "\u{200b}",
            "\u{a0}",
            "+62812345678",
            " ext. 12",
            " (WA)",
            "; ",
            "1",
            "A",
            "é",
            "1,234.5",
            "x5",
            "'+62812345678",
            "'00123",
            " (24h)",
            "[",
            "]",
        ];
        prop_oneof![vec(select(pieces), 0..12).prop_map(|pieces| pieces.concat()), "(?s).{0,40}",]
    }

    fn without_controls(text: &str) -> String {
        text.chars().filter(|c| !c.is_control() || "\t\n\r".contains(*c)).collect()
    }

    /// What a careless reader makes of a cell: nothing that cannot be seen in front of it.
    fn as_read(cell: &str) -> &str {
        cell.trim_start_matches(['\u{feff}', '\u{200b}', '\u{a0}', '\n'])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn unprotect_returns_the_protected_text(text in texts()) {
            let protected = protect(&text);
            prop_assert_eq!(unprotect(&protected), without_controls(&text));
        }

        #[test]
        fn a_protected_text_is_protected_again_without_loss(text in texts()) {
            let once = protect(&text).into_owned();
            let twice = protect(&once);
            prop_assert_eq!(unprotect(&twice), once.as_str());
        }

        #[test]
        fn no_reader_finds_a_formula_in_a_protected_text(text in texts()) {
            let protected = protect(&text);
            let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
            let whole = as_read(&protected);
            prop_assert!(!whole.starts_with(formula) || is_plain(whole));
            prop_assert!(!protected.starts_with(['\t', '\r']));
            for delimiter in [",", ";", "\t", "\r\n", ",;", ",;\t", ";\r\n", ",;\t\r\n"] {
                for cell in protected.split(|c| delimiter.contains(c)).skip(1) {
                    prop_assert!(!as_read(cell.trim_start_matches('"')).starts_with(formula), "{cell:?} would run");
                }
            }
        }
    }
}
