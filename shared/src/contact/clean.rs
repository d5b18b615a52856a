//! The stored form of the texts that clients send (SPEC §2).

use unicode_normalization::UnicodeNormalization;

use crate::invisible::{is_invisible, trim};

/// Returns the stored form of a text: in the normal form NFC, and without white space and invisible
/// characters at both ends. A text without a visible character becomes empty.
#[must_use]
pub fn clean(text: &str) -> String {
    let text: String = text.nfc().collect();
    trim(&text).to_owned()
}

/// Returns the form of an email address by which addresses are compared and found: two addresses that
/// differ only in case or in their normal form are the same address.
#[must_use]
pub fn folded_email(email: &str) -> String {
    // "Σ" has two lower-case forms.
    let one_sigma = |c: char| if c == 'ς' { 'σ' } else { c };
    let lower: String = email.nfc().flat_map(char::to_lowercase).map(one_sigma).collect();
    lower.nfc().collect()
}

/// Whether the text can be an email address: one `@` with text on both sides, and no white space,
/// invisible character, comma, semicolon, angle bracket or double quote.
pub(super) fn is_email(text: &str) -> bool {
    let is_refused =
        |c: char| c.is_whitespace() || is_invisible(c) || matches!(c, ',' | ';' | '<' | '>' | '"');
    let mut parts = text.split('@');
    let has_parts = parts.next().is_some_and(|local| !local.is_empty())
        && parts.next().is_some_and(|domain| !domain.is_empty())
        && parts.next().is_none();
    has_parts && !text.chars().any(is_refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVISIBLE: [char; 12] = [
        '\u{200B}', '\u{FEFF}', '\u{200D}', '\u{2060}', '\u{200F}', '\u{202E}', '\u{2066}',
        '\u{AD}', '\u{0}', '\u{7F}', '\u{3164}', '\u{61C}',
    ];

    #[test]
    fn invisible_characters_are_removed_at_the_ends_only() {
        for c in INVISIBLE {
            assert_eq!(clean(&format!("{c} a{c}b \u{A0}{c}")), format!("a{c}b"), "{c:?}");
            assert_eq!(clean(&format!(" {c}{c}\t")), "", "{c:?}");
            assert!(!is_email(&format!("a{c}b@x.example")), "{c:?}");
        }
        assert_eq!(clean("\u{FE0F}"), "");
    }

    #[test]
    fn a_stored_text_is_in_nfc_and_emails_are_compared_without_case_and_form() {
        assert_eq!(clean("Zoe\u{308}"), "Zo\u{EB}");
        assert_eq!(folded_email("ZOE\u{308}@Shop.example"), folded_email("zo\u{EB}@shop.EXAMPLE"));
    }

    #[test]
    fn an_email_address_has_one_at_sign_and_no_separator() {
        for valid in ["a@b", "o'brien+x@shop.example", "zo\u{EB}@shop.example", "佐藤@例.jp"] {
            assert!(is_email(valid), "{valid}");
        }
        let invalid = [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a@x;b@y",
            "a,b@x",
            "a b@x",
            "<a@b>",
            "\"a\"@b",
            "a@b\u{2003}c",
        ];
        for text in invalid {
            assert!(!is_email(text), "{text}");
        }
    }
}
