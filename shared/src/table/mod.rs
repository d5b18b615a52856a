//! The single table: keys, reads, transactions, due items.
//!
//! Domain modules keep their items' shapes; what is a key, how reads are repeated and how
//! transactions are retried stands here once.

mod due;
#[cfg(test)]
pub(crate) mod embedded;
mod error;
mod key;
mod read;
mod retry;
mod transaction;

use crate::error::chain;
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

pub use due::{Due, DueItem, DueKind, DuePage};
pub use error::TableError;
pub use key::{
    BY_NAME, DUE_SHARDS, EXPIRES_AT, Key, NAME_KEY, PK, Partition, SEPARATOR, SK, WORD_PREFIX,
    Word, backfill_partition, backfilled_partition, contact_at, contact_partition, due_partition,
    email_partition, jobs_partition, name_key, phone_partition, successor,
};
pub use read::{Direction, Page, Query, backoff};
pub use retry::{Attempt, retry};
pub use transaction::{Action, Condition, MAX_ACTIONS, TransactError, Transaction};

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The table, by its client and name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
}

impl Table {
    /// The table with this name.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.into() }
    }

    /// The SDK's client, for the requests that only one domain makes.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The item that holds `record` under `key`.
///
/// # Errors
/// [`TableError::Shape`] when the record does not serialize to a map.
pub fn to_item<T: Serialize>(key: &Key, record: &T) -> Result<Item, TableError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)?;
    item.extend(key.to_attributes());
    Ok(item)
}

/// The record that an item holds.
///
/// # Errors
/// [`TableError::Shape`] when the item does not fit the type.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::from_item(item)?)
}

/// Writes what is a convenience: that it failed is logged, and nobody waits for it longer than a
/// second. What the request is about stands already, and must be answered as what it is.
pub async fn best_effort(
    write: impl Future<Output = Result<(), TableError>>,
    failed: &'static str,
) {
    match timeout(Duration::from_secs(1), write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %chain(&error), "{failed}"),
        Err(_) => tracing::warn!(error = "time-out", "{failed}"),
    }
}

/// A value as an attribute, for expressions.
///
/// # Errors
/// [`TableError::Shape`] when the value does not serialize.
pub fn attribute<T: Serialize>(value: T) -> Result<AttributeValue, TableError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)?)
}
