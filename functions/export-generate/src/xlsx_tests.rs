use std::io::Read;
use std::path::PathBuf;

use calamine::{Data, Reader, Xlsx, open_workbook};
use shared::locale::Locale;
use tempfile::TempDir;

use super::*;
use crate::file::tests::settings;

fn columns() -> Vec<Column> {
    [Field::Name, Field::Phone, Field::CreatedAt]
        .into_iter()
        .map(|field| Column::new(field, Locale::En))
        .collect()
}

fn contacts() -> FileSettings {
    settings(shared::export::Format::Xlsx)
}

struct Saved {
    directory: TempDir,
    cut_cells: u64,
}

impl Saved {
    fn path(&self) -> PathBuf {
        self.directory.path().join("saved")
    }
}

fn write(rows_per_sheet: u32, rows: &[Vec<Cell<'_>>]) -> Saved {
    let limits = WorkbookLimits { rows_per_sheet, ..WorkbookLimits::default() };
    write_within(limits, rows)
}

fn write_within(limits: WorkbookLimits, rows: &[Vec<Cell<'_>>]) -> Saved {
    let directory = tempfile::tempdir().unwrap();
    let mut file =
        XlsxFile::with_limits(directory.path(), &contacts(), &columns(), limits).unwrap();
    for row in rows {
        file.row(row).unwrap();
    }
    let cut_cells =
        file.finish(&directory.path().join("saved"), &CancellationToken::new()).unwrap();
    Saved { directory, cut_cells }
}

fn named(name: &str) -> Vec<Cell<'_>> {
    vec![Cell::text(name), Cell::Empty, Cell::Empty]
}

fn part(file: &Saved, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file.path()).unwrap()).unwrap();
    let mut xml = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut xml).unwrap();
    xml
}

