use shared::{
    clock::Clock,
    directory::Directory,
    environment::{Environment, StartError},
    outbox::{Outbox, Queue},
    table::Table,
};

use crate::{bucket::Bucket, run::Runs};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) table: Table,
    pub(crate) runs: Runs,
    pub(crate) bucket: Bucket,
    pub(crate) directory: Directory,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Clock,
}

impl App {
    /// Creates the dependencies from the environment variables `TABLE_NAME`, `BUCKET_NAME`,
    /// `BACKFILL_QUEUE_URL` and those of the Launchpad client.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let table = environment.table()?;
        Ok(Self {
            runs: Runs::new(table.clone()),
            table,
            bucket: Bucket::new(environment.s3(), environment.text("BUCKET_NAME")?),
            directory: environment.directory()?,
            outbox: environment.outbox(&[Queue::Backfill])?,
            clock: environment.clock(),
        })
    }
}
