//! Handles the header `Idempotency-Key`. A repeated request with the same key has no second effect;
//! the response shows what the first request created, in its present state (SPEC §2, §4).
//!
//! The record of a key is written in the same transaction as the effect of the request, on the
//! condition that the record does not exist or has expired. So only one of several concurrent
//! requests with the same key has an effect. The record contains ids, codes and a hash, and never
//! the body of a request or a response.
//!
//! A function that creates a record handles the key in four steps:
//!
//! 1. [`Request::idempotency_key`](crate::entry::http::Request::idempotency_key) makes the key from
//!    the request.
//! 2. Before it validates the request, the function calls [`IdempotencyKey::earlier`], or reads the
//!    item [`IdempotencyKey::key`] together with others and calls
//!    [`IdempotencyKey::earlier_in`]. If there was an earlier request, the function reads the
//!    record that it created, checks the viewer's present scope, and responds with that record and
//!    with the stored warnings.
//! 3. The transaction that creates the record contains the action [`IdempotencyKey::put`].
//! 4. If the condition of that action fails, a concurrent request with the same key was first: the
//!    function continues with step 2.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    hash::sha256,
    identity::Viewer,
    table::{
        Action, Condition, EXPIRES_AT, Item, Key, PK, Table, TableError, attribute, from_item,
        to_item,
    },
};

/// How long a key is valid.
pub const VALIDITY: SignedDuration = SignedDuration::from_hours(24);
/// The longest valid key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The reason why an idempotency key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The header is not a valid key.
    #[error("must be 1 to {MAX_KEY_BYTES} visible ASCII characters or spaces")]
    Malformed,
    /// The key was used for a request with a different path or body.
    #[error("the idempotency key was already used for a different request; use a new key")]
    Reused,
    /// Reading or writing the record of the key failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What a request with an idempotency key created. The response to a repeated request is made from
/// the record with this id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Creation<Id> {
    /// The id of the record that the request created.
    pub id: Id,
    /// The codes of the warnings in the response.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The idempotency key of one request, with the hash of the request's path and body. A key is valid
/// only for one user and one route.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    key: Key,
    request_hash: String,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    request_hash: String,
    /// What the request created.
    created: T,
    /// The time at which the key expires, in milliseconds since the Unix epoch. It must be checked,
    /// because the table may delete an expired item much later.
    honored_until: i64,
}

impl IdempotencyKey {
    /// Creates the key from the user, the route, the value of the header, the part of the path that
    /// differs between the requests of the route (such as the id of a contact; empty if there is
    /// none), and the request body. Routes that are two forms of one route pass the same `route`
    /// and `path`.
    ///
    /// # Errors
    /// [`IdempotencyError::Malformed`] when the header is not a valid key.
    pub fn new(
        viewer: &Viewer,
        route: &str,
        header: &str,
        (path, body): (&str, &[u8]),
    ) -> Result<Self, IdempotencyError> {
        let visible = header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if header.is_empty() || header.len() > MAX_KEY_BYTES || !visible {
            return Err(IdempotencyError::Malformed);
        }
        let key = Key::idempotency(&viewer.company, viewer.user, route, &sha256(header));
        Ok(Self { key, request_hash: sha256([path.as_bytes(), b"\n", body].concat()) })
    }

    /// The key of the item that records the use of this idempotency key. It must be read
    /// consistently.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Reads what the earlier request with this key created; `None` if there was no such request.
    ///
    /// # Errors
    /// [`IdempotencyError::Reused`] when the earlier request had a different path or body.
    pub async fn earlier<T: DeserializeOwned>(
        &self,
        table: &Table,
        now: Timestamp,
    ) -> Result<Option<T>, IdempotencyError> {
        self.checked(table.get(&self.key, true).await?, now)
    }

    /// Like [`IdempotencyKey::earlier`], for a caller that has already read the item
    /// [`IdempotencyKey::key`].
    ///
    /// # Errors
    /// [`IdempotencyError::Reused`] when the earlier request had a different path or body.
    pub fn earlier_in<T: DeserializeOwned>(
        &self,
        item: Option<Item>,
        now: Timestamp,
    ) -> Result<Option<T>, IdempotencyError> {
        self.checked(item.map(from_item).transpose()?, now)
    }

    fn checked<T>(
        &self,
        record: Option<Record<T>>,
        now: Timestamp,
    ) -> Result<Option<T>, IdempotencyError> {
        match record.filter(|record| record.honored_until > now.as_millisecond()) {
            None => Ok(None),
            Some(record) if record.request_hash == self.request_hash => Ok(Some(record.created)),
            Some(_) => Err(IdempotencyError::Reused),
        }
    }

    /// The table action that records what the request created, on the condition that the key is
    /// unused or expired.
    pub fn put<T: Serialize>(&self, created: T, now: Timestamp) -> Result<Action, TableError> {
        let until = now + VALIDITY;
        let record = Record {
            request_hash: self.request_hash.clone(),
            created,
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

    fn key(header: &str, path: &str, body: &[u8]) -> Result<IdempotencyKey, IdempotencyError> {
        let viewer = Viewer {
            company: "acme".parse().unwrap(),
            user: "0190d1a2-7c3b-7abc-8def-0123456789ab".parse().unwrap(),
            name: None,
            email: None,
            platform: Platform::Web,
        };
        IdempotencyKey::new(&viewer, "POST /x", header, (path, body))
    }

    #[test]
    fn a_key_has_only_visible_ascii_characters_and_a_limited_length() {
        for wrong in ["", "a\nb", "é", &"x".repeat(256)] {
            assert!(matches!(key(wrong, "", b""), Err(IdempotencyError::Malformed)), "{wrong:?}");
        }
        assert!(key(&"x".repeat(255), "", b"").is_ok());
    }

    #[test]
    fn a_key_depends_on_the_header_and_contains_the_hash_of_path_and_body() {
        let first = key("a", "p", b"1").unwrap();
        assert_ne!(first.key, key("b", "p", b"1").unwrap().key);
        for (path, body) in [("p", b"2"), ("q", b"1")] {
            let other = key("a", path, body).unwrap();
            assert_eq!(first.key, other.key);
            assert_ne!(first.request_hash, other.request_hash);
        }
    }

    #[test]
    fn a_record_counts_for_24_hours_and_only_for_the_same_request() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (same, other) = (key("a", "", b"1").unwrap(), key("a", "", b"2").unwrap());
        let created = Creation { id: 7, warnings: vec!["CODE".to_owned()] };
        let Action::Put(item, Some(_)) = same.put(&created, now).unwrap() else {
            panic!("the record must be written under a condition");
        };
        assert!(!format!("{item:?}").contains("body"), "{item:?}");
        let earlier = |key: &IdempotencyKey, at| key.earlier_in(Some(item.clone()), at);
        assert_eq!(earlier(&same, now).unwrap(), Some(created));
        assert!(matches!(earlier(&other, now), Err(IdempotencyError::Reused)));
        let expired = earlier(&same, now + VALIDITY).unwrap();
        assert_eq!(expired, None::<Creation<i32>>);
        assert_eq!(same.earlier_in::<Creation<i32>>(None, now).unwrap(), None);
    }
}