#[test]
fn every_sheet_has_a_bold_frozen_header_and_an_autofilter() {
    let file = write(2, &[named("a"), named("b"), named("c")]);
    for (sheet, range) in [("sheet1", "A1:C3"), ("sheet2", "A1:C2")] {
        let xml = part(&file, &format!("xl/worksheets/{sheet}.xml"));
        assert!(xml.contains(r#"<pane ySplit="1""#) && xml.contains(r#"state="frozen""#), "{xml}");
        assert!(xml.contains(&format!(r#"<autoFilter ref="{range}"/>"#)), "{xml}");
        assert!(xml.contains(r#"<c r="A1" s="1" t="inlineStr">"#), "{xml}");
        // Adjacent columns of the same width share one `col` element.
        for columns in [r#"<col min="1" max="1" width="28."#, r#"<col min="2" max="3" width="20."#]
        {
            assert!(xml.contains(columns), "{xml}");
        }
    }
    let styles = part(&file, "xl/styles.xml");
    assert_eq!(styles.matches("<b/>").count(), 1, "{styles}");
}

#[test]
fn rows_over_the_limit_go_to_a_second_sheet_with_the_same_header() {
    let rows = [named("1"), named("2"), named("3"), named("4"), named("5")];
    let file = write(2, &rows);
    let mut book: Xlsx<_> = open_workbook(file.path()).unwrap();
    assert_eq!(book.sheet_names(), ["Contacts", "Contacts 2", "Contacts 3"]);
    let mut seen = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).unwrap();
        let mut lines = range.rows();
        assert_eq!(lines.next().unwrap()[0], Data::String("Name".to_owned()));
        seen.extend(lines.map(|row| row[0].to_string()));
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_full_sheet_does_not_start_an_empty_sheet() {
    let file = write(2, &[named("1"), named("2")]);
    let book: Xlsx<_> = open_workbook(file.path()).unwrap();
    assert_eq!(book.sheet_names().len(), 1);
}

#[test]
fn an_export_without_rows_has_only_a_header() {
    let file = write(2, &[]);
    let mut book: Xlsx<_> = open_workbook(file.path()).unwrap();
    let range = book.worksheet_range("Contacts").unwrap();
    assert_eq!(range.rows().count(), 1);
    assert!(part(&file, "xl/worksheets/sheet1.xml").contains(r#"<autoFilter ref="A1:C1"/>"#));
}

#[test]
fn no_cell_text_becomes_a_formula_or_a_link() {
    let evil = ["=1+1", "{=1+1}", "@A1", "+1", "-1", "https://evil.example", "mailto:a@b.example"];
    let rows: Vec<_> = evil.into_iter().map(named).collect();
    let file = write(ROWS_PER_SHEET, &rows);
    let xml = part(&file, "xl/worksheets/sheet1.xml");
    for tag in ["<f>", "<f ", "<hyperlink", "t=\"str\""] {
        assert!(!xml.contains(tag), "{tag} in {xml}");
    }
}

#[test]
fn the_properties_have_the_time_the_title_and_the_application() {
    let file = write(2, &[named("a")]);
    let core = part(&file, "docProps/core.xml");
    let created = r#"<dcterms:created xsi:type="dcterms:W3CDTF">2026-11-21T20:00:00Z<"#;
    assert!(core.contains(created), "{core}");
    assert!(core.contains("<dc:title>Jakarta &amp; co</dc:title>"), "{core}");
    let app = part(&file, "docProps/app.xml");
    assert!(app.contains("<Application>Contact Service</Application>"), "{app}");
    let names: Vec<_> = std::fs::read_dir(file.directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "only the finished file is left");
}

#[test]
fn a_long_number_is_shown_in_full() {
    let rows: Vec<_> =
        ["99999999999", "123456789012", "-123456789012345", "123456789012.25", "1e14"]
            .map(|number| vec![Cell::number(number), Cell::Empty, Cell::Empty])
            .into();
    let file = write(ROWS_PER_SHEET, &rows);
    let styles = part(&file, "xl/styles.xml");
    assert!(styles.contains(r#"formatCode="0.0##""#), "{styles}");
    let sheet = part(&file, "xl/worksheets/sheet1.xml");
    let style = |cell: &str| {
        let (_, rest) = sheet.split_once(&format!(r#"<c r="{cell}""#)).unwrap();
        rest.split_once('>').unwrap().0.trim().to_owned()
    };
    assert_eq!(style("A2"), "", "General shows 11 digits");
    assert_ne!(style("A3"), "");
    assert_eq!(style("A3"), style("A4"));
    assert_ne!(style("A3"), style("A5"));
    assert_eq!(style("A3"), style("A6"));
}

#[test]
fn cut_cells_are_counted() {
    let long = "x".repeat(40_000);
    let file = write(ROWS_PER_SHEET, &[named(&long), named("short"), named(&long)]);
    assert_eq!(file.cut_cells, 2);
}

#[test]
fn dates_outside_the_spreadsheet_calendar_stay_text() {
    for (text, in_calendar) in [
        ("1899-12-31T23:59:59", false),
        ("1900-02-28T00:00:00", false),
        ("1900-03-01T00:00:00", true),
        ("9999-12-31T23:59:59", true),
    ] {
        let date: DateTime = text.parse().unwrap();
        assert_eq!(excel_date(date).is_some(), in_calendar, "{text}");
    }
}

#[test]
fn a_row_with_the_wrong_number_of_cells_is_refused() {
    let parent = std::env::temp_dir();
    let mut file = XlsxFile::create(&parent, &contacts(), &columns()).unwrap();
    let refused = file.row(&[Cell::Empty]);
    assert!(matches!(refused, Err(FileError::RowWidth { cells: 1, columns: 3 })));
}

#[test]
fn a_workbook_fails_before_the_disk_is_full() {
    let parent = std::env::temp_dir();
    let names: Vec<_> = (0..400).map(|at| format!("<{at}> & \"more\" \u{1F600}")).collect();
    let rows: Vec<_> = names.iter().map(|name| named(name)).collect();
    let xml = part(&write(ROWS_PER_SHEET, &rows), "xl/worksheets/sheet1.xml").len();
    for (tenths, fits) in [(13, true), (9, false)] {
        let xml_bytes = u64::try_from(xml * tenths / 10).unwrap();
        let limits = WorkbookLimits { xml_bytes, ..WorkbookLimits::default() };
        let mut file = XlsxFile::with_limits(&parent, &contacts(), &columns(), limits).unwrap();
        let written = rows.iter().try_for_each(|row| file.row(row));
        assert_eq!(written.is_ok(), fits, "{written:?}");
        assert!(fits || matches!(written, Err(FileError::TooLarge)));
    }
}

#[test]
fn only_a_workbook_too_large_for_plain_zip_uses_zip64() {
    let is_zip64 = |file: &Saved| {
        let bytes = std::fs::read(file.path()).unwrap();
        // The header of the first ZIP entry: the signature, and then the version that a reader
        // needs to read the entry.
        assert_eq!(&bytes[..4], b"PK\x03\x04");
        u16::from_le_bytes([bytes[4], bytes[5]]) >= 45
    };
    let large = write_within(
        WorkbookLimits { zip64_xml_bytes: 1, ..WorkbookLimits::default() },
        &[named("a")],
    );
    assert!(is_zip64(&large) && !is_zip64(&write(10, &[named("a")])));
    let mut workbook: Xlsx<_> = open_workbook(large.path()).unwrap();
    let sheet = workbook.worksheet_range("Contacts").unwrap();
    assert_eq!(sheet.get_value((1, 0)), Some(&Data::String("a".to_owned())));
}

#[test]
fn zipping_of_a_cancelled_workbook_stops_early() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = XlsxFile::create(directory.path(), &contacts(), &columns()).unwrap();
    file.row(&named("a")).unwrap();
    let cancellation = CancellationToken::new();
    cancellation.cancel();
    assert!(file.finish(&directory.path().join("saved"), &cancellation).is_err());
}
