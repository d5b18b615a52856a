//! Phone numbers. They are stored in the format that the client sent, and are looked up by their
//! digits.

use std::borrow::Cow;

use dec_from_char::DecimalExtended;
use phonenumber::{Mode, country, metadata::DATABASE};
use unicode_normalization::UnicodeNormalization;

/// The country that is assumed for numbers without a country code: Indonesia.
const HOME: country::Id = country::ID;
/// The country code of [`HOME`].
const HOME_CODE: &str = "62";

/// The forms of a number that look-ups and searches use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digits {
    /// The digits with the country code if the number is valid, otherwise the digits as the client
    /// sent them, without `00` at their start.
    pub international: String,
    /// The digits without the country code and without zeros at their start.
    pub national: String,
}

/// Returns the digits of a phone number in any format; `None` if the text has no digits, or only
/// zeros.
#[must_use]
pub fn digits(text: &str) -> Option<Digits> {
    let text = in_ascii(text);
    let abroad = with_plus(&text);
    // A number that is not valid in either form keeps the digits that follow `00`.
    let number = [abroad.as_deref(), Some(&text)].into_iter().flatten().find_map(|text| {
        phonenumber::parse(Some(HOME), text).ok().filter(phonenumber::PhoneNumber::is_valid)
    });
    if let Some(number) = number {
        let international = ascii_digits(&number.format().mode(Mode::E164).to_string());
        let code = number.code().value().to_string();
        let national = international.strip_prefix(&code).unwrap_or(&international).to_owned();
        return Some(Digits { international, national });
    }
    // An extension, which follows an `x`, is not part of the number.
    let text = abroad.as_deref().unwrap_or(&text);
    let international = ascii_digits(text.split(['x', 'X']).next().unwrap_or(text));
    let national = international.trim_start_matches('0').to_owned();
    (!national.is_empty()).then_some(Digits { international, national })
}

/// Replaces the digits of every script, and the full-width forms of other characters, by those of
/// ASCII.
fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().map(|c| c.normalize_decimal().unwrap_or(c)).collect())
}

fn ascii_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Writes a number whose digits start with `00` with `+` instead; `None` for other numbers.
fn with_plus(text: &str) -> Option<String> {
    let mut digits = text.char_indices().filter(|(_, c)| c.is_ascii_digit());
    let (first, second) = (digits.next()?, digits.next()?);
    let is_abroad = first.1 == '0' && second.1 == '0' && !text[..first.0].contains('+');
    is_abroad.then(|| format!("+{}", text[second.0 + 1..].trim_start_matches([' ', ')', '-', '.'])))
}

/// One interpretation of a phone number, or of its first digits, that a user typed. A phone number
/// matches it or does not match it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TypedNumber {
    /// The digits without the country code and without zeros at their start.
    pub(super) national: String,
    /// The digits with the country code; empty if the typed text contains no country code.
    international: String,
}

impl TypedNumber {
    /// Whether a phone number starts with the typed digits.
    pub(super) fn starts(&self, phone: &Digits) -> bool {
        let international = phone.international.trim_start_matches('0');
        phone.national.starts_with(&self.national) && international.starts_with(&self.international)
    }

    /// Whether the typed digits are the whole phone number.
    pub(super) fn is_whole(&self, phone: &Digits) -> bool {
        let international = phone.international.trim_start_matches('0');
        phone.national == self.national
            && (self.international.is_empty() || international == self.international)
    }
}

/// Returns the possible interpretations of a phone number in any format that a user typed; empty if
/// the text has no digits, or only zeros. A phone number is the typed one if any of them is the
/// whole number. So a look-up finds a number by every notation by which a search finds it.
pub(super) fn typed_numbers(text: &str) -> Vec<TypedNumber> {
    let mut ways = phone_prefixes(text);
    // A text with an extension or a remark is a phone number, but not the beginning of one.
    if let Some(whole) = digits(text).filter(|_| ways.is_empty()) {
        ways.push(TypedNumber { national: whole.national, international: String::new() });
    }
    ways
}

/// Returns the possible interpretations of the first digits of a phone number that a user typed;
/// empty if the text is not a number. A phone number matches if it matches any of them.
///
/// Digits after `+` or `00` start with a country code. Digits after a single `0` are a national
/// number. Digits without such a prefix are either a national number or a number with the country
/// code of the home country. A typed country code can also be part of the stored national number,
/// because a number that is not valid is stored as the client sent it.
pub(super) fn phone_prefixes(text: &str) -> Vec<TypedNumber> {
    let is_number = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    let text = in_ascii(text);
    let typed = ascii_digits(&text);
    let all = typed.trim_start_matches('0');
    if all.is_empty() || !text.chars().all(is_number) {
        return Vec::new();
    }
    let abroad = text.trim_start().starts_with('+') || typed.starts_with("00");
    let may_hold_code = abroad || !typed.starts_with('0');
    let code = country_code(all).filter(|code| abroad || *code == HOME_CODE);
    let number = |national: &str, international: &str| TypedNumber {
        national: national.to_owned(),
        international: international.to_owned(),
    };
    let mut ways = vec![number(all, if abroad { all } else { "" })];
    if let Some(code) = code.filter(|_| may_hold_code) {
        ways.push(number(&all[code.len()..], all));
    }
    // A complete number can contain digits that are not part of it, such as in "+44 (0)20".
    if let Some(whole) = digits(&text) {
        ways.push(number(&whole.national, whole.international.trim_start_matches('0')));
    }
    ways.retain(|way| !way.national.is_empty());
    ways
}

