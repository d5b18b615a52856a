//! Whole contacts with nasty values, through rows and writer into both formats, and back by
//! independent readers. What must come back is said once more here, from the source.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
    thread,
};

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
    contact::Contact,
    export::{Column, Field, Format},
    locale::Locale,
};
use tokio::sync::mpsc::channel;

use crate::{
    file::tests::{expected_in_xlsx, nasty_texts, read_csv},
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

const MOMENT: &str = "%Y-%m-%d %H:%M:%S";

/// A text, and whether a spreadsheet that opens it in a CSV would run it.
#[derive(Clone, Debug)]
struct Source {
    text: String,
    runs: bool,
}

/// What a cell was made of.
#[derive(Clone, Debug)]
enum Wanted {
    Text(Source),
    Number(f64, String),
    Flag(bool),
    Moment(Timestamp),
    Day(civil::Date),
}

fn source(text: impl Strategy<Value = String>, runs: bool) -> impl Strategy<Value = Source> {
    text.prop_map(move |text| Source { text, runs })
}

/// What stays as it is in a CSV: phones and plain numbers, whatever their sign.
fn harmless() -> impl Strategy<Value = Source> {
    prop_oneof![
        source("\\+62[0-9]{5,12}", false),
        source("\\+62 \\(812\\) 345-[0-9]{3}", false),
        source("\\+1-926-660-[0-9]{4}x[0-9]{1,5}", false),
        source("00[0-9]{2}", false),
        source("[0-9]{20}", false),
        source("[+-][0-9]{1,9}(\\.[0-9]{1,4})?", false),
        source(
            select(vec!["null", "NULL", "None", "NaN", "#N/A", "true", "1e5"])
                .prop_map(str::to_owned),
            false
        ),
    ]
}

/// What a spreadsheet would run: formulas of every lead character, DDE.
fn running() -> impl Strategy<Value = Source> {
    prop_oneof![
        source("(?s)[=@\t\r].{0,20}", true),
        source("(?s)[+-][A-Za-z(=].{0,20}", true),
        source("=cmd\\|' /C calc'!A[0-9]", true),
        source("=DDE\\(\"cmd\";\"/C calc\";\"x\"\\)", true),
        source("\\+[0-9]{5,8}=[0-9]", true),
    ]
}

/// Anything else, out of every plane.
fn plain() -> impl Strategy<Value = Source> {
    let chars = any::<char>().prop_map(|it| format!("a{it}"));
    let nasty =
        nasty_texts().into_iter().filter(|it| !it.starts_with(['=', '@', '\t', '\r', '+', '-']));
    prop_oneof![
        source("(?s)[^=@\t\r+\\-].{0,30}", false),
        source(chars, false),
        source(select(nasty.collect::<Vec<_>>()), false),
        source((32_700usize..32_800).prop_map(|units| "x".repeat(units)), false),
        source((16_380usize..16_390).prop_map(|pairs| "😀".repeat(pairs)), false),
    ]
}

fn text() -> impl Strategy<Value = Source> {
    prop_oneof![harmless(), running(), plain()]
}

/// Several texts in one cell: the first tells whether it runs, unless all are phones.
fn list() -> impl Strategy<Value = Vec<Source>> {
    prop_oneof![
        vec(source("\\+62[0-9]{5,12}", false), 0..4),
        vec(plain(), 1..3),
        vec(running(), 1..3),
    ]
}

/// Moments around the zones' midnights, around a jump of the clocks, and beyond a spreadsheet's
/// calendar.
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

/// A number in JSON, and what a cell makes of it: text, where a spreadsheet would change it.
fn number() -> impl Strategy<Value = (Number, Wanted)> {
    prop_oneof![
        any::<i32>()
            .prop_map(|it| (Number::from(it), Wanted::Number(f64::from(it), it.to_string()))),
        (-1_000_000i32..1_000_000).prop_map(|it| {
            let value = f64::from(it) / 1000.0;
            let number = Number::from_f64(value).unwrap();
            (number.clone(), Wanted::Number(value, number.to_string()))
        }),
        (1_000_000_000_000_000u64..).prop_map(|it| {
            let text = it.to_string();
            (Number::from(it), Wanted::Text(Source { text, runs: false }))
        }),
    ]
}

prop_compose! {
    fn contact()(
        name in text(), external_id in harmless(), phones in list(), tags in list(),
        company in text(), created_at in moment(), free in text(), (number, shown) in number(),
        flag in any::<bool>(), since in 0i32..80_000, values in list(), at in any::<Index>(),
    ) -> (Contact, Vec<Wanted>) {
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
        let joined = |all: &[Source]| Wanted::Text(Source {
            text: texts(all).join("; "),
            runs: all.first().is_some_and(|it| it.runs),
        });
        let nothing = || Wanted::Text(Source { text: String::new(), runs: false });
        let deep = Source { text: deep.to_string(), runs: false };
        let wanted = vec![
            Wanted::Text(name), Wanted::Text(external_id), joined(&phones), joined(&tags),
            Wanted::Text(company), Wanted::Moment(created_at), Wanted::Text(free), shown,
            Wanted::Flag(flag), joined(&values), Wanted::Text(deep), nothing(), Wanted::Day(since),
        ];
        (serde_json::from_value(contact).unwrap(), wanted)
    }
}

/// Writes the contacts as an export does.
fn export(format: Format, contacts: &[Contact], zone: &TimeZone) -> Written {
    let (feed, feed_out) = channel(2);
    let plan = FilePlan {
        format,
        locale: Locale::En,
        max_rows: Limits::default().rows_of(FIELDS.len()),
        rows: RowPlan {
            columns: FIELDS.map(|it| Column::of(it.parse::<Field>().unwrap(), Locale::En)).to_vec(),
            zone: zone.clone(),
            teams: HashMap::new(),
            people: HashMap::new(),
            dates: HashSet::from(["since".to_owned()]),
        },
    };
    let writer = thread::spawn(move || write(&plan, feed_out, &Progress::default()).unwrap());
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
    at.to_zoned(zone.clone()).datetime().with().subsec_nanosecond(0).build().unwrap()
}

fn in_csv(wanted: &Wanted, zone: &TimeZone) -> String {
    match wanted {
        Wanted::Text(Source { text, runs: true }) => format!("'{text}"),
        Wanted::Text(Source { text, runs: false }) | Wanted::Number(_, text) => text.clone(),
        Wanted::Flag(flag) => flag.to_string(),
        Wanted::Day(day) => day.to_string(),
        Wanted::Moment(at) => local(*at, zone).strftime(MOMENT).to_string(),
    }
}

/// Whether a spreadsheet's cell holds what was wanted.
fn is_in_xlsx(cell: &Data, wanted: &Wanted, zone: &TimeZone) -> bool {
    match (wanted, cell) {
        (Wanted::Text(source), cell) => *cell == expected_in_xlsx(&source.text),
        (Wanted::Number(value, _), Data::Float(read)) => read == value,
        (Wanted::Flag(flag), Data::Bool(read)) => read == flag,
        (Wanted::Moment(at), cell) => is_date(cell, local(*at, zone), MOMENT),
        (Wanted::Day(day), cell) => is_date(cell, day.at(0, 0, 0, 0), "%Y-%m-%d"),
        _ => false,
    }
}

/// Whether a cell is this date, or its text where it is before a spreadsheet's calendar.
fn is_date(cell: &Data, wanted: civil::DateTime, as_text: &str) -> bool {
    match cell {
        Data::DateTime(read) => {
            let days = wanted.duration_since(civil::date(1899, 12, 30).at(0, 0, 0, 0));
            (read.as_f64() - days.as_secs_f64() / 86_400.0).abs() < 0.1 / 86_400.0
        }
        Data::String(read) => {
            wanted.date() < civil::date(1900, 3, 1) && *read == wanted.strftime(as_text).to_string()
        }
        _ => false,
    }
}

/// The second check of a workbook: what its XML itself says.
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
        assert!(xml.chars().all(legal), "{name} holds a character that XML has no place for");
        for forbidden in ["<f>", "<f ", "<hyperlink", "ddeLink", "externalLink", "<oleObject"] {
            assert!(!xml.contains(forbidden), "{name} holds {forbidden}");
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
        let (sources, wanted): (Vec<_>, Vec<_>) = contacts.into_iter().unzip();

        let written = export(Format::Csv, &sources, &zone);
        prop_assert_eq!(written.rows, u64::try_from(sources.len()).unwrap());
        let rows = read_csv(&std::fs::read(written.file.path()).unwrap());
        prop_assert_eq!(rows.len(), wanted.len());
        for (row, wanted) in rows.iter().zip(&wanted) {
            let wanted: Vec<_> = wanted.iter().map(|it| in_csv(it, &zone)).collect();
            prop_assert_eq!(row, &wanted);
        }

        let file = export(Format::Xlsx, &sources, &zone).file;
        let mut book: Xlsx<_> = open_workbook(file.path()).unwrap();
        let range = book.worksheet_range("Contacts").unwrap();
        for (row, wanted) in (1u32..).zip(&wanted) {
            for (column, wanted) in (0u32..).zip(wanted) {
                let cell = range.get_value((row, column)).cloned().unwrap_or_default();
                prop_assert!(is_in_xlsx(&cell, wanted, &zone), "{:?} became {:?}", wanted, cell);
            }
        }
        assert_xml_is_safe(file.path(), sources.len());
    }
}
