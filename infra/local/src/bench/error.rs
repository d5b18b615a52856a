//! The errors of the benchmarks.

use crate::cargo::BuildError;
use crate::client::ClientError;
use crate::cloud::StartError;
use crate::demo_contacts::SeedError;
use crate::lambda::ColdStartError;
use crate::template::TemplateError;

/// The reason why a benchmark failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The local cloud did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The contacts of the benchmark could not be loaded.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A request failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The template is invalid.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// The functions do not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The program file of a function could not be read.
    #[error("the file of a program cannot be read: {0}")]
    Program(#[from] std::io::Error),
    /// The start of a process could not be measured.
    #[error(transparent)]
    ColdStart(#[from] ColdStartError),
    /// The benchmark cannot continue after this response.
    #[error("{0}")]
    Response(String),
}
