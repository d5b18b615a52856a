//! A cell of an exported file, and the rules that make it safe in each format (SPEC §4).

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use shared::export::field::LIST_SEPARATOR;

/// The maximum length of a spreadsheet cell, in UTF-16 units.
pub const MAX_CELL_UNITS: usize = 32_767;

/// The last character of a cell whose text was cut. It is one UTF-16 unit and counts toward the
/// limit.
pub const CUT_MARK: char = '…';

/// Numbers of this size or larger become text, because a spreadsheet would show them rounded.
const MAX_NUMBER: f64 = 1e15;

/// The length of a date without a time as text, in bytes.
const DAY_LENGTH: usize = "2026-11-21".len();

/// The number of significant digits that every `f64` and every spreadsheet keeps.
const KEPT_DIGITS: usize = 15;

/// The value of one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// An empty cell.
    Empty,
    /// Text. It stays text even if it looks like a number or a formula.
    Text(Cow<'a, str>),
    /// A number that a spreadsheet stores exactly.
    Number(Number<'a>),
    /// A date and time in the requester's time zone, in whole seconds.
    Date(DateTime),
    /// A date without a time. It is the same in every time zone.
    Day(Date),
    /// A boolean.
    Boolean(bool),
}

/// A decimal number as text, together with the `f64` that is equal to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Number<'a> {
    text: Cow<'a, str>,
    value: f64,
}

impl<'a> Cell<'a> {
    /// Creates a text cell, or an empty cell if the text is empty.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// Creates a number cell from a number in JSON notation. Creates a text cell instead if the
    /// text is not a number, or if a spreadsheet would change the number because it has too many
    /// digits or is 10¹⁵ or larger.
    pub fn number(text: impl Into<Cow<'a, str>>) -> Self {
        match Number::parse(text.into()) {
            Ok(number) => Self::Number(number),
            Err(text) => Self::text(text),
        }
    }

    /// Creates a cell with a date and time in the requester's time zone. Fractions of a second are
    /// dropped in both formats.
    pub fn date(at: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(at);
        Self::Date(local.with().subsec_nanosecond(0).build().unwrap_or(local))
    }

    /// Creates a cell from the value of a custom date field. The value is a date (`2026-11-21`), or
    /// a date and time (RFC 3339), which is converted to the requester's time zone. Any other value
    /// becomes text.
    pub fn day_or_datetime(text: &'a str, zone: &TimeZone) -> Self {
        // The length is checked because a date with a time can also be parsed as a date.
        if let Some(day) = text.parse().ok().filter(|_| text.len() == DAY_LENGTH) {
            return Self::Day(day);
        }
        text.parse().map_or_else(|_| Self::text(text), |at| Self::date(at, zone))
    }

    /// The cell as text for a CSV file. Dates are in the requester's time zone and have the form
    /// `2026-11-21 15:16:50`, which spreadsheets recognize. A `'` is put before a text that a
    /// spreadsheet would run as a formula.
    pub fn csv_text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) if runs_as_formula(text) => Cow::Owned(format!("'{text}")),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Borrowed(number.text()),
            Self::Date(date) => Cow::Owned(date_text(*date)),
            Self::Day(day) => Cow::Owned(day.to_string()),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
        }
    }
}

impl<'a> Number<'a> {
    /// The number as text, as it is stored in the contact.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The `f64` that is equal to the number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Parses a number. If a spreadsheet could not store and show it exactly, returns the text as
    /// the error.
    fn parse(text: Cow<'a, str>) -> Result<Self, Cow<'a, str>> {
        let Some(decimal) = Decimal::parse(&text) else { return Err(text) };
        let Ok(value) = text.parse::<f64>() else { return Err(text) };
        let in_range = decimal.digits.is_empty() || (1e-300..MAX_NUMBER).contains(&value.abs());
        let exact = decimal.digits.len() <= KEPT_DIGITS
            || Decimal::parse(&format!("{value:e}")).is_some_and(|shortest| shortest == decimal);
        if in_range && exact { Ok(Self { text, value }) } else { Err(text) }
    }
}

/// A decimal number in normal form: its digits without zeros at either end, and the power of ten of
/// its first digit. Two texts are the same number if and only if their normal forms are equal.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    /// Parses a number in JSON notation. A text with leading zeros, such as `0012`, is not a
    /// number, so that it stays text.
    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit());
        if whole.is_empty() || !all_digits || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let written = format!("{whole}{fraction}");
        let significant = written.trim_start_matches('0');
        let leading_zeros = i64::try_from(written.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        let power = i64::try_from(whole.len()).ok()? - 1 - leading_zeros + i64::from(exponent);
        Some(Self { negative, power: if digits.is_empty() { 0 } else { power }, digits })
    }
}

