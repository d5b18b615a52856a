//! The order of a list.

use serde::{Deserialize, Serialize};

/// The order of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderBy {
    /// By the time of creation.
    #[default]
    CreatedAt,
    /// By the name in its folded form, in which upper case and accents make no difference.
    Name,
    /// By the search word that matched the search text. This order is for searches only.
    Match,
}
