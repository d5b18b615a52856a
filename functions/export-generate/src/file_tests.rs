use calamine::{Data, DataType, Reader, Xlsx, open_workbook};
use jiff::civil::DateTime;
use proptest::prelude::*;
use shared::cell_text;
use shared::export::{Delimiter, Field};
use shared::locale::Locale;

use super::*;
use crate::cell::{CUT_MARK, MAX_CELL_UNITS};

fn columns(count: usize) -> Vec<Column> {
    (0..count)
        .map(|index| Column::new(Field::Custom(format!("=column {index}")), Locale::En))
        .collect()
}

/// Texts that often break exports. They contain every first character of a formula, every Unicode
/// plane and every control character.
pub(crate) fn difficult_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "=HYPERLINK(\"https://evil.example\",\"x\")",
        "@SUM(1,1)",
        "+1+1",
        "-1-1",
        "+62812345678",
        "+62 (812) 345-678",
        "+1-926-660-5609x5136",
        "-5",
        "+1.5",
        "\t=1",
        "\r=1",
        "\n=1",
        "\r\n=1",
        "DDE(\"cmd\";\"/C calc\";\"x\")",
        "0012",
        "00:12",
        "12345678901234567890",
        "1e5",
        "1/2",
        "2026-11-21",
        "null",
        "NULL",
        "None",
        "NaN",
        "#N/A",
        "TRUE",
        "true",
        "",
        " ",
        "  both  ",
        "\"",
        "\"\"",
        "a\"b",
        "a,b",
        "a;b",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\n",
        "'",
        "'=1",
        "_x0041_",
        "_x000D_",
        "_x005F_",
        "_x0041_x0042_",
        "<b>&amp;</b>",
        "]]>",
        "<![CDATA[",
        "&#13;",
        "שלום عليكم",
        "\u{202e}reversed",
        "e\u{301}\u{327}",
        "👩‍👩‍👧‍👦",
        "\u{feff}bom",
        "\u{85}",
        "\u{2028}\u{2029}",
        "\u{a0}nbsp\u{a0}",
        "\u{fffd}",
    ]
    .map(str::to_owned)
    .into();
    texts.extend((0..0x20u8).map(|control| format!("a{}b", char::from(control))));
    texts.extend((0..0x20u8).map(|control| char::from(control).to_string()));
    texts.extend((0..=0x10u32).filter_map(|plane| {
        char::from_u32((plane << 16) + 0x1234).map(|it| format!("plane {plane}: {it}"))
    }));
    texts.extend(["\u{fffe}", "\u{ffff}", "\u{1fffe}", "\u{10ffff}", "\u{7f}"].map(str::to_owned));
    for length in [MAX_CELL_UNITS - 1, MAX_CELL_UNITS, MAX_CELL_UNITS + 1] {
        texts.push("x".repeat(length));
        texts.push(format!("{}😀", "x".repeat(length - 1)));
        texts.push(format!("={}", "é".repeat(length - 1)));
    }
    texts
}

pub(crate) fn settings(format: Format) -> FileSettings {
    FileSettings {
        format,
        delimiter: Delimiter::Comma,
        sheet_name: "Contacts".to_owned(),
        title: "Jakarta & co".to_owned(),
        created_at: "2026-11-21T20:00:00Z".parse().unwrap(),
    }
}

fn write(format: Format, columns: &[Column], rows: &[Vec<Cell<'_>>]) -> FinishedFile {
    let parent = std::env::temp_dir();
    let mut file = FileWriter::create(&settings(format), &parent, columns).unwrap();
    for row in rows {
        file.row(row).unwrap();
    }
    file.finish(&CancellationToken::new()).unwrap()
}

fn write_csv(columns: &[Column], rows: &[Vec<Cell<'_>>]) -> Vec<u8> {
    std::fs::read(write(Format::Csv, columns, rows).path()).unwrap()
}

fn write_xlsx(columns: &[Column], rows: &[Vec<Cell<'_>>]) -> FinishedFile {
    write(Format::Xlsx, columns, rows)
}

/// The rows of a CSV file without its byte order mark and its header.
pub(crate) fn read_csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).expect("the file starts with a BOM");
    let mut reader = ::csv::Reader::from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn read_xlsx(file: &FinishedFile, rows: usize, columns: usize) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = open_workbook(file.path()).unwrap();
    let range = book.worksheet_range("Contacts").unwrap();
    let value = |row: usize, column: usize| {
        let at = (u32::try_from(row).unwrap(), u32::try_from(column).unwrap());
        range.get_value(at).cloned().unwrap_or_default()
    };
    (1..=rows).map(|row| (0..columns).map(|column| value(row, column)).collect()).collect()
}

/// The cell that SPEC §4 requires for a text in XLSX. It does not use the code under test.
pub(crate) fn expected_in_xlsx(text: &str) -> Data {
    let legal: Vec<u16> = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|it| {
            let legal_control = matches!(it, '\t' | '\n' | '\r');
            (legal_control || *it >= ' ') && !matches!(it, '\u{fffe}' | '\u{ffff}')
        })
        .collect::<String>()
        .encode_utf16()
        .collect();
    if legal.is_empty() {
        return Data::Empty;
    }
    if legal.len() <= MAX_CELL_UNITS {
        return Data::String(String::from_utf16(&legal).unwrap());
    }
    let whole = (MAX_CELL_UNITS - 2..MAX_CELL_UNITS)
        .rev()
        .find_map(|length| String::from_utf16(&legal[..length]).ok());
    Data::String(format!("{}{CUT_MARK}", whole.unwrap()))
}

