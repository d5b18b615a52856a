//! Reads exported files, independently of the code that wrote them, and compares them cell by cell
//! with the contacts that the API returns.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use serde_json::Value;

use super::error::DemoError;

/// The fields that the demo exports.
pub(super) const FIELDS: [&str; 9] = [
    "id",
    "external_id",
    "name",
    "emails",
    "phones",
    "company_name",
    "source",
    "tags",
    "created_at",
];

/// The content of a cell.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell {
    Text(String),
    /// A date in a spreadsheet, as the number of days since 1899-12-30.
    Days(f64),
    Other(String),
}

/// The rows of all sheets of an XLSX file, in order, without the header rows.
pub(super) fn xlsx(bytes: Vec<u8>) -> Result<Vec<Vec<Cell>>, DemoError> {
    let unreadable = |error: calamine::XlsxError| DemoError::Export(error.to_string());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut rows = Vec::new();
    for sheet in book.sheet_names() {
        let range = book.worksheet_range(&sheet).map_err(unreadable)?;
        rows.extend(range.rows().skip(1).map(|row| row.iter().map(cell).collect()));
    }
    Ok(rows)
}

fn cell(data: &Data) -> Cell {
    match data {
        Data::Empty => Cell::Text(String::new()),
        Data::String(text) => Cell::Text(text.clone()),
        Data::DateTime(at) => Cell::Days(at.as_f64()),
        other => Cell::Other(format!("{other:?}")),
    }
}

/// The rows of a CSV file, without the header row.
pub(super) fn csv(bytes: &[u8]) -> Result<Vec<Vec<Cell>>, DemoError> {
    let text = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .ok_or_else(|| DemoError::Export("the CSV file has no byte order mark".to_owned()))?;
    let unreadable = |error: csv::Error| DemoError::Export(error.to_string());
    let mut rows = Vec::new();
    for record in csv::Reader::from_reader(text).records() {
        let record = record.map_err(unreadable)?;
        rows.push(record.iter().map(|cell| Cell::Text(cell.to_owned())).collect());
    }
    Ok(rows)
}

/// The first difference between the rows of a file and the contacts; `None` if there is none. The
/// rows and the contacts are sorted by id before the comparison.
pub(super) fn difference(
    mut rows: Vec<Vec<Cell>>,
    contacts: &[Value],
    zone: &TimeZone,
    is_csv: bool,
) -> Option<String> {
    let id = |row: &Vec<Cell>| match row.first() {
        Some(Cell::Text(id)) => id.clone(),
        _ => String::new(),
    };
    rows.sort_by_key(id);
    let mut contacts: Vec<&Value> = contacts.iter().collect();
    contacts.sort_by_key(|contact| contact["id"].as_str().map(str::to_owned));
    if rows.len() != contacts.len() {
        return Some(format!("{} rows for {} contacts", rows.len(), contacts.len()));
    }
    for (row, contact) in rows.iter().zip(contacts) {
        for (cell, field) in row.iter().zip(FIELDS) {
            let expected = expected(&contact[field], field, zone, is_csv);
            if !same(cell, &expected) {
                let id = &contact["id"];
                return Some(format!("contact {id}, {field}: {cell:?} instead of {expected:?}"));
            }
        }
        if row.len() != FIELDS.len() {
            return Some(format!("a row has {} cells instead of {}", row.len(), FIELDS.len()));
        }
    }
    None
}

fn same(cell: &Cell, expected: &Cell) -> bool {
    match (cell, expected) {
        // Two dates are equal if they differ by less than half a second.
        (Cell::Days(a), Cell::Days(b)) => (a - b).abs() < 0.5 / 86_400.0,
        (cell, expected) => cell == expected,
    }
}

/// The expected content of a cell, by the rules of SPEC §4.
fn expected(value: &Value, field: &str, zone: &TimeZone, is_csv: bool) -> Cell {
    let text = match value {
        Value::Array(values) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            texts.join("; ")
        }
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    if field == "created_at" {
        return moment(&text, zone, is_csv);
    }
    Cell::Text(if is_csv { guarded(&text) } else { text })
}

fn moment(text: &str, zone: &TimeZone, is_csv: bool) -> Cell {
    let Ok(at) = text.parse::<Timestamp>() else { return Cell::Other(text.to_owned()) };
    let local = at.to_zoned_datetime(zone.clone()).datetime();
    if is_csv {
        return Cell::Text(local.strftime("%Y-%m-%d %H:%M:%S").to_string());
    }
    let epoch = date(1899, 12, 30).at(0, 0, 0, 0);
    let seconds = local.duration_since(epoch).as_secs();
    #[allow(clippy::cast_precision_loss, reason = "a date's seconds fit a float exactly")]
    let days = seconds as f64 / 86_400.0;
    Cell::Days(days)
}

/// The text of a CSV cell. If a spreadsheet would run the text as a formula, a `'` is put before
/// it.
fn guarded(text: &str) -> String {
    let is_formula = match text.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !is_number_or_phone(text),
        _ => false,
    };
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn is_number_or_phone(text: &str) -> bool {
    let phone = |one: &str| {
        let number = one.split('x').next().unwrap_or(one);
        let digits = number.chars().filter(char::is_ascii_digit).count();
        let least = if one.starts_with('+') { 5 } else { 1 };
        let rest = one.trim_start_matches('+');
        (least..=15).contains(&digits)
            && rest.chars().all(|c| c.is_ascii_digit() || " -.()/x".contains(c))
    };
    text.parse::<f64>().is_ok() || text.split("; ").all(phone)
}
