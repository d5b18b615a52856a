//! The services that the domains use: the table, the directory of people, and the clock.

use crate::{clock::Clock, directory::Directory, table::Table};

/// The services of one function. They are cheap to clone. [`Authority`](crate::access::Authority)
/// uses them to decide what a viewer is allowed to do.
#[derive(Clone, Debug)]
pub struct Services {
    /// The single table.
    pub table: Table,
    /// The client of Launchpad and its caches.
    pub directory: Directory,
    /// The clock for all times that are stored or compared.
    pub clock: Clock,
}
