//! Writes XLSX files. Memory use does not depend on the number of rows: the XML of each sheet is
//! written to a temporary file and is zipped at the end. A row of 20 columns needs about 1.4 KB of
//! disk space for the XML. The finished file needs disk space in addition.
//!
//! Cells are written only as text, number, date or boolean, so that text cannot become a formula or
//! a link.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};
use shared::contact::FieldType;
use shared::export::{Column, Field};
use tokio_util::sync::CancellationToken;
use zip::{ZipArchive, ZipWriter};

use crate::cell::{Cell, SheetText, date_text, spreadsheet_text};
use crate::file_error::FileError;
use crate::settings::FileSettings;

/// The maximum number of data rows in a sheet. The format allows 1,048,576 rows, and one is the
/// header.
pub const ROWS_PER_SHEET: u32 = 1_048_575;

/// The maximum size of the XML in bytes. The XML is on disk until it is zipped, together with the
/// finished file. The XML of 100 million typical cells is smaller (docs/exports.md, "Sizes"). For
/// larger cells, this limit prevents a full disk, which would fail the export without a reason that
/// helps the requester.
pub const MAX_XML_BYTES: u64 = 7_000_000_000;

/// The size of the XML in bytes above which the workbook uses ZIP64. A sheet of a larger workbook
/// may exceed the 4 GiB that a ZIP file without ZIP64 supports. Smaller workbooks do not use ZIP64,
/// because some readers do not support it.
const ZIP64_XML_BYTES: u64 = 3_500_000_000;

/// The name of this service in the properties of a workbook.
const APPLICATION: &str = "Contact Service";

/// Integers and decimals from this size on have a number format, because a spreadsheet shows them as
/// 1.23E+11 otherwise.
const LONG_NUMBER: f64 = 1e11;
const LONG_INTEGER_FORMAT: &str = "0";
const LONG_DECIMAL_FORMAT: &str = "0.0##";

/// The number of bytes that a cell needs in addition to its text, for tags, position and format.
const CELL_XML_BYTES: u64 = 50;

/// The number of bytes that are written at once when a finished file is copied.
const COPY_BYTES: usize = 64 * 1024;

/// The number of bytes that a row needs in addition to its cells.
const ROW_XML_BYTES: u64 = 40;

const DATE_FORMAT: &str = "yyyy-mm-dd hh:mm:ss";
const DAY_FORMAT: &str = "yyyy-mm-dd";

/// An unfinished workbook.
pub struct XlsxFile {
    workbook: Workbook,
    columns: Vec<Column>,
    sheet_name: String,
    formats: Formats,
    limits: WorkbookLimits,
    xml_bytes: u64,
    sheets: usize,
    rows_in_sheet: u32,
    cut_cells: u64,
}

/// The limits of a sheet and of a workbook.
#[derive(Clone, Copy)]
struct WorkbookLimits {
    rows_per_sheet: u32,
    xml_bytes: u64,
    zip64_xml_bytes: u64,
}

impl Default for WorkbookLimits {
    fn default() -> Self {
        Self {
            rows_per_sheet: ROWS_PER_SHEET,
            xml_bytes: MAX_XML_BYTES,
            zip64_xml_bytes: ZIP64_XML_BYTES,
        }
    }
}

/// The number formats of dates and of long numbers.
struct Formats {
    date: Format,
    day: Format,
    long_integer: Format,
    long_decimal: Format,
}

impl XlsxFile {
    /// Creates a workbook. The first sheet has the name in the settings, and the second has a `2`
    /// after it. The temporary files are in `directory`.
    ///
    /// # Errors
    /// An error of the disk, or an error if the name of the sheet is not allowed (empty, longer than
    /// 31 characters, or with one of `[]:*?/\`).
    pub fn create(
        directory: &Path,
        settings: &FileSettings,
        columns: &[Column],
    ) -> Result<Self, FileError> {
        Self::with_limits(directory, settings, columns, WorkbookLimits::default())
    }

    fn with_limits(
        directory: &Path,
        settings: &FileSettings,
        columns: &[Column],
        limits: WorkbookLimits,
    ) -> Result<Self, FileError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(directory)?;
        workbook.set_properties(&properties(&settings.title, settings.created_at)?);
        let mut file = Self {
            workbook,
            columns: columns.to_vec(),
            sheet_name: settings.sheet_name.clone(),
            formats: Formats {
                date: Format::new().set_num_format(DATE_FORMAT),
                day: Format::new().set_num_format(DAY_FORMAT),
                long_integer: Format::new().set_num_format(LONG_INTEGER_FORMAT),
                long_decimal: Format::new().set_num_format(LONG_DECIMAL_FORMAT),
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

    /// Adds a row. If the current sheet is full, starts a new sheet.
    ///
    /// # Errors
    /// [`FileError::RowWidth`], [`FileError::TooLarge`], or an error of the disk.
    ///
    /// # Panics
    /// `rust_xlsxwriter` panics if the disk is full. The panic message contains the I/O error.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        if cells.len() != self.columns.len() {
            return Err(FileError::RowWidth { cells: cells.len(), columns: self.columns.len() });
        }
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
        self.xml_bytes += ROW_XML_BYTES;
        for (column, cell) in (0..).zip(cells) {
            let written = write_cell(sheet, row, column, cell, &self.formats)?;
            self.cut_cells += u64::from(written.is_cut);
            self.xml_bytes += written.xml_bytes;
        }
        Ok(())
    }

