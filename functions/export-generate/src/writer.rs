//! Writes contacts as rows to a file, on a blocking thread.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use shared::export::AttemptProgress;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use crate::{
    file::{FileWriter, FinishedFile},
    file_error::FileError,
    row::RowPlan,
    settings::FileSettings,
    source::{Chunk, Feed},
};

/// The size limits of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The maximum number of rows.
    pub rows: u64,
    /// The maximum number of cells.
    pub cells: u64,
}

impl Default for Limits {
    /// The limits of SPEC §4. One invocation can write a file of this size.
    fn default() -> Self {
        Self { rows: 2_000_000, cells: 100_000_000 }
    }
}

impl Limits {
    /// The maximum number of rows of a file with this number of columns, so that it exceeds neither
    /// limit.
    #[must_use]
    pub fn max_rows(self, columns: usize) -> u64 {
        let columns = u64::try_from(columns.max(1)).unwrap_or(u64::MAX);
        self.rows.min(self.cells / columns)
    }
}

/// The share of the work that is done when all rows are written. Finishing and uploading the file
/// is the rest.
const ROWS_SHARE: f64 = 0.9;

/// Why the writer created no file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The export exceeds the [`Limits`].
    #[error("the export exceeds the limit of rows or cells")]
    TooLarge,
    /// The feed of contacts ended without [`Feed::End`].
    #[error("the reader stopped before it had read all contacts")]
    Interrupted,
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What the writer needs to write a file.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// The directory in which the file is written.
    pub directory: PathBuf,
    /// The form of the file.
    pub settings: FileSettings,
    /// The plan for converting contacts to rows.
    pub rows: RowPlan,
    /// The maximum number of rows.
    pub max_rows: u64,
}

/// A written file.
#[derive(Debug)]
pub struct Written {
    /// The file on disk.
    pub file: FinishedFile,
    /// The number of data rows, without the header.
    pub rows: u64,
    /// The number of selected contacts that were skipped because they are deleted or outside the
    /// requester's scope.
    pub skipped: u64,
}

/// The progress of the writer. Other threads can read it.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    skipped: AtomicU64,
    share: AtomicU64,
}

impl Progress {
    /// The current values of the progress.
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

/// Writes the file to disk. Call this only on a blocking thread.
///
/// If the sender of `feed` is dropped, writing ends early. If `cancellation` is canceled while the
/// file is being finished, finishing ends early.
///
/// # Panics
/// See [`crate::xlsx::XlsxFile::row`].
pub fn write(
    plan: &FilePlan,
    mut feed: Receiver<Feed>,
    progress: &Progress,
    cancellation: &CancellationToken,
) -> Result<Written, WriteError> {
    let mut file = FileWriter::create(&plan.settings, &plan.directory, &plan.rows.columns)?;
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
    Ok(Written { file: file.finish(cancellation)?, rows, skipped })
}

fn rows(plan: &FilePlan, chunk: &Chunk, file: &mut FileWriter) -> Result<(), FileError> {
    let mut cells = Vec::with_capacity(plan.rows.columns.len());
    chunk.contacts.iter().try_for_each(|contact| {
        plan.rows.cells(contact, &mut cells)?;
        file.row(&cells)
    })
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
