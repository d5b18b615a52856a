//! Characters that change the direction of text.

/// Removes bidirectional control characters (UAX #9). In a name, they change the order in which the
/// text around the name is shown, so that a name could look like other text.
#[must_use]
pub fn without_bidi_controls(text: &str) -> String {
    text.chars().filter(|c| !is_bidi_control(*c)).collect()
}

fn is_bidi_control(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_characters_that_change_the_direction_are_removed() {
        let controls = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert_eq!(without_bidi_controls(controls), "");
        for name in ["Åsa 🚀 O'Neil", "سارة", "דנה", "क्\u{200d}ष", ""] {
            assert_eq!(without_bidi_controls(name), name);
        }
        assert_eq!(without_bidi_controls("Ana\u{202e}gpj.exe"), "Anagpj.exe");
    }
}
