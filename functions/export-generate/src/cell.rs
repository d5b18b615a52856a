//! A cell of an exported file, and the rules that make it safe in each format (SPEC §4).

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use shared::{cell_text, decimal::Decimal};

/// The maximum length of a spreadsheet cell, in UTF-16 units.
pub const MAX_CELL_UNITS: usize = 32_767;

/// The last character of a cell whose text was cut. It is one UTF-16 unit and counts toward the
/// limit.
pub const CUT_MARK: char = '…';

/// Numbers of this size or larger become text, because a spreadsheet would show them rounded.
const MAX_NUMBER: f64 = 1e15;

/// Writes a date and time such as `2026-11-21 15:16:50`.
static PRINTER: DateTimePrinter = DateTimePrinter::new().separator(b' ');

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
        Self::local(zone.to_datetime(at))
    }

    fn local(at: DateTime) -> Self {
        Self::Date(at.with().subsec_nanosecond(0).build().unwrap_or(at))
    }

    /// Creates a cell from a text of a custom field. A date (`2026-11-21`) becomes a day, and a date
    /// and time (RFC 3339) is converted to the requester's time zone. Any other text stays text, and
    /// so does a time before the year 0 or, in the time zone, after the year 9999.
    pub fn custom_text(text: Cow<'a, str>, zone: &TimeZone) -> Self {
        let bytes = text.as_bytes();
        let may_be_date =
            bytes.len() >= DAY_LENGTH && bytes[0].is_ascii_digit() && bytes[4] == b'-';
        if !may_be_date {
            return Self::text(text);
        }
        // The length is checked because a date with a time can also be parsed as a date.
        if bytes.len() == DAY_LENGTH {
            return text.parse().map_or_else(|_| Self::text(text), Self::Day);
        }
        let local = text.parse().map(|at: Timestamp| zone.to_datetime(at));
        match local {
            Ok(local) if local.year() >= 0 => Self::local(local),
            _ => Self::text(text),
        }
    }

    /// The cell as text for a CSV file. Dates are in the requester's time zone and have the form
    /// `2026-11-21 15:16:50`, which spreadsheets recognize. Text is protected from being run as a
    /// formula (see [`cell_text::protect`]).
    pub fn csv_text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => cell_text::protect(text),
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
        if let Some(value) = small_integer(&text) {
            return Ok(Self { text, value });
        }
        let Some(decimal) = Decimal::parse(&text) else { return Err(text) };
        let Ok(value) = text.parse::<f64>() else { return Err(text) };
        let in_range = decimal.is_zero() || (1e-300..MAX_NUMBER).contains(&value.abs());
        let exact = decimal.significant_digits() <= KEPT_DIGITS
            || Decimal::parse(&format!("{value:e}")).is_some_and(|shortest| shortest == decimal);
        if in_range && exact { Ok(Self { text, value }) } else { Err(text) }
    }
}

/// Parses most numbers without the work that the others need: integers of at most nine digits.
fn small_integer(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_short = matches!(digits.len(), 1..=9) && digits.iter().all(u8::is_ascii_digit);
    let is_plain = is_short && (digits[0] != b'0' || text == "0");
    if is_plain { text.parse::<i32>().ok().map(f64::from) } else { None }
}

/// Formats a date and time as text, such as `2026-11-21 15:16:50`.
pub(crate) fn date_text(date: DateTime) -> String {
    PRINTER.datetime_to_string(&date)
}

/// A text as a spreadsheet cell can hold it.
pub(crate) struct SheetText<'a> {
    /// The text. Line breaks are LF. Characters that XML cannot represent are removed.
    pub(crate) text: Cow<'a, str>,
    /// Whether the text was longer than [`MAX_CELL_UNITS`]. It then ends with [`CUT_MARK`].
    pub(crate) is_cut: bool,
    /// The size of the text in a sheet's XML in bytes, or a little more.
    pub(crate) xml_bytes: usize,
}

/// The number of bytes that escaping in XML adds at most to each byte of a text.
const ESCAPE_BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    bytes[b'&' as usize] = 4;
    bytes[b'<' as usize] = 3;
    bytes[b'>' as usize] = 3;
    // A text that looks like the escape `_x000D_` gets its first byte escaped in this way.
    bytes[b'_' as usize] = 6;
    bytes
};

