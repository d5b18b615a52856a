//! The one digest that keys and comparisons are made of.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// SHA-256 as 43 characters of unpadded URL-safe base64.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}
