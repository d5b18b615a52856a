//! One interface for the files of both formats. Writing is synchronous and belongs on a blocking
//! thread. A file is written to disk, and uploaded from there when it is complete, so that memory
//! does not grow with the file.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use shared::export::{Column, Format};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::cell::Cell;
use crate::csv::CsvFile;
use crate::file_error::{FileError, without_path};
use crate::xlsx::XlsxFile;

/// The name prefix of the temporary directories for export files.
const PREFIX: &str = "export-";

/// Deletes the directories that a killed process left under `parent`. Lambda starts the next
/// process with the same disk: it would fill up, and the exports of other tenants would stay there.
/// Call this only when a process starts, and only if no other process uses `parent`.
pub fn clear(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// An unfinished file of either format, in its own temporary directory.
pub struct FileWriter {
    kind: Kind,
    directory: TempDir,
}

enum Kind {
    Csv(Box<CsvFile<BufWriter<File>>>),
    Xlsx(Box<XlsxFile>),
}

/// A finished file on disk. Dropping this value deletes the file.
#[derive(Debug)]
pub struct FinishedFile {
    path: PathBuf,
    cut_cells: u64,
    // Kept because its `Drop` deletes the directory.
    _directory: TempDir,
}

impl FinishedFile {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of cells whose text was cut. They end with a mark.
    pub fn cut_cells(&self) -> u64 {
        self.cut_cells
    }
}

impl FileWriter {
    /// Creates a file in a new directory under `parent`. `title` is the name of a workbook's first
    /// sheet.
    ///
    /// # Errors
    /// The disk's; see [`XlsxFile::create`].
    pub fn create(
        format: Format,
        parent: &Path,
        title: &str,
        columns: &[Column],
    ) -> Result<Self, FileError> {
        let directory =
            TempDir::with_prefix_in(PREFIX, parent).map_err(|error| without_path(&error))?;
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

    /// Adds a row with one cell for each column.
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

    /// Finishes the file. This takes long for a workbook, and fails soon after `cancellation` is
    /// cancelled.
    ///
    /// # Errors
    /// See [`CsvFile::finish`] and [`XlsxFile::finish`].
    ///
    /// # Panics
    /// As [`XlsxFile::row`].
    pub fn finish(self, cancellation: &CancellationToken) -> Result<FinishedFile, FileError> {
        let path = path(&self.directory);
        let cut_cells = match self.kind {
            Kind::Csv(file) => {
                file.finish()?;
                0
            }
            Kind::Xlsx(file) => file.finish(&path, cancellation)?,
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
