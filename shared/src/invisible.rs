//! Characters that cannot be seen.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Whether a character cannot be seen: a control or format character, another character that Unicode
/// declares as ignorable for display, or the blank of Braille. White space is not included, except
/// tabs and line breaks, which are control characters.
#[must_use]
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c == '\u{2800}'
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::Control | GeneralCategory::Format
        )
}

/// Returns the text without white space and invisible characters at both ends.
#[must_use]
pub(crate) fn trim(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
    // A variation selector or a tag belongs to the visible character before it, as in some emoji.
    text.trim_end_matches(|c: char| c.is_whitespace() || (is_invisible(c) && !is_modifier(c)))
}

/// Whether an invisible character changes the character before it.
fn is_modifier(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_without_a_shape_are_invisible_and_letters_and_spaces_are_not() {
        for c in [
            '\u{200B}',
            '\u{200D}',
            '\u{200F}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{FEFF}',
            '\u{AD}',
            '\u{0}',
            '\u{7F}',
            '\u{85}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{3164}',
            '\u{FFA0}',
            '\u{180E}',
            '\u{2800}',
            '\u{FE0F}',
            '\u{1D173}',
            '\u{E0041}',
        ] {
            assert!(is_invisible(c), "{c:?}");
        }
        for c in ['a', ' ', '\u{A0}', '\u{3000}', 'ß', '王', '\u{301}', '⠁', '🚀'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn invisible_characters_are_trimmed_at_the_ends_only() {
        assert_eq!(trim("\u{200B} a\u{200B}b \u{A0}\u{FEFF}"), "a\u{200B}b");
        assert_eq!(trim("\u{2060} \u{FE0F}"), "");
    }

    #[test]
    fn an_emoji_keeps_the_selector_or_tags_at_its_end() {
        let england = "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}";
        for text in ["I ❤\u{FE0F}", england] {
            assert_eq!(trim(text), text);
        }
    }
}
