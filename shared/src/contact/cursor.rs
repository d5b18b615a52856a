//! Cursors of lists and searches.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    error::Unspecified,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};

use super::OrderBy;
use crate::table::contact_id_from_position;

/// The longest valid position in any order, in bytes.
const MAX_POSITION_BYTES: usize = 300;
/// The minimum length of the text of a [`CursorKey`], in bytes.
const MIN_KEY_BYTES: usize = 32;

/// A position in a list. Clients get it in an encrypted form, because a position contains a name or
/// a search word: a part of an email address or a phone number, maybe of a contact that the viewer
/// may not see.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "o")]
    pub(super) order: OrderBy,
    #[serde(rename = "k")]
    pub(super) after: String,
}

/// The random numbers of the machine are not available, so a cursor cannot be encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the cursor could not be encrypted")]
pub struct CursorError;

impl Cursor {
    /// Encrypts the cursor to the text that the client receives.
    ///
    /// # Errors
    /// [`CursorError`]
    pub fn encode(&self, key: &CursorKey) -> Result<String, CursorError> {
        let plain = serde_json::to_vec(self).map_err(|_| CursorError)?;
        key.seal(plain).map_err(|Unspecified| CursorError)
    }

    /// Decrypts the text of a cursor. Returns `None` for a text that the API did not create for a
    /// list in this order, or that it encrypted with another key.
    #[must_use]
    pub fn decode(text: &str, order: OrderBy, key: &CursorKey) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&key.open(text)?).ok()?;
        let fits = cursor.order == order && cursor.after.len() <= MAX_POSITION_BYTES;
        (fits && contact_id_from_position(&cursor.after).is_some()).then_some(cursor)
    }
}

/// The key with which cursors are encrypted. All functions that list contacts have the same key.
#[derive(Clone)]
pub struct CursorKey(Arc<LessSafeKey>);

/// Why a text is not a valid [`CursorKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CursorKeyError {
    /// The text is too short to be secret.
    #[error("must have at least {MIN_KEY_BYTES} random characters")]
    TooShort,
    /// The library refuses the key.
    #[error("cannot be used as a key")]
    Refused,
}

impl FromStr for CursorKey {
    type Err = CursorKeyError;

    fn from_str(text: &str) -> Result<Self, CursorKeyError> {
        if text.len() < MIN_KEY_BYTES {
            return Err(CursorKeyError::TooShort);
        }
        let key = digest(&SHA256, text.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        let key = key.map_err(|Unspecified| CursorKeyError::Refused)?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }
}

impl CursorKey {
    /// Encrypts a text. A random nonce comes before the encrypted bytes.
    fn seal(&self, mut text: Vec<u8>) -> Result<String, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce)?;
        self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut text,
        )?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    fn open(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_in_place(nonce, Aad::empty(), sealed).ok().map(|plain| plain.to_vec())
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::ContactId, table::Word};

    fn key(letter: &str) -> CursorKey {
        letter.repeat(MIN_KEY_BYTES).parse().unwrap()
    }

    fn cursor() -> Cursor {
        let id: ContactId = "01a216de-5800-7be3-a6c8-57dbba76be9a".parse().unwrap();
        Cursor { order: OrderBy::Match, after: Word::new("secret@private.example").sort_key(id) }
    }

    #[test]
    fn a_cursor_is_decoded_with_its_key_and_for_its_order_only() {
        let text = cursor().encode(&key("a")).unwrap();
        assert_eq!(Cursor::decode(&text, OrderBy::Match, &key("a")), Some(cursor()));
        assert_eq!(Cursor::decode(&text, OrderBy::Name, &key("a")), None);
        assert_eq!(Cursor::decode(&text, OrderBy::Match, &key("b")), None);
        for malformed in ["", "x", "AAAA", &text[1..], &text[..text.len() - 4]] {
            assert_eq!(Cursor::decode(malformed, OrderBy::Match, &key("a")), None, "{malformed}");
        }
    }

    #[test]
    fn a_cursor_does_not_show_its_position() {
        let texts = [(); 2].map(|()| cursor().encode(&key("a")).unwrap());
        assert_ne!(texts[0], texts[1], "each cursor has a nonce of its own");
        for text in texts {
            let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("private"));
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!("a".repeat(31).parse::<CursorKey>().unwrap_err(), CursorKeyError::TooShort);
        assert_eq!(format!("{:?}", key("a")), "CursorKey");
    }
}
