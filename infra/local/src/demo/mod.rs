//! `demo`: the whole story once, with its real answers, each of them checked.

mod file;
mod report;
mod story;

use std::path::PathBuf;

use crate::{
    client::{Client, ClientError},
    import::ImportError,
};

pub use report::Report;

/// The file that is imported when no other is named.
const CONTACTS: &str = include_str!("contacts.csv");

/// Why the story ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A check failed.
    #[error("{0}")]
    Check(String),
    /// The API.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file of the demo's own.
    #[error("a file of the demo: {0}")]
    File(#[from] std::io::Error),
    /// An exported file that no reader can open.
    #[error("the exported file cannot be read: {0}")]
    Export(String),
}

/// Where the story takes place and what is imported in it.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The gateway's address.
    pub gateway_url: String,
    /// The Lambda API's address.
    pub lambda_url: String,
    /// The file of contacts; the demo's own without one.
    pub file: Option<PathBuf>,
}

/// Tells the story.
///
/// # Errors
/// At the first step whose answer is not right.
pub async fn run(demo: &Demo) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let own = folder.path().join("contacts.csv");
    std::fs::write(&own, CONTACTS)?;
    let file = demo.file.clone().unwrap_or(own);
    let nobody = Client::new(&demo.gateway_url)?;
    let operator = Client::new(&demo.lambda_url)?;
    story::tell(&nobody, &operator, &file, &mut Report::new()).await
}
