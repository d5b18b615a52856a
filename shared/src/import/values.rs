//! Splits the text of a cell into several values.

use std::borrow::Cow;

use crate::{cell_text::split_list, invisible::trim};

/// The separator between the values of a cell in the files of Google Contacts.
const GOOGLE_SEPARATOR: &str = " ::: ";

/// The minimum number of digits of a phone number after a comma. A comma before fewer digits is a
/// pause before an extension.
const MIN_PHONE_DIGITS: usize = 5;

/// The email addresses of a cell. An address contains no separator, so that every separator ends an
/// address; white space only if each part is an address.
pub(super) fn addresses(text: &str) -> Vec<String> {
    let parts = split(text, |c| matches!(c, ',' | ';' | '|' | '\n' | '\r'));
    let each_is_address = |part: &str| {
        let words: Vec<_> = part.split_whitespace().collect();
        words.len() > 1 && words.iter().all(|word| word.contains('@'))
    };
    let parts = parts.iter().flat_map(|part| match each_is_address(part) {
        true => part.split_whitespace().map(str::to_owned).collect(),
        false => vec![part.clone()],
    });
    parts.map(|part| part.trim_matches('"').to_owned()).collect()
}

/// The phone numbers of a cell. A comma separates numbers only if each of them could be a phone
/// number.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let digits = |part: &str| part.chars().filter(|c| c.is_numeric()).count();
    let listed: Vec<Cow<'_, str>> = if text.contains(GOOGLE_SEPARATOR) {
        text.split(GOOGLE_SEPARATOR).map(Cow::Borrowed).collect()
    } else {
        split_list(text)
    };
    let mut numbers = Vec::new();
    for value in listed {
        for line in value.split(['\n', '\r', '|']).map(trim).filter(|line| !line.is_empty()) {
            let parts: Vec<_> = line.split(',').map(trim).collect();
            if parts.iter().all(|part| digits(part) >= MIN_PHONE_DIGITS) {
                numbers.extend(parts.into_iter().map(str::to_owned));
            } else {
                numbers.push(line.to_owned());
            }
        }
    }
    numbers
}

/// The tags of a cell. Mailchimp writes each tag in quotes. A cell with a semicolon is separated by
/// semicolons only, otherwise commas separate tags.
pub(super) fn tags(text: &str) -> Vec<String> {
    let values: Vec<String> = if text.contains(GOOGLE_SEPARATOR) {
        split(text, |_| false)
    } else if text.starts_with('"') {
        quoted_list(text)
    } else if text.contains(';') {
        split_list(text).into_iter().map(Cow::into_owned).collect()
    } else {
        split(text, |c| matches!(c, ',' | '\n' | '\r'))
    };
    values.into_iter().map(|value| trim(&value).to_owned()).filter(|it| !it.is_empty()).collect()
}

/// Whether a spreadsheet replaced digits of the number by an exponent, as in `6.28123E+11`.
pub(super) fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let Some(exponent) = exponent.strip_prefix('+') else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    whole.len() == 1 && is_number(whole) && is_number(fraction) && is_number(exponent)
}

fn split(text: &str, is_separator: fn(char) -> bool) -> Vec<String> {
    let parts = text.split(GOOGLE_SEPARATOR).flat_map(|part| part.split(is_separator));
    parts.map(trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Splits a list whose values are in quotes, separated by commas or semicolons.
fn quoted_list(text: &str) -> Vec<String> {
    let (mut values, mut value, mut in_quotes) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if in_quotes && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' => in_quotes = !in_quotes,
            ',' | ';' if !in_quotes => values.push(std::mem::take(&mut value)),
            c => value.push(c),
        }
    }
    values.push(value);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_in_a_cell_become_several() {
        for text in [
            "a@b.id; c@d.id",
            "a@b.id,c@d.id",
            "a@b.id ::: c@d.id",
            "a@b.id\nc@d.id",
            "a@b.id c@d.id",
        ] {
            assert_eq!(addresses(text), ["a@b.id", "c@d.id"], "{text}");
        }
        assert_eq!(addresses("Ann <a@b.id>"), ["Ann <a@b.id>"], "left to the check of addresses");
    }

    #[test]
    fn several_numbers_in_a_cell_become_several_and_a_pause_does_not() {
        let two = ["0812 345", "021 5551"];
        for text in [
            "0812 345; 021 5551",
            "0812 345 ::: 021 5551",
            "0812 345, 021 5551",
            "0812 345\n021 5551",
        ] {
            assert_eq!(numbers(text), two, "{text}");
        }
        for text in ["+62215551,,12", "021/555/6", "+62 21 555 (WA)"] {
            assert_eq!(numbers(text), [text]);
        }
        assert_eq!(numbers("\"1; 2\"; 3"), ["1; 2", "3"]);
    }

    #[test]
    fn tags_are_split_as_each_program_writes_them() {
        let two = ["VIP", "News letter"];
        for text in [
            "\"VIP\",\"News letter\"",
            "VIP, News letter",
            "VIP; News letter",
            "VIP;News letter",
            "VIP ::: News letter",
        ] {
            assert_eq!(tags(text), two, "{text}");
        }
        assert_eq!(tags("\"a, b\",\"say \"\"hi\"\"\""), ["a, b", "say \"hi\""]);
        assert_eq!(tags("a, b; c"), ["a, b", "c"]);
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
}