/// Formats a date and time as text, such as `2026-11-21 15:16:50`.
pub(crate) fn date_text(date: DateTime) -> String {
    date.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Converts a text to one that a spreadsheet cell can hold, and returns whether it was cut.
/// Characters that XML cannot represent are removed. A text longer than [`MAX_CELL_UNITS`] is cut
/// and ends with [`CUT_MARK`].
pub(crate) fn spreadsheet_text(text: &str) -> (Cow<'_, str>, bool) {
    let legal = if text.contains(is_illegal_in_xml) {
        Cow::Owned(text.replace(is_illegal_in_xml, ""))
    } else {
        Cow::Borrowed(text)
    };
    // The number of UTF-16 units is at most the number of UTF-8 bytes, so most texts need no count.
    if legal.len() <= MAX_CELL_UNITS || legal.encode_utf16().count() <= MAX_CELL_UNITS {
        return (legal, false);
    }
    let mut units = CUT_MARK.len_utf16();
    let mut cut: String = legal
        .chars()
        .take_while(|it| {
            units += it.len_utf16();
            units <= MAX_CELL_UNITS
        })
        .collect();
    cut.push(CUT_MARK);
    (Cow::Owned(cut), true)
}

/// Whether a character is not a `Char` of XML 1.0 §2.2. A Rust `char` is never a surrogate.
fn is_illegal_in_xml(it: char) -> bool {
    matches!(it, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a spreadsheet would run the text as a formula when it opens a CSV file.
fn runs_as_formula(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r') => true,
        Some(b'-') => !is_signed_number(text),
        Some(b'+') => !is_signed_number(text) && !is_phones(text),
        _ => false,
    }
}

/// Whether a text is a number with an optional sign, thousands separators and decimals, such as
/// `-5`, `+1.5` or `-1,234.50`.
fn is_signed_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned
        .split(['.', ','])
        .all(|group| !group.is_empty() && group.bytes().all(|it| it.is_ascii_digit()))
}

/// Whether a text is a phone number, or a list of phone numbers in one cell. Such texts are not
/// changed.
fn is_phones(text: &str) -> bool {
    text.split(LIST_SEPARATOR).all(is_phone)
}

/// Whether a text is a phone number, such as `+62 (812) 345-678`, `+1-926-660-5609x5136` or `0012`.
/// It has at most 15 digits (E.164), at least 5 digits after a `+`, the usual separators and an
/// optional extension.
fn is_phone(text: &str) -> bool {
    let (rest, fewest) = text.strip_prefix('+').map_or((text, 1), |rest| (rest, 5));
    let (number, extension) = match rest.split_once('x') {
        Some((number, extension)) => (number, Some(extension)),
        None => (rest, None),
    };
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let separated = number
        .bytes()
        .all(|it| it.is_ascii_digit() || matches!(it, b' ' | b'-' | b'.' | b'(' | b')' | b'/'));
    let extended = extension.is_none_or(|it| {
        (1..=7).contains(&it.len()) && it.bytes().all(|digit| digit.is_ascii_digit())
    });
    separated && extended && (fewest..=15).contains(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> String {
        Cell::text(text).csv_text().into_owned()
    }

    #[test]
    fn csv_cells_that_a_spreadsheet_would_run_are_prefixed() {
        for text in [
            "=1+1",
            "=cmd|' /C calc'!A0",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "+1+cmd|' /C calc'!A0",
            "-2+3",
            "+",
            "-",
            "-abc",
            "+A1",
            "-1e5x",
            "+62812345678=1",
            "+1-926-660-5609xA1",
            "-5\n=1",
            "+1(A1)",
            "+62812345678; =1",
            "+62812345678; A1",
            "+62812345678;0812",
        ] {
            assert_eq!(csv(text), format!("'{text}"), "{text:?}");
        }
    }

    #[test]
    fn csv_cells_that_are_plain_numbers_or_phones_stay_as_given() {
        for text in [
            "-5",
            "+1.5",
            "-1,234.50",
            "+62812345678",
            "+62 (812) 345-678",
            "+1-926-660-5609x5136",
            "+62 812-345; 0812 345; 0012; +1-926-660-5609x5136",
            "0012",
            "12345678901234567890",
            "'=1",
            " =1",
            "a=1",
        ] {
            assert_eq!(csv(text), text);
        }
    }

    #[test]
    fn a_number_is_a_number_when_a_spreadsheet_holds_it_exactly() {
        for text in [
            "0",
            "-0",
            "0.0",
            "1",
            "-1.5",
            "0.1",
            "1e3",
            "2.50",
            "999999999999999",
            "1E-7",
            "0.30000000000000004",
            "0e999",
        ] {
            let cell = Cell::number(text);
            assert!(matches!(cell, Cell::Number(_)), "{text}");
            assert_eq!(cell.csv_text(), text);
        }
        for text in [
            "1000000000000000",
            "12345678901234567890",
            "0012",
            "1.",
            ".5",
            "+1",
            "1e400",
            "1e-400",
            "0.12345678901234567890",
            "NaN",
            "inf",
            "1_000",
            "",
            "-",
        ] {
            assert!(!matches!(Cell::number(text), Cell::Number(_)), "{text}");
        }
    }

    #[test]
    fn a_date_is_written_in_the_requesters_zone_to_the_second() {
        let at: Timestamp = "2026-12-31T17:00:00.999Z".parse().unwrap();
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        assert_eq!(Cell::date(at, &jakarta).csv_text(), "2027-01-01 00:00:00");
        let before_epoch: Timestamp = "1969-12-31T23:59:59.5Z".parse().unwrap();
        assert_eq!(Cell::date(before_epoch, &TimeZone::UTC).csv_text(), "1969-12-31 23:59:59");
    }

    #[test]
    fn a_companys_date_is_a_day_or_a_date_and_time_or_else_text() {
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        for (text, expected) in [
            ("2026-11-21", "2026-11-21"),
            ("2026-11-21T20:00:00Z", "2026-11-22 03:00:00"),
            ("2026-11-21T20:00:00+07:00", "2026-11-21 20:00:00"),
        ] {
            let cell = Cell::day_or_datetime(text, &jakarta);
            assert!(!matches!(cell, Cell::Text(_)), "{text}");
            assert_eq!(cell.csv_text(), expected);
        }
        for text in ["2026-13-01", "21/11/2026", "2026-11-21 20:00", "20261121", "soon"] {
            assert_eq!(Cell::day_or_datetime(text, &jakarta), Cell::text(text));
        }
    }

    #[test]
    fn a_long_cell_is_cut_at_the_limit_without_splitting_a_pair() {
        let full = "a".repeat(MAX_CELL_UNITS);
        assert_eq!(spreadsheet_text(&full), (Cow::Borrowed(full.as_str()), false));
        let past = format!("{full}b");
        let (cut, was_cut) = spreadsheet_text(&past);
        assert!(was_cut && cut.encode_utf16().count() == MAX_CELL_UNITS);
        assert_eq!(cut, format!("{}…", "a".repeat(MAX_CELL_UNITS - 1)));
        let pairs = "😀".repeat(MAX_CELL_UNITS / 2);
        assert!(!spreadsheet_text(&pairs).1);
        let past = format!("{pairs}😀");
        let (cut, was_cut) = spreadsheet_text(&past);
        assert!(was_cut);
        assert_eq!(cut, format!("{pairs}…"));
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_removed_before_counting() {
        let text = format!("{}\0\u{ffff}\x1b", "a".repeat(MAX_CELL_UNITS));
        let (clean, was_cut) = spreadsheet_text(&text);
        assert!(!was_cut);
        assert_eq!(clean.len(), MAX_CELL_UNITS);
        assert_eq!(spreadsheet_text("a\tb\nc\rd\u{85}\u{fffd}").0, "a\tb\nc\rd\u{85}\u{fffd}");
    }
}
