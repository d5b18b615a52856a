//! The single DynamoDB table: keys, reads, transactions, retries and due items.
//!
//! The domain modules define the content of their items. Keys, repeated reads and retried
//! transactions are defined only in this module.
//!
//! | module | what it does |
//! |---|---|
//! | `key` | builds and parses every key |
//! | `read` | reads single items, batches and queries |
//! | `transaction` | conditions, actions, transactions and conditional writes |
//! | `retry` | the retry loop of optimistic locking |
//! | `delete` | deletes many items |
//! | `scan` | reads the whole table, and says to which company an item belongs |
//! | `due` | due items: work that must happen later |
//! | `error` | why a request to the table failed |
//! | `embedded` | a table in an embedded database, for tests |

mod delete;
mod due;
#[cfg(test)]
pub(crate) mod embedded;
mod error;
mod key;
mod read;
mod retry;
mod scan;
mod transaction;

use crate::error::chain;
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

pub use due::{Due, DueItem, DueKind, DuePage};
pub use error::TableError;
pub use key::{
    BY_NAME, DUE_SHARDS, DueLane, EXPIRES_AT, Key, LAYOUT, NAME_KEY, PK, Partition, SEPARATOR, SK,
    WORD_PREFIX, Word, backfill_partition, backfilled_partition, contact_id_from_position,
    contact_partition, deleted_partition, due_partition, email_partition, jobs_partition, name_key,
    phone_partition, successor, word_from_position,
};
pub use read::{Direction, Page, Query, backoff};
pub use retry::{Attempt, retry};
pub use scan::{ScanPage, is_of_company};
pub use transaction::{Action, Condition, MAX_ACTIONS, TransactError, Transaction};

/// An item of the table in the type of the SDK: attribute values by attribute name.
pub type Item = HashMap<String, AttributeValue>;

/// The table: its client and its name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
}

impl Table {
    /// Creates an instance for the table with this name.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.into() }
    }

    /// The SDK's client, for requests that only one domain module makes.
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

/// Converts `record` into an item with this key.
///
/// # Errors
/// [`TableError::Shape`] when the record does not serialize to a map.
pub fn to_item<T: Serialize>(key: &Key, record: &T) -> Result<Item, TableError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record)?;
    item.extend(key.to_attributes());
    Ok(item)
}

/// Converts an item into a record.
///
/// # Errors
/// [`TableError::Shape`] when the item is not valid for the type.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::from_item(item)?)
}

/// Waits at most one second for a write that is not essential. A failure is logged with the message
/// `failed` and is not returned, because the main change of the request is already written and must
/// be answered as successful.
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

/// Converts a value into an attribute, for expressions.
///
/// # Errors
/// [`TableError::Shape`] when the value does not serialize.
pub fn attribute<T: Serialize>(value: T) -> Result<AttributeValue, TableError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)?)
}
