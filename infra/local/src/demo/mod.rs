//! `demo`: runs a scenario through the real API, step by step, and checks each response.

mod error;
mod file;
mod report;
mod story;

use std::path::PathBuf;

use crate::client::Client;

pub use error::DemoError;
pub use report::Report;

/// The CSV file that the demo imports by default.
const CONTACTS: &str = include_str!("contacts.csv");

/// The addresses of the running local cloud of the demo, and the file to import.
#[derive(Clone, Debug)]
pub struct Demo {
    /// URL of the gateway.
    pub gateway_url: String,
    /// URL of the Lambda API.
    pub lambda_url: String,
    /// The CSV file of contacts to import; with `None`, a small file of the demo.
    pub file: Option<PathBuf>,
}

/// Runs the demo and prints each step.
///
/// # Errors
/// Returns [`DemoError::Check`] for the first response that is not as expected.
pub async fn run(demo: &Demo) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let own = folder.path().join("contacts.csv");
    std::fs::write(&own, CONTACTS)?;
    let file = demo.file.clone().unwrap_or(own);
    let anonymous = Client::new(&demo.gateway_url)?;
    let operator = Client::new(&demo.lambda_url)?;
    story::run(&anonymous, &operator, &file, &mut Report::new()).await
}
