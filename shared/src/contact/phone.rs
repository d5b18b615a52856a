//! Phone numbers: stored as given, looked up by their digits.

use phonenumber::{Mode, country, metadata::DATABASE};

/// The country of numbers that do not name one.
const HOME: country::Id = country::ID;
/// Its code.
const HOME_CODE: &str = "62";

/// The forms of a number that it is looked up and searched by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digits {
    /// With the country's code where the number is a possible one, else the digits as given.
    pub lookup: String,
    /// Without the country's code.
    pub national: String,
}

/// The digits of a number as somebody wrote it; `None` for a text without any.
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
    // An extension is no part of the number.
    let number = text.split(['x', 'X']).next().unwrap_or(text);
    let all = plain(number);
    let national = all.trim_start_matches('0').to_owned();
    (!national.is_empty()).then_some(Digits { lookup: all, national })
}

/// What the beginning of a number, as somebody types it, asks of a phone's digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PhonePrefix {
    /// How the national number begins.
    pub(super) national: String,
    /// How the number begins with the country's code; empty where the text names no country.
    international: String,
}

impl PhonePrefix {
    /// Whether a phone begins so.
    pub(super) fn begins(&self, phone: &Digits) -> bool {
        let international = phone.lookup.trim_start_matches('0');
        phone.national.starts_with(&self.national) && international.starts_with(&self.international)
    }
}

/// The ways to read the beginning of a number, of which any may fit; none for a text that is no
/// number.
///
/// Behind `+` or `00` stands a country's code; behind a single `0` a national number; digits alone
/// may be either, as long as the code is that of the home country. A code that was typed may also
/// be part of the stored national number: one that is not possible is kept as it was given.
pub(super) fn beginnings(text: &str) -> Vec<PhonePrefix> {
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
    // A whole number may hold more than digits tell, such as "+44 (0)20".
    if let Some(whole) = digits(text) {
        ways.push(prefix(&whole.national, whole.lookup.trim_start_matches('0')));
    }
    ways.retain(|way| !way.national.is_empty());
    ways
}

/// The country's code that these digits begin with. Codes are such that there is one at most.
fn country_code(digits: &str) -> Option<&str> {
    let is_code =
        |code: &&str| code.parse::<u16>().is_ok_and(|code| DATABASE.by_code(&code).is_some());
    (1..=3).filter_map(|length| digits.get(..length)).find(is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_looked_up_the_same_however_it_is_written() {
        let wanted = Digits { lookup: "6281234567890".into(), national: "81234567890".into() };
        for written in ["+62 812-3456-7890", "0812 3456 7890", "+6281234567890", "(0812) 34567890"]
        {
            assert_eq!(digits(written), Some(wanted.clone()), "{written}");
        }
    }

    #[test]
    fn what_is_no_number_anywhere_keeps_its_digits() {
        let found = digits("422.218.3406x77").map(|digits| digits.national);
        assert_eq!(found.as_deref(), Some("4222183406"));
        assert_eq!(digits("n/a"), None);
        assert_eq!(digits(""), None);
    }

    /// Whether somebody who types `text` finds the phone.
    fn found(text: &str, phone: &str) -> bool {
        let phone = digits(phone).unwrap();
        beginnings(text).iter().any(|way| way.begins(&phone))
    }

    #[test]
    fn the_beginning_of_a_number_is_found_in_every_way_of_writing_it() {
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
    fn a_number_abroad_is_found_with_its_code_and_one_that_is_impossible_as_it_was_given() {
        assert!(found("+33 1 42", "+33 1 42 68 53 00"));
        assert!(found("142 68", "+33 1 42 68 53 00"));
        assert!(!found("+34 142", "+33 1 42 68 53 00"));
        assert!(found("+44 (0)20 7946 0958", "+44 20 7946 0958"));
        assert!(found("+33 1 00", "+33 1 00 00 01 10"));
        assert!(found("422218", "422.218.3406x77"));
        // A national number that begins like the home country's code.
        assert!(found("0622", "0622 123456") && !found("+62 622", "0811 622 622"));
    }
}
