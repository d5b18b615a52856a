//! The errors that stop the start of the local cloud.

use shared::environment::StartError as EnvironmentError;

use crate::aws;
use crate::cargo::BuildError;
use crate::demo_contacts::SeedError;
use crate::identity::KeyError;
use crate::lambda;
use crate::resources::ResourcesError;
use crate::template::{TemplateError, UnresolvedError};
use crate::upstreams::UpsertError;

/// The reason why the local cloud did not start. Each message is complete, because it is shown to
/// the user of the command line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is in use, or it needs more privileges.
    #[error("cannot listen on port {port} (choose another port with {option}): {source}")]
    Port {
        /// The requested port.
        port: u16,
        /// The command line option that sets the port.
        option: &'static str,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// `template.yaml` is invalid or not supported.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// `template.yaml` has resources that the emulators cannot create.
    #[error("template.yaml: {0}")]
    Resources(#[from] ResourcesError),
    /// `template.yaml` has a role that names an unknown resource.
    #[error("template.yaml: {0}")]
    Roles(#[from] UnresolvedError),
    /// `template.yaml` has an event source that the role of its function may not read.
    #[error("template.yaml: {0}")]
    Sources(#[from] aws::Denied),
    /// The functions do not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The emulators did not start.
    #[error(transparent)]
    Aws(#[from] aws::StartError),
    /// The simulated upstream services did not start.
    #[error("the simulated upstream services cannot start: {0}")]
    Upstreams(std::io::Error),
    /// The demo companies are invalid.
    #[error("the demo companies cannot be loaded: {0}")]
    Directory(#[from] UpsertError),
    /// The key for signing tokens could not be created or read.
    #[error(transparent)]
    Identity(#[from] KeyError),
    /// The demo contacts could not be written to the table.
    #[error("the demo contacts cannot be loaded: {0}")]
    Seed(#[from] SeedError),
    /// The local cloud could not create its own clients.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The Lambda service did not start.
    #[error(transparent)]
    Lambda(#[from] lambda::StartError),
}
