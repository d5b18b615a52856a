//! Splits the text of a cell into several values.

use std::borrow::Cow;

use crate::{
    cell_text::{split_list, without_decimal},
    invisible::trim,
};

/// The separator between the values of a cell in the files of Google Contacts.
const GOOGLE_SEPARATOR: &str = " ::: ";

/// The minimum number of digits of a phone number after a comma. A comma before fewer digits is a
/// pause before an extension.
const MIN_PHONE_DIGITS: usize = 5;
/// The minimum number of digits of a phone number beside a slash. A slash also divides the parts of
/// one number, as in `030/1234567`.
const MIN_DIGITS_AT_SLASH: usize = 7;
/// The parameters of a phone number that follow a semicolon (RFC 3966).
const PHONE_PARAMETERS: [&str; 3] = ["ext=", "isub=", "phone-context="];

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

/// The phone numbers of a cell. A comma or a slash separates numbers only if each of them could be a
/// phone number.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let digits = |part: &&str| part.chars().filter(|c| c.is_numeric()).count();
    let listed: Vec<Cow<'_, str>> = if text.contains(GOOGLE_SEPARATOR) {
        text.split(GOOGLE_SEPARATOR).map(Cow::Borrowed).collect()
    } else {
        with_parameters(split_list(text))
    };
    let lines = listed.iter().flat_map(|value| value.split(['\n', '\r', '|']));
    let lines = lines.map(trim).filter(|line| !line.is_empty());
    let split_at = |text, separator: char, least: usize| {
        let parts: Vec<&str> = str::split(text, separator).map(trim).collect();
        if parts.iter().all(|part| digits(part) >= least) { parts } else { vec![text] }
    };
    let parts = lines.flat_map(|line| split_at(line, ',', MIN_PHONE_DIGITS));
    let numbers = parts.flat_map(|part| split_at(part, '/', MIN_DIGITS_AT_SLASH));
    numbers.map(|number| without_decimal(number).to_owned()).collect()
}

/// Joins the parameters of a phone number to the number that they were split from, as in
/// `+1-555-555-0100;ext=5555`.
fn with_parameters(values: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    let mut joined: Vec<Cow<'_, str>> = Vec::with_capacity(values.len());
    for value in values {
        match joined.last_mut() {
            Some(number) if PHONE_PARAMETERS.iter().any(|name| value.starts_with(name)) => {
                number.to_mut().push(';');
                number.to_mut().push_str(&value);
            }
            _ => joined.push(value),
        }
    }
    joined
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
        for text in [
            "+62215551,,12",
            "021/555/6",
            "030/1234567",
            "+62 21 5551234/35",
            "+62 21 555 (WA)",
            "+1-555-555-0100;ext=5555",
            "+1-555-555-0100;phone-context=+1;ext=5555",
        ] {
            assert_eq!(numbers(text), [text]);
        }
        let slash = ["0812-3456-7890", "021-555-1234"];
        assert_eq!(numbers("0812-3456-7890 / 021-555-1234"), slash);
        assert_eq!(numbers("0812-3456-7890/021-555-1234"), slash);
        assert_eq!(
            numbers("+1-555-555-0100;ext=5; 021 5551"),
            ["+1-555-555-0100;ext=5", "021 5551"]
        );
        assert_eq!(numbers("ext=5"), ["ext=5"]);
        assert_eq!(numbers("628123456789.0; 628123456780.0"), ["628123456789", "628123456780"]);
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
}
