//! The `Content-Disposition` header, which sets the file name of a download.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters to percent-encode: all except letters, digits and the other characters that RFC
/// 5987 allows (`attr-char`).
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value of `Content-Disposition` for a download with this file name (RFC 6266). It contains
/// the name in UTF-8, and an ASCII name for clients that do not support the UTF-8 form. It is a
/// valid header value for every file name.
pub fn content_disposition(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|it| {
            let plain = matches!(it, ' '..='~') && !matches!(it, '"' | '\\' | '/' | '%');
            if plain { it } else { '_' }
        })
        .collect();
    let encoded = utf8_percent_encode(file_name, &ENCODED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_is_kept() {
        assert_eq!(
            content_disposition("Größe 1.csv"),
            "attachment; filename=\"Gr__e 1.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.csv"
        );
    }

    #[test]
    fn no_name_breaks_the_header() {
        let header = content_disposition("a\"; x=\"\r\nSet-Cookie: b\\%41/é😀");
        assert!(header.bytes().all(|it| (b' '..=b'~').contains(&it)), "{header}");
        assert_eq!(header.matches('"').count(), 2, "{header}");
    }
}
