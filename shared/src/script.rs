//! The scripts of characters, as far as searching depends on them.

/// Whether a character is Han, Kana or Hangul. One such character is as selective as several
/// letters of an alphabet, so words that begin with it are found from their first character on.
#[must_use]
pub(crate) fn is_cjk(c: char) -> bool {
    is_han(c) || is_kana(c) || is_hangul(c)
}

/// Whether a character is Han, as in Chinese names and most Japanese names.
#[must_use]
pub(crate) fn is_han(c: char) -> bool {
    matches!(
        c,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}'
    )
}

/// Whether a character is Hangul: a syllable or a letter of Korean.
#[must_use]
pub(crate) fn is_hangul(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{11FF}' | '\u{3131}'..='\u{318E}' | '\u{A960}'..='\u{A97F}'
            | '\u{AC00}'..='\u{D7FF}'
    )
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{1B000}'..='\u{1B16F}')
}
