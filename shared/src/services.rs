//! What the domains work with: the table, the directory of people, and the time.

use crate::{clock::Clock, directory::Directory, table::Table};

/// The services behind the domains of one function. Cheap to clone. Who may do what is decided by
/// [`Authority`](crate::access::Authority), which works with these too.
#[derive(Clone, Debug)]
pub struct Services {
    /// The single table.
    pub table: Table,
    /// Launchpad and its caches.
    pub directory: Directory,
    /// The time of everything that is stored or compared.
    pub clock: Clock,
}
