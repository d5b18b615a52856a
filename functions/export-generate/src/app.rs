use std::path::PathBuf;

use shared::{
    access::Authority,
    environment::{Environment, StartError},
    export::{Files, Jobs},
    outbox::{Outbox, Queue},
    services::Services,
};

use crate::writer::Limits;

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// Decides which contacts the file may contain.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The jobs in the table.
    pub jobs: Jobs,
    /// The bucket with the files.
    pub files: Files,
    /// Sends the messages that start deliveries.
    pub outbox: Outbox,
    /// The size limits of a file.
    pub limits: Limits,
    /// The directory in which files are written.
    pub directory: PathBuf,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self {
            jobs: Jobs::new(services.table.clone()),
            authority: Authority::new(services.clone()),
            services,
            files: environment.files()?,
            outbox: environment.outbox(&[Queue::ExportEmail])?,
            limits: Limits::default(),
            directory: std::env::temp_dir(),
        })
    }
}
