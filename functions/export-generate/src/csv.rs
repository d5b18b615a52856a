//! Writes CSV files: UTF-8 with a BOM, CRLF line endings, and quotes as in RFC 4180.
//!
//! The BOM makes spreadsheets read the file as UTF-8. Text is not cut, because only the XLSX format
//! has such a limit (SPEC §4).

use std::io::Write;

use ::csv::{IntoInnerError, Terminator, Writer, WriterBuilder};
use shared::export::{Column, Delimiter};

use crate::cell::Cell;
use crate::file_error::FileError;

/// The maximum size of a file in bytes. The file is on disk until it is uploaded. A file of 100
/// million typical cells is much smaller (docs/exports.md, "Sizes").
pub const MAX_BYTES: u64 = 10_000_000_000;

/// The number of bytes that a cell needs in addition to its text, for quotes and a delimiter.
const CELL_BYTES: u64 = 3;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// An unfinished CSV file.
pub struct CsvFile<W: Write> {
    writer: Writer<W>,
    columns: usize,
    max_bytes: u64,
    bytes: u64,
}

impl<W: Write> CsvFile<W> {
    /// Creates the file and writes its header. Labels come from users, so they are made safe like
    /// other cells.
    pub fn create(sink: W, delimiter: Delimiter, columns: &[Column]) -> Result<Self, FileError> {
        Self::with_limit(sink, delimiter, columns, MAX_BYTES)
    }

    fn with_limit(
        mut sink: W,
        delimiter: Delimiter,
        columns: &[Column],
        max_bytes: u64,
    ) -> Result<Self, FileError> {
        sink.write_all(BOM)?;
        let writer = WriterBuilder::new()
            .delimiter(delimiter.as_byte())
            .terminator(Terminator::CRLF)
            .from_writer(sink);
        let mut file = Self { writer, columns: columns.len(), max_bytes, bytes: 0 };
        let header: Vec<_> = columns.iter().map(|it| Cell::text(it.label.as_str())).collect();
        file.row(&header)?;
        Ok(file)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`FileError::RowWidth`], [`FileError::TooLarge`], or the error of the sink.
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

    /// Flushes the buffers, and returns the sink.
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
    fn a_file_over_the_size_limit_is_refused() {
        let columns = [Column::new(Field::Name, Locale::En)];
        let mut file = CsvFile::with_limit(Vec::new(), Delimiter::Comma, &columns, 20).unwrap();
        assert!(file.row(&[Cell::text("abc")]).is_ok());
        assert!(matches!(file.row(&[Cell::text("abcdefgh")]), Err(FileError::TooLarge)));
    }
}
