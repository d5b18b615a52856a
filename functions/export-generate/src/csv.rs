//! CSV: UTF-8 with BOM, CRLF, quoted as RFC 4180 has it.
//!
//! The BOM is what makes spreadsheets read the file as UTF-8. Nothing is removed or cut here:
//! those are limits of the XLSX format (SPEC §4).

use std::io::Write;

use ::csv::{IntoInnerError, Terminator, Writer, WriterBuilder};
use shared::export::Column;

use crate::cell::Cell;
use crate::file::FileError;

/// The most bytes, which stand on disk until they are uploaded: what a file of 100 million cells
/// has by far not (docs/exports.md, "Sizes").
pub const MAX_BYTES: u64 = 10_000_000_000;

/// What a cell takes beside its text: quotes and a comma.
const CELL_BYTES: u64 = 3;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// A CSV file that is being written.
pub struct CsvFile<W: Write> {
    writer: Writer<W>,
    columns: usize,
    max_bytes: u64,
    bytes: u64,
}

impl<W: Write> CsvFile<W> {
    /// Starts the file with its header. Labels are people's words, so they are made safe like
    /// any other cell.
    ///
    /// # Errors
    /// The sink's.
    pub fn create(sink: W, columns: &[Column]) -> Result<Self, FileError> {
        Self::with_limit(sink, columns, MAX_BYTES)
    }

    fn with_limit(mut sink: W, columns: &[Column], max_bytes: u64) -> Result<Self, FileError> {
        sink.write_all(BOM)?;
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(sink);
        let mut file = Self { writer, columns: columns.len(), max_bytes, bytes: 0 };
        let header: Vec<_> = columns.iter().map(|it| Cell::text(it.label.as_str())).collect();
        file.row(&header)?;
        Ok(file)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The sink's, a row that has not one cell for each column, or [`FileError::TooLarge`].
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        if cells.len() != self.columns {
            return Err(FileError::RowWidth { cells: cells.len(), columns: self.columns });
        }
        for cell in cells {
            let text = cell.csv_text();
            self.bytes += CELL_BYTES + u64::try_from(text.len()).unwrap_or(u64::MAX);
            self.writer.write_field(text.as_bytes())?;
        }
        if self.bytes > self.max_bytes {
            return Err(FileError::TooLarge);
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

#[cfg(test)]
mod tests {
    use shared::export::Field;
    use shared::locale::Locale;

    use super::*;

    #[test]
    fn a_file_ends_before_the_disk_does() {
        let columns = [Column::of(Field::Name, Locale::En)];
        let mut file = CsvFile::with_limit(Vec::new(), &columns, 20).unwrap();
        assert!(file.row(&[Cell::text("abc")]).is_ok());
        assert!(matches!(file.row(&[Cell::text("abcdefgh")]), Err(FileError::TooLarge)));
    }
}
