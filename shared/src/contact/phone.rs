//! Phone numbers: stored as given, looked up by their digits.

use phonenumber::{Mode, country};

/// The country of numbers that do not name one.
const HOME: country::Id = country::ID;

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
}
