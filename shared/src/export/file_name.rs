//! Makes requested file names safe in object keys, headers and file systems.

use jiff::{Timestamp, tz::TimeZone};

use super::order::Format;
use crate::bidi::without_bidi_controls;

/// The maximum length of a file name without its extension, in bytes of UTF-8. Most file systems
/// allow 255 bytes, and a browser may add a number to the name.
pub(super) const MAX_STEM_BYTES: usize = 180;

/// The requested file name is too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be at most {MAX_STEM_BYTES} bytes long in UTF-8, without the extension")]
pub(super) struct TooLong;

/// The requested file name with a visible `-` for each character that a file name cannot contain,
/// and with the format's extension. If no name remains, it is `contacts-` and the current date in
/// the requester's time zone.
///
/// # Errors
/// [`TooLong`]. A name is never cut, because two exports could get the same name.
pub(super) fn safe(
    requested: &str,
    format: Format,
    time_zone: &str,
    now: Timestamp,
) -> Result<String, TooLong> {
    let extension = format.extension();
    // Characters that change the direction of text could hide the extension.
    let shown: String = without_bidi_controls(requested).chars().map(visible).collect();
    let trimmed = shown.trim_matches(|it: char| it == '.' || it.is_whitespace());
    let stem = without_extension(trimmed, extension).trim_end_matches(['.', ' ']);
    if stem.len() > MAX_STEM_BYTES {
        return Err(TooLong);
    }
    if stem.chars().all(|it| it == '-' || it == '.' || it.is_whitespace()) {
        let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
        return Ok(format!("contacts-{}.{extension}", zone.to_datetime(now).date()));
    }
    Ok(format!("{stem}.{extension}"))
}

/// The character in a file name: `-` for a path separator, a wildcard and others that a file system
/// or a link does not allow, and a space for a control character.
fn visible(it: char) -> char {
    match it {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | '#' => '-',
        it if it.is_control() => ' ',
        it => it,
    }
}

fn without_extension<'a>(name: &'a str, extension: &str) -> &'a str {
    match name.rsplit_once('.') {
        Some((stem, end)) if end.eq_ignore_ascii_case(extension) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(asked: &str) -> Result<String, TooLong> {
        safe(asked, Format::Xlsx, "Asia/Jakarta", "2026-11-21T20:00:00Z".parse().unwrap())
    }

    fn named(asked: &str) -> String {
        checked(asked).unwrap()
    }

    #[test]
    fn a_name_keeps_its_words_and_gets_one_extension() {
        assert_eq!(named("Größe Q4"), "Größe Q4.xlsx");
        assert_eq!(named("leads.XLSX"), "leads.xlsx");
        assert_eq!(named("leads.csv"), "leads.csv.xlsx");
    }

    #[test]
    fn a_change_of_a_name_is_visible() {
        assert_eq!(named("Q1/Q2 report"), "Q1-Q2 report.xlsx");
        assert_eq!(named("what? 50% <new> \"a|b\""), "what- 50- -new- -a-b-.xlsx");
        assert_eq!(named("../../etc/passwd"), "-..-etc-passwd.xlsx");
        assert_eq!(named("a\r\nb\u{202e}c\u{0}"), "a  bc.xlsx");
        assert_eq!(named(" ..hidden.. "), "hidden.xlsx");
    }

    #[test]
    fn a_name_is_never_cut() {
        for letter in ["a", "ü", "客", "😀"] {
            let longest = letter.repeat(MAX_STEM_BYTES / letter.len());
            assert_eq!(named(&longest), format!("{longest}.xlsx"));
            assert_eq!(named(&format!("{longest}.xlsx")), format!("{longest}.xlsx"));
            assert_eq!(checked(&format!("{longest}{letter}")), Err(TooLong));
        }
    }

    #[test]
    fn a_name_of_nothing_is_the_date_in_the_requesters_zone() {
        for nothing in ["", " ", "..", "///", "\u{202e}"] {
            assert_eq!(named(nothing), "contacts-2026-11-22.xlsx");
        }
    }
}
