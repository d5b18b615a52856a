//! CSV: UTF-8 with BOM, CRLF, quoted as RFC 4180 has it.
//!
//! The BOM is what makes spreadsheets read the file as UTF-8. Nothing is removed or cut here:
//! those are limits of the XLSX format (SPEC §4).

use std::io::Write;

use ::csv::{IntoInnerError, Terminator, Writer, WriterBuilder};
use shared::export::Column;

use crate::cell::Cell;
use crate::file::FileError;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A CSV file that is being written.
pub struct CsvFile<W: Write> {
    writer: Writer<W>,
    columns: usize,
}

impl<W: Write> CsvFile<W> {
    /// Starts the file with its header. Labels are people's words, so they are made safe like
    /// any other cell.
    ///
    /// # Errors
    /// The sink's.
    pub fn create(mut sink: W, columns: &[Column]) -> Result<Self, FileError> {
        sink.write_all(BOM)?;
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(sink);
        let mut file = Self { writer, columns: columns.len() };
        let header: Vec<_> = columns.iter().map(|it| Cell::text(it.label.as_str())).collect();
        file.row(&header)?;
        Ok(file)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The sink's, or a row that has not one cell for each column.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        if cells.len() != self.columns {
            return Err(FileError::RowWidth { cells: cells.len(), columns: self.columns });
        }
        for cell in cells {
            self.writer.write_field(cell.csv_text().as_bytes())?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Writes what is still held back and returns the sink.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(self) -> Result<W, FileError> {
        let mut sink = self.writer.into_inner().map_err(IntoInnerError::into_error)?;
        sink.flush()?;
        Ok(sink)
    }
}
