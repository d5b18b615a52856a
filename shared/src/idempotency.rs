//! Handles the header `Idempotency-Key`. A repeated request with the same key gets the answer of
//! the first request, and its effect does not happen again.
//!
//! The record of a key is written in the same transaction as the effect of the request, on the
//! condition that the record does not exist or has expired. So only one of several concurrent
//! requests with the same key has an effect (SPEC §4).

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    hash::sha256,
    identity::Viewer,
    table::{Action, Condition, EXPIRES_AT, Key, PK, Table, TableError, attribute, to_item},
};

/// How long a key is valid.
pub const VALIDITY: SignedDuration = SignedDuration::from_hours(24);
/// The longest valid key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The reason why an idempotency key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The header is not a valid key.
    #[error("must be 1 to {MAX_KEY_BYTES} visible ASCII characters")]
    Malformed,
    /// The key was used for a request with a different body.
    #[error(
        "the idempotency key was already used for a request with a different body; use a new key"
    )]
    Reused,
    /// Reading or writing the record of the key failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The idempotency key of one request, with the hash of the request body. A key is valid only for
/// one user and one route.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    key: Key,
    body_hash: String,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    body_hash: String,
    answer: T,
    /// The time at which the key expires, in milliseconds since the Unix epoch. It must be checked,
    /// because the table may delete an expired item much later.
    honored_until: i64,
}

impl IdempotencyKey {
    /// Creates the key from the user, the route, the value of the header and the request body.
    ///
    /// # Errors
    /// [`IdempotencyError::Malformed`] when the header is not a valid key.
    pub fn new(
        viewer: &Viewer,
        route: &str,
        header: &str,
        body: &[u8],
    ) -> Result<Self, IdempotencyError> {
        let visible = header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if header.is_empty() || header.len() > MAX_KEY_BYTES || !visible {
            return Err(IdempotencyError::Malformed);
        }
        let key = Key::idempotency(&viewer.company, viewer.user, route, &sha256(header));
        Ok(Self { key, body_hash: sha256(body) })
    }

    /// The answer to the earlier request with this key, if there was one.
    ///
    /// # Errors
    /// [`IdempotencyError::Reused`] when the earlier request had a different body.
    pub async fn earlier<T: DeserializeOwned>(
        &self,
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<T>, IdempotencyError> {
        let record: Option<Record<T>> = table.get(&self.key, true).await?;
        match record.filter(|record| record.honored_until > now.as_millisecond()) {
            None => Ok(None),
            Some(record) if record.body_hash == self.body_hash => Ok(Some(record.answer)),
            Some(_) => Err(IdempotencyError::Reused),
        }
    }

    /// The table action that stores the answer, on the condition that the key is unused or expired.
    pub fn put<T: Serialize>(&self, answer: T, now: Timestamp) -> Result<Action, TableError> {
        let until = now + VALIDITY;
        let record = Record {
            body_hash: self.body_hash.clone(),
            answer,
            honored_until: until.as_millisecond(),
        };
        let mut item = to_item(&self.key, &record)?;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second())?);
        let is_unused = Condition::Expression {
            text: "attribute_not_exists(#pk) OR #until <= :now".to_owned(),
            names: vec![("#pk", PK), ("#until", "honored_until")],
            values: vec![(":now", AttributeValue::N(now.as_millisecond().to_string()))],
        };
        Ok(Action::Put(item, Some(is_unused)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Platform;

    fn key(header: &str, body: &[u8]) -> Result<IdempotencyKey, IdempotencyError> {
        let viewer = Viewer {
            company: "acme".parse().unwrap(),
            user: "0190d1a2-7c3b-7abc-8def-0123456789ab".parse().unwrap(),
            name: None,
            email: None,
            platform: Platform::Web,
        };
        IdempotencyKey::new(&viewer, "POST /x", header, body)
    }

    #[test]
    fn a_key_has_only_visible_ascii_characters_and_a_limited_length() {
        for wrong in ["", "a\nb", "é", &"x".repeat(256)] {
            assert!(matches!(key(wrong, b""), Err(IdempotencyError::Malformed)), "{wrong:?}");
        }
        assert!(key(&"x".repeat(255), b"").is_ok());
    }

    #[test]
    fn a_key_depends_on_the_header_and_contains_the_hash_of_the_body() {
        let (first, second) = (key("a", b"1").unwrap(), key("a", b"2").unwrap());
        assert_eq!(first.key, second.key);
        assert_ne!(first.body_hash, second.body_hash);
        assert_ne!(first.key, key("b", b"1").unwrap().key);
    }
}
