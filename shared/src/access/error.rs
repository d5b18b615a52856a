use crate::{directory::DirectoryError, table::TableError};

/// Why a viewer is not allowed to do something, or why that could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The viewer's level for the permission is `disabled` (RFC §3.B).
    #[error("permission disabled")]
    Disabled,
    /// The record is outside the viewer's scope (RFC §3.B).
    #[error("out of your team scope")]
    OutOfScope,
    /// The record is outside the scope `own`, to which the viewer's scope was narrowed because
    /// Launchpad could not return the viewer's teams. The same request may succeed later.
    #[error("out of your team scope")]
    OutOfNarrowedScope,
    /// The Launchpad call for the viewer's levels or teams failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table request failed.
    #[error(transparent)]
    Table(#[from] TableError),
}
