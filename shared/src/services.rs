//! The services that the domains use: the table, the directory of people, and the clock.

use crate::{clock::Clock, directory::Directory, table::Table};

/// The services of one function. Cheap to clone. [`Authority`](crate::access::Authority) decides
/// with them what viewers are allowed to do.
#[derive(Clone, Debug)]
pub struct Services {
    /// The single table.
    pub table: Table,
    /// The client of Launchpad and its caches.
    pub directory: Directory,
    /// The clock for all times that are stored or compared.
    pub clock: Clock,
}