/// The bytes that may belong to a character that a cell cannot hold: control characters, and the
/// first byte of U+FFFE and U+FFFF.
const IS_ODD: [bool; 256] = {
    let mut odd = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        odd[control] = control != b'\t' as usize && control != b'\n' as usize;
        control += 1;
    }
    odd[0xef] = true;
    odd
};

/// Converts a text to one that a spreadsheet cell can hold.
pub(crate) fn spreadsheet_text(text: &str) -> SheetText<'_> {
    let (mut escapes, mut is_odd) = (0, false);
    for byte in text.bytes() {
        escapes += usize::from(ESCAPE_BYTES[usize::from(byte)]);
        is_odd |= IS_ODD[usize::from(byte)];
    }
    let legal = if is_odd { legal_text(text) } else { Cow::Borrowed(text) };
    let (text, is_cut) = cut(legal);
    SheetText { xml_bytes: text.len() + escapes, text, is_cut }
}

fn legal_text(text: &str) -> Cow<'_, str> {
    let mut legal = Cow::Borrowed(text);
    if legal.contains('\r') {
        legal = Cow::Owned(legal.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if legal.contains(is_illegal_in_xml) {
        legal = Cow::Owned(legal.replace(is_illegal_in_xml, ""));
    }
    legal
}

/// Cuts a text that is longer than [`MAX_CELL_UNITS`]. Returns whether it was cut.
fn cut(text: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    // The number of UTF-16 units is at most the number of UTF-8 bytes, so most texts need no count.
    if text.len() <= MAX_CELL_UNITS || text.encode_utf16().count() <= MAX_CELL_UNITS {
        return (text, false);
    }
    let mut units = CUT_MARK.len_utf16();
    let mut cut: String = text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_protected_in_csv() {
        assert_eq!(Cell::text("=1;+2").csv_text(), "'=1;'+2");
        assert_eq!(Cell::number("-1.5e-7").csv_text(), "-1.5e-7");
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
    fn a_custom_text_is_a_day_or_a_date_and_time_or_else_text() {
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        let cell = |text: &'static str| Cell::custom_text(text.into(), &jakarta);
        for (text, expected) in [
            ("2026-11-21", "2026-11-21"),
            ("2026-11-21T20:00:00Z", "2026-11-22 03:00:00"),
            ("2026-11-21T20:00:00.5+07:00", "2026-11-21 20:00:00"),
        ] {
            assert!(!matches!(cell(text), Cell::Text(_)), "{text}");
            assert_eq!(cell(text).csv_text(), expected);
        }
        for text in [
            "2026-13-01",
            "21/11/2026",
            "2026-11-21 20:00",
            "20261121",
            "soon",
            "NA",
            "9999-12-31T23:59:59Z",
            "2026é11-21",
        ] {
            assert_eq!(cell(text), Cell::text(text));
        }
    }

    #[test]
    fn a_long_cell_is_cut_at_the_limit_without_splitting_a_pair() {
        let full = "a".repeat(MAX_CELL_UNITS);
        let whole = spreadsheet_text(&full);
        assert_eq!((whole.text, whole.is_cut), (Cow::Borrowed(full.as_str()), false));
        let past = format!("{full}b");
        let long = spreadsheet_text(&past);
        assert!(long.is_cut && long.text.encode_utf16().count() == MAX_CELL_UNITS);
        assert_eq!(long.text, format!("{}…", "a".repeat(MAX_CELL_UNITS - 1)));
        let pairs = "😀".repeat(MAX_CELL_UNITS / 2);
        assert!(!spreadsheet_text(&pairs).is_cut);
        let past = format!("{pairs}😀");
        let long = spreadsheet_text(&past);
        assert!(long.is_cut);
        assert_eq!(long.text, format!("{pairs}…"));
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_removed_before_counting() {
        let text = format!("{}\0\u{ffff}\x1b", "a".repeat(MAX_CELL_UNITS));
        let clean = spreadsheet_text(&text);
        assert!(!clean.is_cut);
        assert_eq!(clean.text.len(), MAX_CELL_UNITS);
    }

    #[test]
    fn a_line_break_in_a_sheet_is_a_line_feed() {
        assert_eq!(
            spreadsheet_text("a\tb\r\nc\rd\ne\u{85}\u{fffd}").text,
            "a\tb\nc\nd\ne\u{85}\u{fffd}"
        );
    }
}
