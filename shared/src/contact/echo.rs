//! Whether a cell shows what an export of the stored contact shows, also after a spreadsheet has opened
//! and saved the file.
//!
//! A spreadsheet drops the `+` and the zeros of a number, writes times in the form of its country,
//! and writes `?` for what its encoding does not have. Such a cell is no change: the contact keeps
//! what is stored. An edit that only does the same is lost, which is better than damage to each row
//! of a file that was only opened and saved.

use std::iter::zip;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;

use super::{CellField, Contact, Extent, ImportContext, ImportedCell};
use crate::{
    cell_text::{LIST_SEPARATOR, join_list},
    invisible::trim,
};

/// The form of a time in an exported CSV file.
pub(super) const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// No time zone differs more from UTC, in seconds.
const MAX_OFFSET: i64 = 16 * 3600;
/// Since 1970, every time zone differs from UTC by a multiple of this, in seconds.
const OFFSET_STEP: i64 = 15 * 60;

/// The values of a stored contact.
pub(super) struct StoredValues<'a> {
    /// The fields other than custom fields, by their names in the API.
    pub(super) fields: Value,
    custom: &'a Map<String, Value>,
}

impl<'a> StoredValues<'a> {
    pub(super) fn new(contact: &'a Contact) -> Self {
        Self { fields: json!(contact), custom: &contact.custom_fields }
    }

    pub(super) fn custom_value(&self, key: &str) -> &'a Value {
        self.custom.get(key).unwrap_or(&Value::Null)
    }

    /// The addresses or numbers.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let values = self.fields[name].as_array().into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

impl ImportContext {
    /// Whether an export of the stored contact shows the text of the cell for its field.
    pub(super) fn shows(&self, stored: &StoredValues<'_>, cell: &ImportedCell) -> bool {
        let ImportedCell { field, text, .. } = cell;
        let value = &stored.fields[field.name()];
        let first = || value[0].as_str().is_some_and(|first| is_same_in_sheet(first, text));
        match field {
            CellField::Custom(key) => self.shows_value(stored.custom_value(key), text),
            CellField::ExternalId => value.as_str().is_some_and(|id| is_same_in_sheet(id, text)),
            CellField::Emails(extent) | CellField::Phones(extent) => match extent {
                Extent::First => first(),
                Extent::All if value[1].is_null() => first() || self.shows_value(value, text),
                Extent::All => self.shows_value(value, text),
                Extent::Any => first() || self.shows_value(value, text),
            },
            _ => self.shows_value(value, text),
        }
    }

    fn shows_value(&self, value: &Value, text: &str) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(value) => text.eq_ignore_ascii_case(&value.to_string()),
            Value::Number(number) => text == number.to_string(),
            Value::String(stored) => {
                is_same_in_sheet(stored, text)
                    || self.shows_time(stored, text)
                    || SheetTime::read(text).is_some_and(|time| self.shows_sheet_time(stored, time))
            }
            Value::Array(values) => {
                let plain = values.iter().map(plain).collect::<Option<Vec<_>>>();
                let json = value.to_string();
                plain.map_or(text == json, |plain| {
                    is_same_text(&join_list(plain.iter().map(String::as_str)), text)
                        || is_same_text(&plain.join(LIST_SEPARATOR), text)
                })
            }
            Value::Object(_) => {
                let json = value.to_string();
                text == json
            }
        }
    }

    /// Whether the text is the stored time in the zone of the file. If the zone is not known, whether
    /// it can be the stored time in any zone.
    fn shows_time(&self, stored: &str, text: &str) -> bool {
        let Ok(at) = stored.parse::<Timestamp>() else { return false };
        let Ok(shown) = DateTime::strptime(TIME_FORMAT, text) else { return false };
        if let Some(zone) = &self.zone {
            let local = zone.to_datetime(at);
            return local.with().subsec_nanosecond(0).build().is_ok_and(|local| local == shown);
        }
        let Ok(shown) = TimeZone::UTC.to_timestamp(shown) else { return false };
        let offset = shown.as_second() - whole_second(at);
        let is_step = offset % OFFSET_STEP == 0 || at.as_second() < 0;
        offset.abs() <= MAX_OFFSET && is_step
    }

    /// Whether a stored day or time is the one that a spreadsheet wrote.
    fn shows_sheet_time(&self, stored: &str, shown: SheetTime) -> bool {
        // A text with a time can also be parsed as a day.
        let Ok(at) = stored.parse::<Timestamp>() else {
            return stored.parse::<Date>().is_ok_and(|day| {
                day.to_string() == stored
                    && shown.is(day.to_datetime(jiff::civil::Time::midnight()))
            });
        };
        if let Some(zone) = &self.zone {
            return shown.is(zone.to_datetime(at));
        }
        let utc = TimeZone::UTC.to_datetime(at);
        let steps = MAX_OFFSET / OFFSET_STEP;
        (-steps..=steps).any(|step| {
            let local = utc.checked_add(SignedDuration::from_secs(step * OFFSET_STEP));
            local.is_ok_and(|local| shown.is(local))
        })
    }
}

/// A day or a time in the form that a spreadsheet of some country gives it, such as `11/21/2026 20:00`,
/// `21.11.26` or `2026/11/21 8:00 PM`.
#[derive(Clone, Copy)]
struct SheetTime {
    date: [i16; 3],
    /// The hour, the minute, and the second if the text has it.
    time: (i16, i16, Option<i16>),
}

