//! One cell of an exported file, and the rules that make it safe in each format (SPEC §4).

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use shared::export::field::LIST_SEPARATOR;

/// Most UTF-16 units in a cell of a spreadsheet.
pub const MAX_CELL_UNITS: usize = 32_767;

/// What a cut cell ends with; one UTF-16 unit, counted within the limit.
pub const CUT_MARK: char = '…';

/// Most digits before the point of a number; a spreadsheet shows longer ones rounded, so they
/// stay text.
const MAX_NUMBER: f64 = 1e15;

/// The length of a day as text.
const DAY_LENGTH: usize = "2026-11-21".len();

/// Digits that every `f64` keeps, and that a spreadsheet keeps too.
const KEPT_DIGITS: usize = 15;

/// The value of one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text that stays text whatever it looks like.
    Text(Cow<'a, str>),
    /// A number that a spreadsheet holds exactly.
    Number(Number<'a>),
    /// A date and time as clocks in the requester's zone showed it, in whole seconds.
    Date(DateTime),
    /// A day without a time, the same in every zone.
    Day(Date),
    /// A boolean.
    Boolean(bool),
}

/// A decimal number together with the equal `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Number<'a> {
    text: Cow<'a, str>,
    value: f64,
}

impl<'a> Cell<'a> {
    /// Text; empty text is an empty cell.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A number in JSON's notation. What a spreadsheet would change (more digits than it keeps,
    /// 10¹⁵ and more, or not a number at all) becomes text.
    pub fn number(text: impl Into<Cow<'a, str>>) -> Self {
        match Number::parse(text.into()) {
            Ok(number) => Self::Number(number),
            Err(text) => Self::text(text),
        }
    }

    /// A moment in the requester's zone; parts of a second are dropped, alike in both formats.
    pub fn date(at: Timestamp, zone: &TimeZone) -> Self {
        let local = zone.to_datetime(at);
        Self::Date(local.with().subsec_nanosecond(0).build().unwrap_or(local))
    }

    /// What a company's date field holds: a day (`2026-11-21`), or a moment (RFC 3339) in the
    /// requester's zone. Anything else stays text.
    pub fn day_or_moment(text: &'a str, zone: &TimeZone) -> Self {
        // A day is parsed strictly: what a time follows would be taken for one, too.
        if let Some(day) = text.parse().ok().filter(|_| text.len() == DAY_LENGTH) {
            return Self::Day(day);
        }
        text.parse().map_or_else(|_| Self::text(text), |at| Self::date(at, zone))
    }

    /// The cell as CSV text. Dates are `2026-11-21 15:16:50` in the requester's zone, which
    /// spreadsheets read as dates; text that a spreadsheet would run starts with `'`.
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
    /// The number as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The equal `f64`.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Gives the text back when no `f64` that a spreadsheet shows whole equals it.
    fn parse(text: Cow<'a, str>) -> Result<Self, Cow<'a, str>> {
        let Some(decimal) = Decimal::parse(&text) else { return Err(text) };
        let Ok(value) = text.parse::<f64>() else { return Err(text) };
        let in_range = decimal.digits.is_empty() || (1e-300..MAX_NUMBER).contains(&value.abs());
        let exact = decimal.digits.len() <= KEPT_DIGITS
            || Decimal::parse(&format!("{value:e}")).is_some_and(|shortest| shortest == decimal);
        if in_range && exact { Ok(Self { text, value }) } else { Err(text) }
    }
}

/// A decimal in normal form: digits without zeros at either end, and the power of ten of the
/// first one. Two texts mean the same number exactly when these are equal.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    power: i64,
}

impl Decimal {
    /// Reads JSON's notation; leading zeros are no number, so that `0012` stays as it is.
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

/// A date as text: `2026-11-21 15:16:50`.
pub(crate) fn date_text(date: DateTime) -> String {
    date.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Text as a spreadsheet's cell may hold it, and whether it had to be cut: characters that XML
/// has no place for are removed, then what is past [`MAX_CELL_UNITS`] gives way to [`CUT_MARK`].
pub(crate) fn spreadsheet_text(text: &str) -> (Cow<'_, str>, bool) {
    let legal = if text.contains(is_illegal_in_xml) {
        Cow::Owned(text.replace(is_illegal_in_xml, ""))
    } else {
        Cow::Borrowed(text)
    };
    // No text has more UTF-16 units than UTF-8 bytes, which spares the count for nearly all.
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

/// Outside of `Char` in XML 1.0 §2.2 (surrogates cannot occur in a `char`).
fn is_illegal_in_xml(it: char) -> bool {
    matches!(it, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a spreadsheet that opens a CSV file would run the cell instead of showing it.
fn runs_as_formula(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r') => true,
        Some(b'-') => !is_signed_number(text),
        Some(b'+') => !is_signed_number(text) && !is_phones(text),
        _ => false,
    }
}

/// A sign, digits, and groups or decimals of digits: `-5`, `+1.5`, `-1,234.50`.
fn is_signed_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned
        .split(['.', ','])
        .all(|group| !group.is_empty() && group.bytes().all(|it| it.is_ascii_digit()))
}

/// One phone, or several as the cell of a list holds them: they stay as given, too.
fn is_phones(text: &str) -> bool {
    text.split(LIST_SEPARATOR).all(is_phone)
}

/// 15 digits at most (E.164) with the usual separators, behind a `+` at least 5, perhaps an
/// extension: `+62 (812) 345-678`, `+1-926-660-5609x5136`, `0012`.
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
    fn a_date_is_told_in_the_requesters_zone_to_the_second() {
        let at: Timestamp = "2026-12-31T17:00:00.999Z".parse().unwrap();
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        assert_eq!(Cell::date(at, &jakarta).csv_text(), "2027-01-01 00:00:00");
        let before_epoch: Timestamp = "1969-12-31T23:59:59.5Z".parse().unwrap();
        assert_eq!(Cell::date(before_epoch, &TimeZone::UTC).csv_text(), "1969-12-31 23:59:59");
    }

    #[test]
    fn a_companys_date_is_a_day_or_a_moment_and_else_text() {
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        for (text, expected) in [
            ("2026-11-21", "2026-11-21"),
            ("2026-11-21T20:00:00Z", "2026-11-22 03:00:00"),
            ("2026-11-21T20:00:00+07:00", "2026-11-21 20:00:00"),
        ] {
            let cell = Cell::day_or_moment(text, &jakarta);
            assert!(!matches!(cell, Cell::Text(_)), "{text}");
            assert_eq!(cell.csv_text(), expected);
        }
        for text in ["2026-13-01", "21/11/2026", "2026-11-21 20:00", "20261121", "soon"] {
            assert_eq!(Cell::day_or_moment(text, &jakarta), Cell::text(text));
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
