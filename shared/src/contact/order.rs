//! The order of a list, and a position in it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::table::contact_id_from_position;

/// The longest valid position in any order, in bytes.
const MAX_POSITION_BYTES: usize = 300;

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

/// A position in a list, in a form that is opaque to clients.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "o")]
    pub(super) order: OrderBy,
    #[serde(rename = "k")]
    pub(super) after: String,
}

impl Cursor {
    /// Encodes the cursor as the text that the client receives.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Parses the text of a cursor. Returns `None` for a text that the API did not create for a
    /// list in this order.
    #[must_use]
    pub fn decode(text: &str, order: OrderBy) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let fits = cursor.order == order && cursor.after.len() <= MAX_POSITION_BYTES;
        (fits && contact_id_from_position(&cursor.after).is_some()).then_some(cursor)
    }
}