fn assert_texts_survive(texts: &[String]) {
    let columns = columns(3);
    let rows: Vec<Vec<_>> = texts
        .iter()
        .map(|text| vec![Cell::text("left"), Cell::text(text.as_str()), Cell::text("right")])
        .collect();

    let csv = read_csv(&write_csv(&columns, &rows));
    assert_eq!(csv.len(), texts.len());
    for (row, text) in csv.iter().zip(texts) {
        let [left, read, right] = row.as_slice() else { panic!("{} cells", row.len()) };
        assert_eq!((left.as_str(), right.as_str()), ("left", "right"));
        let kept = text.chars().filter(|c| !c.is_control() || "\t\r\n".contains(*c));
        assert_eq!(cell_text::unprotect(read), kept.collect::<String>());
        assert!(!read.starts_with(['=', '@', '\t', '\r']), "{read:?} would run");
    }

    let file = write_xlsx(&columns, &rows);
    let xlsx = read_xlsx(&file, texts.len(), 3);
    let mut cut = 0;
    for (row, text) in xlsx.iter().zip(texts) {
        let expected = expected_in_xlsx(text);
        cut += u64::from(expected.get_string().is_some_and(|it| {
            it.ends_with(CUT_MARK) && text.encode_utf16().count() > MAX_CELL_UNITS
        }));
        assert!(row[1] == expected, "{text:.60?} became {:.60?}", row[1].to_string());
        assert_eq!(row[0], Data::String("left".to_owned()));
        assert_eq!(row[2], Data::String("right".to_owned()));
    }
    assert_eq!(file.cut_cells(), cut);
}

#[test]
fn difficult_texts_can_be_read_back_from_both_formats() {
    assert_texts_survive(&difficult_texts());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_read_back_from_both_formats(
        texts in proptest::collection::vec("(?s)[=+@\\-'\t\r]?.{0,40}", 1..40)
    ) {
        assert_texts_survive(&texts);
    }
}

#[test]
fn numbers_dates_and_booleans_keep_their_type() {
    let jakarta = jiff::tz::TimeZone::get("Asia/Jakarta").unwrap();
    let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let cells = vec![
        Cell::number("-12.5"),
        Cell::number("999999999999999"),
        Cell::number("12345678901234567890"),
        Cell::date(at("2026-12-31T16:59:59.999Z"), &jakarta),
        Cell::date(at("2026-12-31T17:00:00Z"), &jakarta),
        // In New York, clocks change from 02:00 to 03:00 after this second.
        Cell::date(at("2026-03-08T06:59:59Z"), &new_york),
        Cell::date(at("2026-03-08T07:00:00Z"), &new_york),
        Cell::Boolean(true),
        Cell::Empty,
    ];
    let expected = [
        "-12.5",
        "999999999999999",
        "12345678901234567890",
        "2026-12-31 23:59:59",
        "2027-01-01 00:00:00",
        "2026-03-08 01:59:59",
        "2026-03-08 03:00:00",
        "true",
        "",
    ];
    let columns = columns(cells.len());
    let rows = [cells];
    assert_eq!(read_csv(&write_csv(&columns, &rows)), [expected]);

    let xlsx = read_xlsx(&write_xlsx(&columns, &rows), 1, columns.len());
    let row = &xlsx[0];
    assert_eq!(row[0].get_float(), Some(-12.5));
    assert_eq!(row[1].get_float(), Some(999_999_999_999_999.0));
    assert_eq!(row[2], Data::String("12345678901234567890".to_owned()));
    for (data, text) in row[3..7].iter().zip(&expected[3..7]) {
        let Data::DateTime(date) = data else { panic!("{data:?} is not a date") };
        assert!(date.is_datetime());
        let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
        let read = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        assert_eq!((read.as_str(), milli), (*text, 0));
        assert!(text.parse::<DateTime>().is_ok());
    }
    assert_eq!(row[7], Data::Bool(true));
    assert_eq!(row[8], Data::Empty);
}

#[test]
fn csv_is_utf_8_with_bom_crlf_and_an_escaped_header() {
    let rows = [vec![Cell::text("a,b"), Cell::text("say \"hi\"")], vec![Cell::Empty, Cell::Empty]];
    let bytes = write_csv(&columns(2), &rows);
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "\u{feff}'=column 0,'=column 1\r\n\"a,b\",\"say \"\"hi\"\"\"\r\n,\r\n"
    );
}

#[test]
fn a_csv_row_with_the_wrong_number_of_cells_is_refused() {
    let mut file = CsvFile::create(Vec::new(), Delimiter::Comma, &columns(2)).unwrap();
    let refused = file.row(&[Cell::Empty]);
    assert!(matches!(refused, Err(FileError::RowWidth { cells: 1, columns: 2 })));
}

#[test]
fn nothing_stays_on_disk_when_a_file_is_dropped() {
    for format in [Format::Csv, Format::Xlsx] {
        let parent = tempfile::tempdir().unwrap();
        let start = || FileWriter::create(&settings(format), parent.path(), &columns(1)).unwrap();
        let count = || std::fs::read_dir(parent.path()).unwrap().count();
        let mut unfinished = start();
        unfinished.row(&[Cell::text("a")]).unwrap();
        let finished = start().finish(&CancellationToken::new()).unwrap();
        assert!(finished.path().exists() && count() == 2, "{format:?}");
        drop((unfinished, finished));
        assert_eq!(count(), 0, "{format:?}");
    }
}

#[test]
fn only_the_leftovers_of_a_killed_process_are_removed() {
    let parent = tempfile::tempdir().unwrap();
    let leftover = FileWriter::create(&settings(Format::Csv), parent.path(), &columns(1)).unwrap();
    std::fs::write(parent.path().join("other"), "kept").unwrap();
    // A killed process does not delete its directory.
    std::mem::forget(leftover);
    clear(parent.path()).unwrap();
    let names = std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["other"]);
}
