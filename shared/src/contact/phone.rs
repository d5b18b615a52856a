//! Phone numbers. They are stored in the format that the client sent, and are looked up by their
//! digits.

use phonenumber::{Mode, country, metadata::DATABASE};

/// The country that is assumed for numbers without a country code: Indonesia.
const HOME: country::Id = country::ID;
/// The country code of [`HOME`].
const HOME_CODE: &str = "62";

/// The forms of a number that look-ups and searches use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digits {
    /// The digits with the country code if the number is valid, otherwise the digits as the client
    /// sent them.
    pub lookup: String,
    /// The digits without the country code.
    pub national: String,
}

/// Returns the digits of a phone number in any format; `None` if the text has no digits, or only
/// zeros.
#[must_use]
pub fn digits(text: &str) -> Option<Digits> {
    let plain = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    if let Ok(number) = phonenumber::parse(Some(HOME), text)
        && number.is_valid()
    {
        let lookup = plain(&number.format().mode(Mode::E164).to_string());
        let code = number.code().value().to_string();
        let national = lookup.strip_prefix(&code).unwrap_or(&lookup).to_owned();
        return Some(Digits { lookup, national });
    }
    // An extension, which follows an `x`, is not part of the number.
    let number = text.split(['x', 'X']).next().unwrap_or(text);
    let all = plain(number);
    let national = all.trim_start_matches('0').to_owned();
    (!national.is_empty()).then_some(Digits { lookup: all, national })
}

/// One interpretation of the first digits of a phone number that a user typed. A phone number
/// matches it or does not match it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PhonePrefix {
    /// The prefix that the number without its country code must have.
    pub(super) national: String,
    /// The prefix that the number with its country code must have; empty if the typed text contains
    /// no country code.
    international: String,
}

impl PhonePrefix {
    /// Whether a phone number has both prefixes.
    pub(super) fn matches(&self, phone: &Digits) -> bool {
        let international = phone.lookup.trim_start_matches('0');
        phone.national.starts_with(&self.national) && international.starts_with(&self.international)
    }
}

/// Returns the possible interpretations of the first digits of a phone number that a user typed;
/// empty if the text is not a number. A phone number matches if it matches any of them.
///
/// Digits after `+` or `00` start with a country code. Digits after a single `0` are a national
/// number. Digits without such a prefix are either a national number or a number with the country
/// code of the home country. A typed country code can also be part of the stored national number,
/// because a number that is not valid is stored as the client sent it.
pub(super) fn phone_prefixes(text: &str) -> Vec<PhonePrefix> {
    let is_number = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    let typed: String = text.chars().filter(char::is_ascii_digit).collect();
    let all = typed.trim_start_matches('0');
    if all.is_empty() || !text.chars().all(is_number) {
        return Vec::new();
    }
    let abroad = text.trim_start().starts_with('+') || typed.starts_with("00");
    let may_hold_code = abroad || !typed.starts_with('0');
    let code = country_code(all).filter(|code| abroad || *code == HOME_CODE);
    let prefix = |national: &str, international: &str| PhonePrefix {
        national: national.to_owned(),
        international: international.to_owned(),
    };
    let mut ways = vec![prefix(all, if abroad { all } else { "" })];
    if let Some(code) = code.filter(|_| may_hold_code) {
        ways.push(prefix(&all[code.len()..], all));
    }
    // A complete number can contain digits that are not part of it, such as in "+44 (0)20".
    if let Some(whole) = digits(text) {
        ways.push(prefix(&whole.national, whole.lookup.trim_start_matches('0')));
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
        let wanted = Digits { lookup: "6281234567890".into(), national: "81234567890".into() };
        for written in ["+62 812-3456-7890", "0812 3456 7890", "+6281234567890", "(0812) 34567890"]
        {
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
        phone_prefixes(text).iter().any(|way| way.matches(&phone))
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
