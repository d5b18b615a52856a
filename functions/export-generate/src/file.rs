//! Writes files of both formats with one interface. Writing is synchronous and must run on a
//! blocking thread. The file is written to disk, and is uploaded from there when it is complete, so
//! that memory use does not depend on the size of the file.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use shared::export::{Column, Format};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::cell::Cell;
use crate::csv::CsvFile;
use crate::file_error::{FileError, without_path};
use crate::settings::FileSettings;
use crate::xlsx::XlsxFile;

/// The prefix of the names of the temporary directories for export files.
const PREFIX: &str = "export-";

/// Deletes the directories that a killed process left under `parent`. Lambda starts the next
/// process with the same disk. Without this, the disk would fill up, and files of other tenants
/// would stay on it. Call this only when a process starts, and only if no other process uses
/// `parent`.
pub fn clear(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// An unfinished file of either format, in a separate temporary directory.
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
    // Kept because dropping it deletes the directory.
    _directory: TempDir,
}

impl FinishedFile {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of cells whose text was cut. The text in these cells ends with a mark.
    pub fn cut_cells(&self) -> u64 {
        self.cut_cells
    }
}

impl FileWriter {
    /// Creates a file in a new directory under `parent`.
    ///
    /// # Errors
    /// An error of the disk, or an error of [`XlsxFile::create`].
    pub fn create(
        settings: &FileSettings,
        parent: &Path,
        columns: &[Column],
    ) -> Result<Self, FileError> {
        let directory =
            TempDir::with_prefix_in(PREFIX, parent).map_err(|error| without_path(&error))?;
        let kind = match settings.format {
            Format::Csv => {
                let file = BufWriter::new(File::create(path(&directory))?);
                Kind::Csv(Box::new(CsvFile::create(file, settings.delimiter, columns)?))
            }
            Format::Xlsx => {
                Kind::Xlsx(Box::new(XlsxFile::create(directory.path(), settings, columns)?))
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
    /// See [`XlsxFile::row`].
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        match &mut self.kind {
            Kind::Csv(file) => file.row(cells),
            Kind::Xlsx(file) => file.row(cells),
        }
    }

    /// Finishes the file. This takes a long time for a workbook. It fails soon after `cancellation`
    /// is canceled.
    ///
    /// # Errors
    /// See [`CsvFile::finish`] and [`XlsxFile::finish`].
    ///
    /// # Panics
    /// See [`XlsxFile::row`].
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
