//! One interface for both formats. Writing is synchronous and belongs on a blocking thread. A file of
//! either kind is made on disk and uploaded from there when it is whole, so that memory does not
//! grow with it.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use shared::export::{Column, Format};
use tempfile::TempDir;

use crate::cell::Cell;
use crate::csv::CsvFile;
use crate::xlsx::XlsxFile;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk's failure.
    #[error("the export file could not be written")]
    Io(#[from] io::Error),
    /// The CSV writer's failure.
    #[error("the CSV file could not be written")]
    Csv(#[from] ::csv::Error),
    /// The XLSX writer's failure.
    #[error("the XLSX file could not be written")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// More than the disk holds.
    #[error("the export file exceeds the size limit")]
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

/// What the directories begin with that files are written in.
const PREFIX: &str = "export-";

/// Takes away what a process left under `parent` that was killed: Lambda starts the next one on the
/// same disk, which would fill up, and another tenant's export would lie beside it. Only for the
/// start of a process that has `parent` to itself.
///
/// # Errors
/// The disk's.
pub fn clear(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Says that a file is not wanted any more.
#[derive(Debug, Default)]
pub struct Halt(AtomicBool);

impl Halt {
    /// Whoever finishes the file fails soon.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is not wanted.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file of either format that is being written, in a new directory of its own.
pub struct FileWriter {
    kind: Kind,
    directory: TempDir,
}

enum Kind {
    Csv(Box<CsvFile<BufWriter<File>>>),
    Xlsx(Box<XlsxFile>),
}

/// A finished file on disk; dropping it deletes the file.
#[derive(Debug)]
pub struct FinishedFile {
    path: PathBuf,
    cut_cells: u64,
    // Held for its `Drop`.
    _directory: TempDir,
}

impl FinishedFile {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Cells that were too long and end with a mark.
    pub fn cut_cells(&self) -> u64 {
        self.cut_cells
    }
}

impl FileWriter {
    /// Starts a file under `parent`. `title` is the name of a workbook's first sheet.
    ///
    /// # Errors
    /// The disk's; see [`XlsxFile::create`].
    pub fn create(
        format: Format,
        parent: &Path,
        title: &str,
        columns: &[Column],
    ) -> Result<Self, FileError> {
        let directory = TempDir::with_prefix_in(PREFIX, parent)?;
        let kind = match format {
            Format::Csv => {
                let file = BufWriter::new(File::create(path(&directory))?);
                Kind::Csv(Box::new(CsvFile::create(file, columns)?))
            }
            Format::Xlsx => {
                Kind::Xlsx(Box::new(XlsxFile::create(directory.path(), title, columns)?))
            }
        };
        Ok(Self { kind, directory })
    }

    /// Adds a row of one cell for each column.
    ///
    /// # Errors
    /// See [`CsvFile::row`] and [`XlsxFile::row`].
    ///
    /// # Panics
    /// As [`XlsxFile::row`].
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        match &mut self.kind {
            Kind::Csv(file) => file.row(cells),
            Kind::Xlsx(file) => file.row(cells),
        }
    }

    /// Finishes the file. That of a workbook takes long, and ends with an error when it is to halt.
    ///
    /// # Errors
    /// See [`CsvFile::finish`] and [`XlsxFile::finish`].
    ///
    /// # Panics
    /// As [`XlsxFile::row`].
    pub fn finish(self, halt: &Halt) -> Result<FinishedFile, FileError> {
        let path = path(&self.directory);
        let cut_cells = match self.kind {
            Kind::Csv(file) => {
                file.finish()?;
                0
            }
            Kind::Xlsx(file) => file.finish(&path, halt)?,
        };
        Ok(FinishedFile { path, cut_cells, _directory: self.directory })
    }
}

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("export")
}

#[cfg(test)]
#[path = "file_tests.rs"]
pub(crate) mod tests;
