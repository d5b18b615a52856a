//! XLSX, in memory that does not grow with the rows: each sheet's XML goes to a temporary file
//! and is zipped at the end. It takes about 1.4 KB of disk per row of 20 columns, and the
//! finished file beside it.
//!
//! Cells are only ever written as text, number, date or boolean: a formula or a link cannot
//! come about, whatever the text looks like.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use jiff::civil::DateTime;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};
use shared::contact::FieldType;
use shared::export::{Column, Field};

use crate::cell::{Cell, date_text, spreadsheet_text};
use crate::file::{FileError, Halt};

/// Rows of data in a sheet: the format's 1,048,576 less the header.
pub const ROWS_PER_SHEET: u32 = 1_048_575;

/// The most bytes of XML, which stand on disk until they are zipped into the file beside them:
/// room for 100 million usual cells (docs/exports.md, "Sizes"). Cells may be far from usual, and a
/// full disk would end the attempt without a reason that anybody could be told.
pub const MAX_XML_BYTES: u64 = 7_000_000_000;

/// From so many bytes of XML on, a sheet may be past the 4 GiB that a ZIP file's plain form holds, and
/// the workbook is one with ZIP64. Not before: some readers know the plain form alone.
const ZIP64_XML_BYTES: u64 = 3_500_000_000;

/// What a cell takes beside its text: its tags, place and format.
const CELL_XML_BYTES: u64 = 50;

/// What a row takes beside its cells.
const ROW_XML_BYTES: u64 = 40;

const DATE_FORMAT: &str = "yyyy-mm-dd hh:mm:ss";
const DAY_FORMAT: &str = "yyyy-mm-dd";

/// A workbook that is being written.
pub struct XlsxFile {
    workbook: Workbook,
    columns: Vec<Column>,
    title: String,
    formats: Formats,
    limits: Limits,
    xml_bytes: u64,
    sheets: usize,
    rows_in_sheet: u32,
    cut_cells: u64,
}

/// Where a sheet and a workbook end.
#[derive(Clone, Copy)]
struct Limits {
    rows_per_sheet: u32,
    xml_bytes: u64,
    zip64_xml_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_per_sheet: ROWS_PER_SHEET,
            xml_bytes: MAX_XML_BYTES,
            zip64_xml_bytes: ZIP64_XML_BYTES,
        }
    }
}

/// How dates are shown.
struct Formats {
    date: Format,
    day: Format,
}

impl XlsxFile {
    /// Starts a workbook whose first sheet is called `title` and the next `title 2`. Its temporary
    /// files are kept in `directory`.
    ///
    /// # Errors
    /// The disk's, or a title that no sheet may have (empty, over 31 characters, `[]:*?/\`).
    pub fn create(directory: &Path, title: &str, columns: &[Column]) -> Result<Self, FileError> {
        Self::with_limits(directory, title, columns, Limits::default())
    }

    fn with_limits(
        directory: &Path,
        title: &str,
        columns: &[Column],
        limits: Limits,
    ) -> Result<Self, FileError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(directory)?;
        // The library would otherwise stamp the file with the machine's clock.
        let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let mut file = Self {
            workbook,
            columns: columns.to_vec(),
            title: title.to_owned(),
            formats: Formats {
                date: Format::new().set_num_format(DATE_FORMAT),
                day: Format::new().set_num_format(DAY_FORMAT),
            },
            limits,
            xml_bytes: 0,
            sheets: 0,
            rows_in_sheet: 0,
            cut_cells: 0,
        };
        file.open_sheet()?;
        Ok(file)
    }

    /// Adds a row, on a new sheet when this one is full.
    ///
    /// # Errors
    /// The disk's, a row that has not one cell for each column, or [`FileError::TooLarge`].
    ///
    /// # Panics
    /// `rust_xlsxwriter` panics when the disk is full; whoever runs this on a thread gets that
    /// as the thread's failure.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        if cells.len() != self.columns.len() {
            return Err(FileError::RowWidth { cells: cells.len(), columns: self.columns.len() });
        }
        self.xml_bytes += ROW_XML_BYTES + cells.iter().map(xml_bytes).sum::<u64>();
        if self.xml_bytes > self.limits.xml_bytes {
            return Err(FileError::TooLarge);
        }
        if self.rows_in_sheet == self.limits.rows_per_sheet {
            self.close_sheet()?;
            self.open_sheet()?;
        }
        self.rows_in_sheet += 1;
        let row = self.rows_in_sheet;
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (column, cell) in (0..).zip(cells) {
            if write_cell(sheet, row, column, cell, &self.formats)? {
                self.cut_cells += 1;
            }
        }
        Ok(())
    }

    /// Zips the sheets into the finished file at `path`. Returns how many cells were too long and
    /// end with a mark.
    ///
    /// # Errors
    /// The disk's, or that it had to halt.
    ///
    /// # Panics
    /// As [`XlsxFile::row`].
    pub fn finish(mut self, path: &Path, halt: &Halt) -> Result<u64, FileError> {
        self.close_sheet()?;
        self.workbook.use_zip_large_file(self.xml_bytes >= self.limits.zip64_xml_bytes);
        self.workbook.save_to_writer(Wanted { file: File::create(path)?, halt })?;
        Ok(self.cut_cells)
    }

    fn open_sheet(&mut self) -> Result<(), FileError> {
        self.sheets += 1;
        self.rows_in_sheet = 0;
        let name = match self.sheets {
            1 => self.title.clone(),
            number => format!("{} {number}", self.title),
        };
        let header_format = Format::new().set_bold();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (index, column) in (0..).zip(&self.columns) {
            sheet.set_column_width(index, width(column))?;
            let (label, _) = spreadsheet_text(&column.label);
            sheet.write_string_with_format(0, index, label, &header_format)?;
        }
        Ok(())
    }

    fn close_sheet(&mut self) -> Result<(), FileError> {
        if let Some(last) = u16::try_from(self.columns.len()).ok().and_then(|it| it.checked_sub(1))
        {
            let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
            sheet.autofilter(0, 0, self.rows_in_sheet, last)?;
        }
        Ok(())
    }
}