/// Returns the country code at the start of these digits; `None` if they start with no country
/// code. No country code is a prefix of another one, so the result is unique.
fn country_code(digits: &str) -> Option<&str> {
    let is_code =
        |code: &&str| code.parse::<u16>().is_ok_and(|code| DATABASE.by_code(&code).is_some());
    (1..=3).filter_map(|length| digits.get(..length)).find(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_of_a_number_have_the_same_digits() {
        let wanted =
            Digits { international: "6281234567890".into(), national: "81234567890".into() };
        for written in [
            "+62 812-3456-7890",
            "0812 3456 7890",
            "+6281234567890",
            "(0812) 34567890",
            "006281234567890",
            "00 62 812 3456 7890",
            "(00)62-812-3456-7890",
            "＋６２ ８１２－３４５６－７８９０",
            "٠٨١٢ ٣٤٥٦ ٧٨٩٠",
            "+६२ ८१२ ३४५६ ७८९०",
            "๐๘๑๒๓๔๕๖๗๘๙๐",
        ] {
            assert_eq!(digits(written), Some(wanted.clone()), "{written}");
        }
    }

    #[test]
    fn an_impossible_number_keeps_its_digits() {
        let found = digits("422.218.3406x77").map(|digits| digits.national);
        assert_eq!(found.as_deref(), Some("4222183406"));
        assert_eq!(digits("n/a"), None);
        assert_eq!(digits(""), None);
    }

    /// Whether a user who types `text` finds the phone number.
    fn found(text: &str, phone: &str) -> bool {
        let phone = digits(phone).unwrap();
        phone_prefixes(text).iter().any(|way| way.starts(&phone))
    }

    #[test]
    fn the_beginning_of_a_number_matches_in_every_format() {
        let mobile = "+62 812-3456-7890";
        for typed in ["812", "0812", "08123", "+62 81", "+62812 345", "62812", "0062 812", mobile] {
            assert!(found(typed, mobile), "{typed}");
            assert!(found(typed, "0812 3456 7890"), "{typed}");
        }
        for typed in ["813", "0062813", "+61 812", "0628", "3456", "n/a", "", "0", "812x"] {
            assert!(!found(typed, mobile), "{typed}");
        }
    }

    /// Whether a look-up by `text` finds the phone number.
    fn looked_up(text: &str, phone: &str) -> bool {
        let phone = digits(phone).unwrap();
        typed_numbers(text).iter().any(|way| way.is_whole(&phone))
    }

    #[test]
    fn a_look_up_finds_a_number_by_every_notation_and_never_by_its_beginning() {
        let notations = [
            "+62 812-7777-0001",
            "006281277770001",
            "6281277770001",
            "081277770001",
            "81277770001",
            "٠٠٦٢٨١٢٧٧٧٧٠٠٠١",
            "+62 812-7777-0001 ext. 5",
        ];
        for stored in notations {
            for typed in notations {
                assert!(looked_up(typed, stored), "{typed} {stored}");
            }
            for typed in ["8127777000", "+62812777700012", "+61 812-7777-0001", "00818127777"] {
                assert!(!looked_up(typed, stored), "{typed} {stored}");
            }
        }
        for typed in ["+33 1 42 68 53 00", "0033142685300", "0142685300", "142685300"] {
            assert!(looked_up(typed, "+33 1 42 68 53 00"), "{typed}");
            assert!(looked_up(typed, "0033 1 42 68 53 00"), "{typed}");
        }
        // A number that no plan knows is found as it was given.
        assert!(looked_up("0099912345", "+999 12345") && looked_up("+99912345", "00 999 12345"));
        assert!(looked_up("422.218.3406", "422.218.3406x77"));
    }

    #[test]
    fn a_foreign_number_matches_with_its_country_code_and_an_impossible_number_as_it_was_given() {
        assert!(found("+33 1 42", "+33 1 42 68 53 00"));
        assert!(found("142 68", "+33 1 42 68 53 00"));
        assert!(!found("+34 142", "+33 1 42 68 53 00"));
        assert!(found("+44 (0)20 7946 0958", "+44 20 7946 0958"));
        assert!(found("+33 1 00", "+33 1 00 00 01 10"));
        assert!(found("422218", "422.218.3406x77"));
        // A national number with the same beginning as the home country's code.
        assert!(found("0622", "0622 123456") && !found("+62 622", "0811 622 622"));
    }
}
