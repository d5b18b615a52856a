//! What spreadsheets and other programs make of the texts of cells.

use std::borrow::Cow;

use super::unprotect;
use crate::invisible::trim;

/// The text that a cell of an imported file means: without white space around it, without the
/// apostrophe of [`protect`](super::protect) and of other programs, and without the formula `="00123"`
/// that keeps a spreadsheet from reading a text as a number. An export never writes such a formula,
/// because it puts an apostrophe before it.
#[must_use]
pub fn read_cell(cell: &str) -> Cow<'_, str> {
    let text = trim(cell);
    match unprotect(text) {
        Cow::Borrowed(text) => trimmed(text_of_formula(text).unwrap_or(Cow::Borrowed(text))),
        Cow::Owned(text) => trimmed(Cow::Owned(text)),
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
    }
}

/// The text of a formula that is only a text in quotes.
fn text_of_formula(text: &str) -> Option<Cow<'_, str>> {
    let quoted = text.strip_prefix("=\"")?.strip_suffix('"')?;
    if !quoted.contains('"') {
        return Some(Cow::Borrowed(quoted));
    }
    let is_one_text = !quoted.replace("\"\"", "").contains('"');
    is_one_text.then(|| Cow::Owned(quoted.replace("\"\"", "\"")))
}

/// Whether a spreadsheet replaced digits of the number by an exponent, as in `6.28123E+11`.
#[must_use]
pub fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let Some(exponent) = exponent.strip_prefix('+') else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    whole.len() == 1 && is_number(whole) && is_number(fraction) && is_number(exponent)
}

/// The text of a whole number that a program wrote with a decimal, as in `628123456789.0`, which is
/// what a column of numbers with gaps becomes; other texts are unchanged. It has at least six digits
/// and no zero at its start.
#[must_use]
pub fn without_decimal(text: &str) -> &str {
    let is_whole = |digits: &&str| {
        digits.len() > 5 && !digits.starts_with('0') && digits.bytes().all(|it| it.is_ascii_digit())
    };
    text.strip_suffix(".0").filter(is_whole).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_that_is_only_a_text_is_that_text() {
        for (cell, text) in [
            ("=\"00123\"", "00123"),
            (" =\" 0812 \" ", "0812"),
            ("=\"\"", ""),
            ("=\"say \"\"hi\"\"\"", "say \"hi\""),
            ("=\"", "=\""),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("=1+1", "=1+1"),
            // What an export writes for the formula itself.
            ("'=\"00123\"", "=\"00123\""),
            ("'+62812345678", "+62812345678"),
            (" Ann ", "Ann"),
        ] {
            assert_eq!(read_cell(cell), text, "{cell}");
        }
    }

    #[test]
    fn a_number_with_an_exponent_was_rounded() {
        for text in ["6.28123E+11", "6,28123E+11", "1E+05", "6e+9"] {
            assert!(is_rounded(text), "{text}");
        }
        for text in ["628123", "E+11", "12E+11", "1.5", "0035E+", "003E5"] {
            assert!(!is_rounded(text), "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_no_decimal() {
        assert_eq!(without_decimal("628123456789.0"), "628123456789");
        for text in ["62812.0", "0812345678.0", "628123456789.00", "021.555.0", "628123456.5"] {
            assert_eq!(without_decimal(text), text);
        }
    }
}
