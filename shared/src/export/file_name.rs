//! Makes requested file names safe in object keys, headers and file systems.

use jiff::{Timestamp, tz::TimeZone};

use super::order::Format;

/// The maximum length of a file name without its extension, in bytes. A segment of an object key
/// must be shorter than 255 bytes.
const MAX_STEM_BYTES: usize = 180;

/// The requested file name without its unsafe characters, with the format's extension. If no
/// characters remain, the name is `contacts-` and the current date in the requester's time zone.
pub(super) fn safe(requested: &str, format: Format, time_zone: &str, now: Timestamp) -> String {
    let extension = format.extension();
    let clean: String = requested.chars().filter(|it| !is_unsafe(*it)).collect();
    let trimmed = clean.trim_matches(|it: char| it == '.' || it.is_whitespace());
    let stem = without_extension(trimmed, extension);
    let stem = cut(stem).trim_matches(|it: char| it == '.' || it.is_whitespace());
    if stem.is_empty() {
        let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
        return format!("contacts-{}.{extension}", zone.to_datetime(now).date());
    }
    format!("{stem}.{extension}")
}

/// Whether a character is unsafe: a control character, a path separator, a wildcard, or a character
/// that changes the direction of text and could hide the extension.
fn is_unsafe(it: char) -> bool {
    it.is_control()
        || matches!(it, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | '#')
        || matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn without_extension<'a>(name: &'a str, extension: &str) -> &'a str {
    match name.rsplit_once('.') {
        Some((stem, end)) if end.eq_ignore_ascii_case(extension) => stem,
        _ => name,
    }
}

fn cut(stem: &str) -> &str {
    let mut end = stem.len().min(MAX_STEM_BYTES);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    &stem[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(asked: &str) -> String {
        safe(asked, Format::Xlsx, "Asia/Jakarta", "2026-11-21T20:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_name_keeps_its_words_and_gets_one_extension() {
        assert_eq!(named("Größe Q4"), "Größe Q4.xlsx");
        assert_eq!(named("leads.XLSX"), "leads.xlsx");
        assert_eq!(named("leads.csv"), "leads.csv.xlsx");
    }

    #[test]
    fn a_name_is_one_safe_segment_of_a_key() {
        assert_eq!(named("../../etc/passwd"), "etcpasswd.xlsx");
        assert_eq!(named("a\r\nb\u{202e}c\u{0}"), "abc.xlsx");
        assert_eq!(named(" ..hidden.. "), "hidden.xlsx");
        assert!(named(&"ü".repeat(200)).len() < 255);
    }

    #[test]
    fn a_name_of_nothing_is_the_date_in_the_requesters_zone() {
        for nothing in ["", " ", "..", "///"] {
            assert_eq!(named(nothing), "contacts-2026-11-22.xlsx");
        }
    }
}
