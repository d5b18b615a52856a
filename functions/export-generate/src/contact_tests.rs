//! Exports random contacts with difficult values to both formats, and reads the files with readers
//! that the service does not use. The tests compute the expected cells from the contacts without
//! the code under test.

use std::{collections::HashMap, io::Read, thread};

use ::zip::ZipArchive;
use calamine::{Data, Reader, Xlsx, open_workbook};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Number, Value, json};
use shared::{
    access::Scope,
    cell_text,
    contact::StoredContact,
    export::{Column, Field, Format},
    locale::Locale,
};
use tokio::sync::mpsc::channel;
use tokio_util::sync::CancellationToken;

use crate::{
    file::tests::{difficult_texts, expected_in_xlsx, read_csv, settings},
    row::RowPlan,
    source::{Chunk, Feed},
    writer::{FilePlan, Limits, Progress, Written, write},
};

const FIELDS: [&str; 13] = [
    "name",
    "external_id",
    "phones",
    "tags",
    "company_name",
    "created_at",
    "custom.text",
    "custom.number",
    "custom.flag",
    "custom.list",
    "custom.deep",
    "custom.none",
    "custom.since",
];

const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// A text, and what a CSV file has of it.
#[derive(Clone, Debug)]
struct Source {
    text: String,
    in_csv: InCsv,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum InCsv {
    /// The text.
    Unchanged,
    /// A text with a `'` in front and perhaps more of them.
    Prefixed,
    /// A text that returns to what it was, without its control characters.
    Reversible,
}

/// The value that a cell must contain.
#[derive(Clone, Debug)]
enum Expected {
    Text(Source),
    Number(f64, String),
    Flag(bool),
    Moment(Timestamp),
    Day(civil::Date),
}

fn source(text: impl Strategy<Value = String>, in_csv: InCsv) -> impl Strategy<Value = Source> {
    text.prop_map(move |text| Source { text, in_csv })
}

/// Texts that are not changed in a CSV: phones and plain numbers with any sign.
fn harmless() -> impl Strategy<Value = Source> {
    prop_oneof![
        source("\\+62[0-9]{5,12}", InCsv::Unchanged),
        source("\\+62 \\(812\\) 345-[0-9]{3}", InCsv::Unchanged),
        source("\\+1-926-660-[0-9]{4}x[0-9]{1,5}", InCsv::Unchanged),
        source("00[0-9]{2}", InCsv::Unchanged),
        source("[0-9]{20}", InCsv::Unchanged),
        source("[+-][0-9]{1,9}(\\.[0-9]{1,4})?", InCsv::Unchanged),
        source(
            select(vec!["null", "NULL", "None", "NaN", "#N/A", "true", "1e5"])
                .prop_map(str::to_owned),
            InCsv::Unchanged
        ),
    ]
}

/// Texts that a spreadsheet would run: formulas with every possible first character, and DDE.
fn running() -> impl Strategy<Value = Source> {
    prop_oneof![
        source("(?s)[=@\t\r].{0,20}", InCsv::Prefixed),
        source("(?s)([+-][A-Za-z=]|-\\().{0,20}", InCsv::Prefixed),
        source("=cmd\\|' /C calc'!A[0-9]", InCsv::Prefixed),
        source("=DDE\\(\"cmd\";\"/C calc\";\"x\"\\)", InCsv::Prefixed),
        source("\\+[0-9]{5,8}=[0-9]", InCsv::Prefixed),
    ]
}

/// Texts that do not begin like a formula, with characters of every Unicode plane.
fn plain() -> impl Strategy<Value = Source> {
    let chars = any::<char>().prop_map(|it| format!("a{it}"));
    let difficult = difficult_texts()
        .into_iter()
        .filter(|it| !it.starts_with(['=', '@', '\t', '\r', '+', '-']));
    prop_oneof![
        source("(?s)[^=@\t\r+\\-].{0,30}", InCsv::Reversible),
        source(chars, InCsv::Reversible),
        source(select(difficult.collect::<Vec<_>>()), InCsv::Reversible),
        source((32_700usize..32_800).prop_map(|units| "x".repeat(units)), InCsv::Reversible),
        source((16_380usize..16_390).prop_map(|pairs| "😀".repeat(pairs)), InCsv::Reversible),
    ]
}

fn text() -> impl Strategy<Value = Source> {
    prop_oneof![harmless(), running(), plain()]
}

/// Several texts in one cell. The first text decides whether a spreadsheet would run the cell,
/// unless all texts are phone numbers.
fn list() -> impl Strategy<Value = Vec<Source>> {
    prop_oneof![
        vec(source("\\+62[0-9]{5,12}", InCsv::Unchanged), 0..4),
        vec(plain(), 1..3),
        vec(running(), 1..3),
    ]
}

/// Times near midnight in the time zones of the tests, near daylight saving changes, and outside a
/// spreadsheet's calendar.
fn moment() -> impl Strategy<Value = Timestamp> {
    let around = |text: &str| {
        let at: Timestamp = text.parse().unwrap();
        (-2i64..=2).prop_map(move |seconds| at + SignedDuration::from_secs(seconds))
    };
    prop_oneof![
        around("2026-12-31T17:00:00Z"),
        around("2026-03-08T07:00:00Z"),
        around("2026-11-01T06:00:00Z"),
        around("1900-03-01T00:00:00Z"),
        around("2024-02-29T23:59:59Z"),
        (-2_500_000_000i64..4_000_000_000)
            .prop_map(|second| Timestamp::from_second(second).unwrap()),
    ]
}

/// Generates a JSON number and its expected cell. The cell is text if a spreadsheet would change
/// the number.
fn number() -> impl Strategy<Value = (Number, Expected)> {
    prop_oneof![
        any::<i32>()
            .prop_map(|it| (Number::from(it), Expected::Number(f64::from(it), it.to_string()))),
        (-1_000_000i32..1_000_000).prop_map(|it| {
            let value = f64::from(it) / 1000.0;
            let number = Number::from_f64(value).unwrap();
            (number.clone(), Expected::Number(value, number.to_string()))
        }),
        (1_000_000_000_000_000u64..).prop_map(|it| {
            let text = it.to_string();
            (Number::from(it), Expected::Text(Source { text, in_csv: InCsv::Unchanged }))
        }),
    ]
}

prop_compose! {
    fn contact()(
        name in text(), external_id in harmless(), phones in list(), tags in list(),
        company in text(), created_at in moment(), free in text(), (number, shown) in number(),
        flag in any::<bool>(), since in 0i32..80_000, values in list(), at in any::<Index>(),
    ) -> (StoredContact, Vec<Expected>) {
        let texts = |all: &[Source]| all.iter().map(|it| it.text.clone()).collect::<Vec<_>>();
        let since = civil::date(1890, 1, 1) + SignedDuration::from_hours(24 * i64::from(since));
        let deep = json!([{ "at": at.index(9) }]);
        let custom: Map<String, Value> = [
            ("text", json!(free.text)), ("number", Value::Number(number)), ("flag", json!(flag)),
            ("list", json!(texts(&values))), ("deep", deep.clone()), ("none", Value::Null),
            ("since", json!(since.to_string())),
        ].map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        let contact = json!({
            "id": "0190d1a2-7c3b-7abc-8def-0123456789ab", "name": name.text,
            "external_id": external_id.text, "phones": texts(&phones), "tags": texts(&tags),
            "company_name": company.text, "custom_fields": Value::Object(custom).to_string(),
            "created_at": created_at, "updated_at": created_at, "version": 1,
        });
        let joined = |all: &[Source]| Expected::Text(Source {
            text: cell_text::join_list(texts(all)).into_owned(),
            in_csv: InCsv::Reversible,
        });
        // A text of a custom field that is a date becomes a day (SPEC §4).
        let free = match free.text.parse::<civil::Date>() {
            Ok(day) if day.to_string() == free.text => Expected::Day(day),
            _ => Expected::Text(free),
        };
        let nothing = || Expected::Text(Source { text: String::new(), in_csv: InCsv::Unchanged });
        let deep = Source { text: deep.to_string(), in_csv: InCsv::Unchanged };
        let expected = vec![
            Expected::Text(name), Expected::Text(external_id), joined(&phones), joined(&tags),
            Expected::Text(company), Expected::Moment(created_at), free, shown,
            Expected::Flag(flag), joined(&values), Expected::Text(deep), nothing(), Expected::Day(since),
        ];
        (serde_json::from_value(contact).unwrap(), expected)
    }
}

/// Writes the contacts to a file in the same way as an export.
fn export(format: Format, contacts: &[StoredContact], zone: &TimeZone) -> Written {
    let (feed, feed_out) = channel(2);
    let plan = FilePlan {
        directory: std::env::temp_dir(),
        settings: settings(format),
        max_rows: Limits::default().max_rows(FIELDS.len()),
        rows: RowPlan {
            columns: FIELDS
                .map(|it| Column::new(it.parse::<Field>().unwrap(), Locale::En))
                .to_vec(),
            zone: zone.clone(),
            teams: HashMap::new(),
            people: HashMap::new(),
        },
    };
    let writer = thread::spawn(move || {
        write(&plan, feed_out, &Progress::default(), &CancellationToken::new()).unwrap()
    });
    let chunks: Vec<_> = contacts
        .chunks(3)
        .map(|some| Chunk {
            contacts: some
                .iter()
                .filter_map(|it| Scope::Everything.authorize(it.clone()))
                .collect(),
            skipped: 0,
            progress: 0.5,
        })
        .collect();
    for chunk in chunks {
        feed.blocking_send(Feed::Contacts(chunk)).unwrap();
    }
    feed.blocking_send(Feed::End).unwrap();
    writer.join().unwrap()
}

fn local(at: Timestamp, zone: &TimeZone) -> civil::DateTime {
    at.to_zoned_datetime(zone.clone()).datetime().with().subsec_nanosecond(0).build().unwrap()
}

/// Whether a cell of a CSV file contains the expected value.
fn is_in_csv(cell: &str, expected: &Expected, zone: &TimeZone) -> bool {
    match expected {
        Expected::Text(Source { text, in_csv: InCsv::Unchanged }) | Expected::Number(_, text) => {
            cell == text
        }
        Expected::Text(Source { text, in_csv }) => {
            let kept = text.chars().filter(|c| !c.is_control() || "\t\r\n".contains(*c));
            let is_prefixed = cell.starts_with('\'') || *in_csv != InCsv::Prefixed;
            is_prefixed && cell_text::unprotect(cell) == kept.collect::<String>()
        }
        Expected::Flag(flag) => cell == flag.to_string(),
        Expected::Day(day) => cell == day.to_string(),
        Expected::Moment(at) => cell == local(*at, zone).strftime(DATE_FORMAT).to_string(),
    }
}

/// Whether a spreadsheet's cell contains the expected value.
fn is_in_xlsx(cell: &Data, expected: &Expected, zone: &TimeZone) -> bool {
    match (expected, cell) {
        (Expected::Text(source), cell) => *cell == expected_in_xlsx(&source.text),
        (Expected::Number(value, _), Data::Float(read)) => read == value,
        (Expected::Flag(flag), Data::Bool(read)) => read == flag,
        (Expected::Moment(at), cell) => is_date(cell, local(*at, zone), DATE_FORMAT),
        (Expected::Day(day), cell) => is_date(cell, day.at(0, 0, 0, 0), "%Y-%m-%d"),
        _ => false,
    }
}

/// Whether a cell contains this date, or contains it as text if the date is before a spreadsheet's
/// calendar.
fn is_date(cell: &Data, expected: civil::DateTime, as_text: &str) -> bool {
    match cell {
        Data::DateTime(read) => {
            let days = expected.duration_since(civil::date(1899, 12, 30).at(0, 0, 0, 0));
            (read.as_f64() - days.as_secs_f64() / 86_400.0).abs() < 0.1 / 86_400.0
        }
        Data::String(read) => {
            expected.date() < civil::date(1900, 3, 1)
                && *read == expected.strftime(as_text).to_string()
        }
        _ => false,
    }
}

/// Checks the XML files in a workbook directly, without a spreadsheet reader.
fn assert_xml_is_safe(path: &std::path::Path, rows: usize) {
    let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut sheet_rows = 0;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut xml = String::new();
        entry.read_to_string(&mut xml).unwrap();
        let legal = |it: char| {
            matches!(it, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
                || it >= '\u{10000}'
        };
        assert!(xml.chars().all(legal), "{name} contains a character that XML does not allow");
        for forbidden in ["<f>", "<f ", "<hyperlink", "ddeLink", "externalLink", "<oleObject"] {
            assert!(!xml.contains(forbidden), "{name} contains {forbidden}");
        }
        if name.starts_with("xl/worksheets/") {
            sheet_rows += xml.matches("<row ").count();
        }
    }
    assert_eq!(sheet_rows, rows + 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_of_any_contact_can_be_read_back_from_both_formats(
        contacts in vec(contact(), 1..12),
        zone in select(vec!["Asia/Jakarta", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "UTC"]),
    ) {
        let zone = TimeZone::get(zone).unwrap();
        let (sources, expected): (Vec<_>, Vec<_>) = contacts.into_iter().unzip();

        let written = export(Format::Csv, &sources, &zone);
        prop_assert_eq!(written.rows, u64::try_from(sources.len()).unwrap());
        let rows = read_csv(&std::fs::read(written.file.path()).unwrap());
        prop_assert_eq!(rows.len(), expected.len());
        for (row, expected) in rows.iter().zip(&expected) {
            prop_assert_eq!(row.len(), expected.len());
            for (cell, expected) in row.iter().zip(expected) {
                prop_assert!(is_in_csv(cell, expected, &zone), "{:?} became {:?}", expected, cell);
            }
        }

        let file = export(Format::Xlsx, &sources, &zone).file;
        let mut book: Xlsx<_> = open_workbook(file.path()).unwrap();
        let range = book.worksheet_range("Contacts").unwrap();
        for (row, expected) in (1u32..).zip(&expected) {
            for (column, expected) in (0u32..).zip(expected) {
                let cell = range.get_value((row, column)).cloned().unwrap_or_default();
                prop_assert!(is_in_xlsx(&cell, expected, &zone), "{:?} became {:?}", expected, cell);
            }
        }
        assert_xml_is_safe(file.path(), sources.len());
    }
}
