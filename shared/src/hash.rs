//! The SHA-256 digest that is used in keys and to compare contents.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Returns the SHA-256 digest of `bytes` as 43 characters of URL-safe base64 without padding.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}
