//! Makes rows of contacts and a file of rows, on a blocking thread.

use std::sync::atomic::{AtomicU64, Ordering};

use shared::{
    export::{AttemptProgress, Format},
    locale::Locale,
};
use tokio::sync::mpsc::Receiver;

use crate::{
    file::{FileError, FileWriter, FinishedFile, Halt},
    row::RowPlan,
    source::{Chunk, Feed},
};

/// How large an export may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The most rows.
    pub rows: u64,
    /// The most cells.
    pub cells: u64,
}

impl Default for Limits {
    /// What one invocation can write (SPEC §4).
    fn default() -> Self {
        Self { rows: 2_000_000, cells: 100_000_000 }
    }
}

impl Limits {
    /// The most rows of a file with so many columns.
    #[must_use]
    pub fn rows_of(self, columns: usize) -> u64 {
        let columns = u64::try_from(columns.max(1)).unwrap_or(u64::MAX);
        self.rows.min(self.cells / columns)
    }
}

/// The part of the work that writing rows is; the rest is closing and uploading the file.
const ROWS_SHARE: f64 = 0.9;

/// A file that was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Past the limits of rows and cells.
    #[error("the export exceeds the limit of rows or cells")]
    TooLarge,
    /// The contacts broke off.
    #[error("reading the contacts ended early")]
    Interrupted,
    /// The file's own trouble.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What file to write.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// Its kind.
    pub format: Format,
    /// The language of a sheet's name.
    pub locale: Locale,
    /// Its rows.
    pub rows: RowPlan,
    /// The most rows.
    pub max_rows: u64,
}

/// A written file.
#[derive(Debug)]
pub struct Written {
    /// The file on disk.
    pub file: FinishedFile,
    /// Its rows of data.
    pub rows: u64,
    /// Selected contacts that were skipped.
    pub skipped: u64,
}

/// How far the writer is, for others to look at, and how they have it end early.
#[derive(Debug, Default)]
pub struct Progress {
    /// Ends it while it finishes the file; before that, it ends with its feed.
    pub halt: Halt,
    rows: AtomicU64,
    skipped: AtomicU64,
    share: AtomicU64,
}

impl Progress {
    /// What is known now.
    pub fn snapshot(&self) -> AttemptProgress {
        AttemptProgress {
            rows: self.rows.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            progress: f64::from_bits(self.share.load(Ordering::Relaxed)),
        }
    }

    fn add(&self, chunk: &Chunk) {
        let rows = u64::try_from(chunk.contacts.len()).unwrap_or(u64::MAX);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.skipped.fetch_add(chunk.skipped, Ordering::Relaxed);
        self.share.store((chunk.progress * ROWS_SHARE).to_bits(), Ordering::Relaxed);
    }
}

/// Writes the file to disk. Only for blocking threads.
///
/// # Errors
/// [`WriteError`].
///
/// # Panics
/// As [`crate::xlsx::XlsxFile::row`].
pub fn write(
    plan: &FilePlan,
    mut feed: Receiver<Feed>,
    progress: &Progress,
) -> Result<Written, WriteError> {
    let title = match plan.locale {
        Locale::En => "Contacts",
        Locale::Id => "Kontak",
    };
    let mut file =
        FileWriter::create(plan.format, &std::env::temp_dir(), title, &plan.rows.columns)?;
    loop {
        match feed.blocking_recv() {
            None => return Err(WriteError::Interrupted),
            Some(Feed::End) => break,
            Some(Feed::Contacts(chunk)) => {
                progress.add(&chunk);
                if progress.snapshot().rows > plan.max_rows {
                    return Err(WriteError::TooLarge);
                }
                rows(plan, &chunk, &mut file)?;
            }
        }
    }
    let AttemptProgress { rows, skipped, .. } = progress.snapshot();
    Ok(Written { file: file.finish(&progress.halt)?, rows, skipped })
}

fn rows(plan: &FilePlan, chunk: &Chunk, file: &mut FileWriter) -> Result<(), FileError> {
    let mut cells = Vec::with_capacity(plan.rows.columns.len());
    chunk.contacts.iter().try_for_each(|contact| {
        plan.rows.cells(contact, &mut cells);
        file.row(&cells)
    })
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
