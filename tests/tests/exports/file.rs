//! Reads exported files, independently of the code that writes them.

use std::io::Cursor;

use calamine::{Data, Range, Reader, Xlsx};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::Value;

/// The fields that the tests export.
pub(crate) const FIELDS: [&str; 7] =
    ["id", "name", "emails", "phones", "company_name", "owner_name", "created_at"];

/// The format of a date in an export.
const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// The rows of a file without its header. Dates of a spreadsheet are converted to text.
pub(crate) fn rows(format: &str, bytes: &[u8]) -> Vec<Vec<String>> {
    match format {
        "xlsx" => xlsx(bytes),
        _ => csv(bytes),
    }
}

/// The labels of a file's columns.
pub(crate) fn header(format: &str, bytes: &[u8]) -> Vec<String> {
    match format {
        "xlsx" => range(bytes).rows().next().unwrap().iter().map(cell).collect(),
        _ => reader(bytes).headers().unwrap().iter().map(str::to_owned).collect(),
    }
}

fn xlsx(bytes: &[u8]) -> Vec<Vec<String>> {
    range(bytes).rows().skip(1).map(|row| row.iter().map(cell).collect()).collect()
}

fn range(bytes: &[u8]) -> Range<Data> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let sheet = book.sheet_names().remove(0);
    book.worksheet_range(&sheet).unwrap()
}

fn cell(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        Data::DateTime(at) => {
            let seconds = SignedDuration::from_secs_f64((at.as_f64() * 86_400.0).round());
            let epoch = civil::date(1899, 12, 30).at(0, 0, 0, 0);
            epoch.saturating_add(seconds).strftime(DATE_FORMAT).to_string()
        }
        Data::Float(number) => number.to_string(),
        Data::Bool(value) => value.to_string(),
        other => panic!("unexpected cell in an export: {other:?}"),
    }
}

fn csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let records = reader(bytes).into_records().map(Result::unwrap);
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    csv::Reader::from_reader(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap())
}

/// The rows that an export of these contacts must contain.
pub(crate) fn expected(contacts: &Value, zone: &str) -> Vec<Vec<String>> {
    let zone = TimeZone::get(zone).unwrap();
    let row = |contact: &Value| {
        FIELDS
            .map(|field| match field {
                "owner_name" => owner(contact),
                _ => text(&contact[field], field, &zone),
            })
            .to_vec()
    };
    contacts.as_array().unwrap().iter().map(row).collect()
}

fn text(value: &Value, field: &str, zone: &TimeZone) -> String {
    match value {
        Value::Array(values) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        Value::String(text) if field == "created_at" => {
            let at: Timestamp = text.parse().unwrap();
            at.to_zoned_datetime(zone.clone()).strftime(DATE_FORMAT).to_string()
        }
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

/// The owner's name, or the owner's email if the directory has no name.
fn owner(contact: &Value) -> String {
    let id = contact["owner_id"].as_str().unwrap_or_default();
    let people = local::demo_company::directory().people;
    let nameless = people.into_iter().find(|it| it.sso_id == id && it.full_name.is_none());
    nameless
        .map_or_else(|| text(&contact["owner_name"], "owner_name", &TimeZone::UTC), |it| it.email)
}