impl SheetTime {
    fn read(text: &str) -> Option<Self> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "/.-:, \u{a0}\u{202f}".contains(c);
        if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_part) {
            return None;
        }
        let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|it| !it.is_empty());
        let numbers: Vec<i16> = numbers.map(|it| it.parse().ok()).collect::<Option<_>>()?;
        let (date, time) = numbers.split_at_checked(3)?;
        let (hour, minute, second) = match *time {
            [] => (0, 0, None),
            [hour, minute] => (hour, minute, None),
            [hour, minute, second] => (hour, minute, Some(second)),
            _ => return None,
        };
        let hour = match letters.to_ascii_lowercase().as_str() {
            "" => hour,
            "am" => hour % 12,
            "pm" => hour % 12 + 12,
            _ => return None,
        };
        Some(Self { date: date.try_into().ok()?, time: (hour, minute, second) })
    }

    fn is(self, stored: DateTime) -> bool {
        let (day, month, year) =
            (i16::from(stored.day()), i16::from(stored.month()), stored.year());
        let is_date = match self.date {
            [first, b, c] if first >= 1000 => [first, b, c] == [year, month, day],
            [a, b, last] => {
                (last == year || last == year % 100)
                    && ([a, b] == [day, month] || [a, b] == [month, day])
            }
        };
        let (hour, minute, second) = self.time;
        is_date
            && (hour, minute) == (i16::from(stored.hour()), i16::from(stored.minute()))
            && second.is_none_or(|second| second == i16::from(stored.second()))
    }
}

/// The second in which a time is, in seconds since the Unix epoch. An export drops the fraction.
fn whole_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The text of a value in a list of an export; `None` for lists, objects and null.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Whether a text is the stored text, or what a spreadsheet makes of it: digits without the `+` or the
/// zeros at their start, or a boolean in capitals.
fn is_same_in_sheet(stored: &str, text: &str) -> bool {
    let is_number = || !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    is_same_text(stored, text)
        || (is_number() && trim(stored).trim_start_matches(['+', '0']) == text)
        || (matches!(stored, "true" | "false") && stored.eq_ignore_ascii_case(text))
}

/// Whether two texts look the same in a cell: apart from their normal form, the kind of their line
/// breaks, control characters, and white space at the ends.
fn is_same_text(stored: &str, text: &str) -> bool {
    if stored == text {
        return true;
    }
    let (stored, text) = (visible(stored), visible(text));
    stored.nfc().eq(text.nfc()) || is_without_foreign(&stored, &text)
}

/// Whether a text is the stored text in an encoding that has not all its characters: with a `?` in
/// the place of each UTF-16 unit of the others.
fn is_without_foreign(stored: &str, text: &str) -> bool {
    let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    let (stored, text) = (units(stored), units(text));
    stored.len() == text.len()
        && zip(stored, text)
            .all(|(stored, unit)| stored == unit || (unit == u16::from(b'?') && stored > 0x7f))
}

fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| !c.is_control() || "\t\n".contains(*c)).collect();
    trim(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Option<TimeZone> {
        Some(TimeZone::get(name).unwrap())
    }

    #[test]
    fn a_number_without_its_plus_and_zeros_and_a_boolean_in_capitals_show_what_is_stored() {
        for (stored, text) in
            [("+62215551234", "62215551234"), ("0812345678", "812345678"), ("00123", "123")]
        {
            assert!(is_same_in_sheet(stored, text), "{stored} {text}");
            assert!(!is_same_in_sheet(text, stored), "{stored} {text}: it was added");
        }
        assert!(is_same_in_sheet("true", "TRUE"));
        for (stored, text) in
            [("Ann", "ANN"), ("00123", "1230"), ("E-12", "12"), ("+62 21 555", "6221555"), ("", "")]
        {
            assert_eq!(is_same_in_sheet(stored, text), stored == text, "{stored} {text}");
        }
    }

    #[test]
    fn a_question_mark_shows_a_character_that_the_encoding_does_not_have() {
        for (stored, text) in [("佐藤", "??"), ("Łukasz 😀", "?ukasz ??"), ("Zoë 愛", "Zoë ?")]
        {
            assert!(is_same_text(stored, text), "{stored}");
        }
        for (stored, text) in [("佐藤", "?"), ("Ann", "?nn"), ("佐藤 A", "?? B"), ("佐", "佐藤")]
        {
            assert!(!is_same_text(stored, text), "{stored}");
        }
    }

    #[test]
    fn a_time_in_the_form_of_a_country_shows_the_stored_time() {
        let jakarta = ImportContext { zone: zone("Asia/Jakarta"), ..ImportContext::default() };
        let stored = Value::String("2026-11-21T13:00:05Z".to_owned());
        for text in [
            "11/21/2026 20:00",
            "21/11/2026 20:00",
            "21.11.2026 20:00:05",
            "21-11-26 20.00",
            "2026/11/21 20:00",
            "2026-11-21 20:00",
            "11/21/2026 8:00 PM",
            "21/11/2026 8:00:05 pm",
        ] {
            assert!(jakarta.shows_value(&stored, text), "{text}");
            assert!(ImportContext::default().shows_value(&stored, text), "{text}");
        }
        for text in [
            "11/22/2026 20:00",
            "2026/21/11 20:00",
            "11/21/2026 21:00",
            "11/21/2026 20:00:06",
            "11/21/2026 8:00 AM",
            "11/21/2026",
            "11/21",
            "21 Nov 2026 20:00",
        ] {
            assert!(!jakarta.shows_value(&stored, text), "{text}");
        }
        let day = Value::String("2026-11-02".to_owned());
        for text in ["11/2/2026", "02.11.2026", "2/11/26", "2026/11/2"] {
            assert!(jakarta.shows_value(&day, text), "{text}");
        }
        // The form of an export has one meaning.
        assert!(!jakarta.shows_value(&day, "2026-02-11"));
        assert!(!jakarta.shows_value(&Value::String("5".to_owned()), "11/2/2026"));
    }
}
