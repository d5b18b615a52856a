//! One interface for both formats. Writing is synchronous and belongs on a blocking thread, fed
//! through a bounded channel; CSV leaves it through another one ([`ChunkSender`]) while it is
//! written, XLSX when it is finished, from disk.

use std::io::{self, Write};
use std::mem;
use std::path::Path;

use bytes::Bytes;
use shared::export::Column;
use tokio::sync::mpsc;

use crate::cell::Cell;
use crate::csv::CsvFile;
use crate::xlsx::{FinishedXlsx, XlsxFile};

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk's or the sink's failure.
    #[error("the export file could not be written")]
    Io(#[from] io::Error),
    /// The CSV writer's failure.
    #[error("the CSV file could not be written")]
    Csv(#[from] ::csv::Error),
    /// The XLSX writer's failure.
    #[error("the XLSX file could not be written")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// More than the disk holds.
    #[error("the export file is past what the disk holds")]
    TooLarge,
    /// A row that does not fit the header.
    #[error("a row has {cells} cells for {columns} columns")]
    RowWidth {
        /// Cells in the row.
        cells: usize,
        /// Columns in the header.
        columns: usize,
    },
}

/// A file of either format that is being written.
pub enum FileWriter<W: Write> {
    /// CSV, streamed to the sink.
    Csv(Box<CsvFile<W>>),
    /// XLSX, kept on disk.
    Xlsx(Box<XlsxFile>),
}

/// A finished file of either format.
#[derive(Debug)]
pub enum FinishedFile<W> {
    /// Everything has gone to the sink.
    Csv(W),
    /// The file on disk.
    Xlsx(FinishedXlsx),
}

impl<W: Write> FileWriter<W> {
    /// Starts a CSV file.
    ///
    /// # Errors
    /// See [`CsvFile::create`].
    pub fn csv(sink: W, columns: &[Column]) -> Result<Self, FileError> {
        Ok(Self::Csv(Box::new(CsvFile::create(sink, columns)?)))
    }

    /// Starts an XLSX file with its temporary files under `parent`.
    ///
    /// # Errors
    /// See [`XlsxFile::create`].
    pub fn xlsx(parent: &Path, title: &str, columns: &[Column]) -> Result<Self, FileError> {
        Ok(Self::Xlsx(Box::new(XlsxFile::create(parent, title, columns)?)))
    }

    /// Adds a row of one cell for each column.
    ///
    /// # Errors
    /// See [`CsvFile::row`] and [`XlsxFile::row`].
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        match self {
            Self::Csv(file) => file.row(cells),
            Self::Xlsx(file) => file.row(cells),
        }
    }

    /// Finishes the file.
    ///
    /// # Errors
    /// See [`CsvFile::finish`] and [`XlsxFile::finish`].
    pub fn finish(self) -> Result<FinishedFile<W>, FileError> {
        Ok(match self {
            Self::Csv(file) => FinishedFile::Csv(file.finish()?),
            Self::Xlsx(file) => FinishedFile::Xlsx(file.finish()?),
        })
    }
}

/// A sink that hands what is written to it on as chunks, and waits while the channel is full.
/// Only for blocking threads.
#[derive(Debug)]
pub struct ChunkSender {
    chunks: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

impl ChunkSender {
    /// A sink in front of this channel.
    pub fn new(chunks: mpsc::Sender<Bytes>) -> Self {
        Self { chunks, buffer: Vec::with_capacity(CHUNK_BYTES) }
    }

    fn send(&mut self) -> io::Result<()> {
        let chunk = mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        self.chunks.blocking_send(chunk.into()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for ChunkSender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
pub(crate) mod tests;