    /// Zips the sheets into the finished file at `path`. Returns the number of cells whose text was
    /// cut.
    ///
    /// # Errors
    /// An error of the disk, or an I/O error soon after `cancellation` is canceled.
    ///
    /// # Panics
    /// See [`XlsxFile::row`].
    pub fn finish(
        mut self,
        path: &Path,
        cancellation: &CancellationToken,
    ) -> Result<u64, FileError> {
        self.close_sheet()?;
        let is_huge = self.xml_bytes >= self.limits.zip64_xml_bytes;
        self.workbook.use_zip_large_file(is_huge);
        let saved = path.with_extension("saved");
        self.workbook
            .save_to_writer(CancellableFile { file: File::create(&saved)?, cancellation })?;
        let cut_cells = self.cut_cells;
        // This deletes the temporary files, whose space the copy may need.
        drop(self);
        if is_huge {
            // A second file of this size may not fit the disk.
            std::fs::rename(&saved, path)?;
        } else {
            name_application(&saved, CancellableFile { file: File::create(path)?, cancellation })?;
            std::fs::remove_file(saved)?;
        }
        Ok(cut_cells)
    }

    fn open_sheet(&mut self) -> Result<(), FileError> {
        self.sheets += 1;
        self.rows_in_sheet = 0;
        let name = match self.sheets {
            1 => self.sheet_name.clone(),
            number => format!("{} {number}", self.sheet_name),
        };
        let header_format = Format::new().set_bold();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (index, column) in (0..).zip(&self.columns) {
            let SheetText { text, .. } = spreadsheet_text(&column.label);
            sheet.write_string_with_format(0, index, text, &header_format)?;
        }
        Ok(())
    }

    fn close_sheet(&mut self) -> Result<(), FileError> {
        if let Some(last) = u16::try_from(self.columns.len()).ok().and_then(|it| it.checked_sub(1))
        {
            let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
            sheet.autofilter(0, 0, self.rows_in_sheet, last)?;
            // The library looks the settings of a column up for every cell that is written later.
            for (index, column) in (0..).zip(&self.columns) {
                sheet.set_column_width(index, width(column))?;
            }
        }
        Ok(())
    }
}

/// A file that returns an error for every write after a cancellation.
struct CancellableFile<'a> {
    file: File,
    cancellation: &'a CancellationToken,
}

impl Write for CancellableFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.cancellation.is_cancelled() {
            true => Err(io::Error::other("writing was canceled")),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The properties of a workbook. Without a time of creation, the library would use the machine's.
fn properties(title: &str, created_at: Timestamp) -> Result<DocProperties, FileError> {
    let created_at = ExcelDateTime::from_timestamp(created_at.as_second())?;
    Ok(DocProperties::new().set_title(title).set_creation_datetime(&created_at))
}

/// Copies a workbook and replaces the name of the application in it, which the library does not let
/// its users set. The other parts are copied as they are compressed.
fn name_application(from: &Path, to: CancellableFile<'_>) -> Result<(), FileError> {
    const PROPERTIES: &str = "docProps/app.xml";
    const ELEMENT: &str = "Application>";
    let mut saved = ZipArchive::new(BufReader::new(File::open(from)?))?;
    let mut named = ZipWriter::new_stream(BufWriter::with_capacity(COPY_BYTES, to));
    let properties = saved.index_for_name(PROPERTIES);
    for index in 0..saved.len() {
        if properties != Some(index) {
            named.raw_copy_file(saved.by_index_raw(index)?)?;
            continue;
        }
        let mut entry = saved.by_index(index)?;
        let mut xml = String::new();
        entry.read_to_string(&mut xml)?;
        let library = format!("<{ELEMENT}Microsoft Excel</{ELEMENT}");
        let xml = xml.replace(&library, &format!("<{ELEMENT}{APPLICATION}</{ELEMENT}"));
        named.start_file(PROPERTIES, entry.options())?;
        named.write_all(xml.as_bytes())?;
    }
    named.finish()?.flush()?;
    Ok(())
}

/// What is known about a cell after it was written.
#[derive(Default)]
struct WrittenCell {
    is_cut: bool,
    /// The size of the cell in the sheet's XML. The estimate is never much too small.
    xml_bytes: u64,
}

/// Writes one cell.
fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell<'_>,
    formats: &Formats,
) -> Result<WrittenCell, FileError> {
    let mut written = WrittenCell { is_cut: false, xml_bytes: CELL_XML_BYTES };
    match cell {
        Cell::Empty => return Ok(WrittenCell::default()),
        Cell::Text(text) => {
            let SheetText { text, is_cut, xml_bytes } = spreadsheet_text(text);
            written.is_cut = is_cut;
            written.xml_bytes += u64::try_from(xml_bytes).unwrap_or(u64::MAX);
            sheet.write_string(row, column, text)?;
        }
        Cell::Number(number) => {
            let value = number.value();
            if value.abs() < LONG_NUMBER {
                sheet.write_number(row, column, value)?;
            } else {
                let is_integer = value.fract() == 0.0;
                let format = if is_integer { &formats.long_integer } else { &formats.long_decimal };
                sheet.write_number_with_format(row, column, value, format)?;
            }
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
    Ok(written)
}

/// Converts a date to a date of the spreadsheet. Returns `None` for dates that must stay text: the
/// calendar of spreadsheets starts in 1900 and is correct only from March of that year.
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

/// The width of a column in characters. It depends on the field, and is larger for a long label,
/// which needs space for the filter button.
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