/// A file that can be written to for as long as it is wanted.
struct Wanted<'a> {
    file: File,
    halt: &'a Halt,
}

impl Write for Wanted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.halt.is_set() {
            true => Err(io::Error::other("writing was cancelled")),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// About what a cell takes in a sheet's XML; never much less.
fn xml_bytes(cell: &Cell<'_>) -> u64 {
    let text = match cell {
        Cell::Empty => return 0,
        Cell::Text(text) => text.len() + text.bytes().map(escape_bytes).sum::<usize>(),
        Cell::Number(_) | Cell::Date(_) | Cell::Day(_) | Cell::Boolean(_) => 0,
    };
    CELL_XML_BYTES + u64::try_from(text).unwrap_or(u64::MAX)
}

/// What a byte of text takes in XML beside itself, at most.
fn escape_bytes(byte: u8) -> usize {
    match byte {
        b'&' => "&amp;".len() - 1,
        b'<' | b'>' => "&lt;".len() - 1,
        // A CR becomes `_x000D_`, and so does the first byte of a text that looks like that.
        b'\r' | b'_' => "_x000D_".len() - 1,
        _ => 0,
    }
}

/// Writes one cell; true when it had to be cut.
fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell<'_>,
    formats: &Formats,
) -> Result<bool, FileError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => {
            let (text, cut) = spreadsheet_text(text);
            sheet.write_string(row, column, text)?;
            return Ok(cut);
        }
        Cell::Number(number) => {
            sheet.write_number(row, column, number.value())?;
        }
        Cell::Date(date) => match excel_date(*date) {
            Some(date) => {
                sheet.write_datetime_with_format(row, column, &date, &formats.date)?;
            }
            None => {
                sheet.write_string(row, column, date_text(*date))?;
            }
        },
        Cell::Day(day) => match excel_date(day.at(0, 0, 0, 0)) {
            Some(date) => {
                sheet.write_datetime_with_format(row, column, &date, &formats.day)?;
            }
            None => {
                sheet.write_string(row, column, day.to_string())?;
            }
        },
        Cell::Boolean(value) => {
            sheet.write_boolean(row, column, *value)?;
        }
    }
    Ok(false)
}

/// A spreadsheet's dates start in 1900, and its calendar is right from March of that year on;
/// what is before stays text.
fn excel_date(date: DateTime) -> Option<ExcelDateTime> {
    if date.date() < jiff::civil::date(1900, 3, 1) {
        return None;
    }
    let year = u16::try_from(date.year()).ok()?;
    let month = u8::try_from(date.month()).ok()?;
    let day = u8::try_from(date.day()).ok()?;
    let hour = u16::try_from(date.hour()).ok()?;
    let minute = u8::try_from(date.minute()).ok()?;
    ExcelDateTime::from_ymd(year, month, day)
        .and_then(|it| it.and_hms(hour, minute, date.second()))
        .ok()
}

/// Characters that fit: by what the field holds, wider for a long label and its filter button.
fn width(column: &Column) -> f64 {
    const BUTTON: usize = 4;
    const WIDEST: usize = 60;
    let content: usize = match (&column.field, column.field.field_type()) {
        (Field::Id | Field::OwnerId | Field::AssigneeId, _) => 38,
        (Field::Email | Field::Name | Field::CompanyName, _) => 28,
        (_, FieldType::List) => 32,
        (_, FieldType::Text | FieldType::Number | FieldType::Boolean | FieldType::Date) => 20,
    };
    let label = (column.label.chars().count() + BUTTON).min(WIDEST);
    u32::try_from(content.max(label)).map_or(20.0, f64::from)
}

#[cfg(test)]
#[path = "xlsx_tests.rs"]
mod tests;
