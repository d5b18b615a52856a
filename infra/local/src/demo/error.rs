//! The errors of the demo.

use crate::client::ClientError;
use crate::import::ImportError;

/// The reason why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A check failed.
    #[error("{0}")]
    Check(String),
    /// A request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A temporary file of the demo could not be written.
    #[error("cannot write a temporary file: {0}")]
    File(#[from] std::io::Error),
    /// An exported file cannot be read.
    #[error("the exported file cannot be read: {0}")]
    Export(String),
}
