use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;

use super::{BY_NAME, Item, Key, NAME_KEY, PK, SK, Table, TableError, from_item};

/// The maximum number of keys in one `BatchGetItem` request.
const BATCH: usize = 100;
/// The maximum number of attempts to read a batch. A further attempt is made while the table has
/// left keys of the batch unprocessed.
const ATTEMPTS: u32 = 8;

/// The order in which a query returns items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A query of one partition, in the order of its sort keys or in the order by name.
#[derive(Clone, Debug)]
pub struct Query {
    /// The partition key.
    pub pk: String,
    /// Whether the order is by name. Such a query reads the index, which is eventually consistent.
    pub by_name: bool,
    /// The query reads only sort keys strictly above this one; `None` if there is no lower bound.
    pub after: Option<String>,
    /// The query reads only sort keys strictly below this one; `None` if there is no upper bound.
    pub before: Option<String>,
    /// The order of the items.
    pub direction: Direction,
    /// The maximum number of items that one page contains.
    pub limit: i32,
    /// Whether the read is strongly consistent, which the index does not support.
    pub consistent: bool,
    /// Whether only the keys of the items are returned. The cost in read units stays the same.
    pub keys_only: bool,
}

impl Query {
    /// Creates a query of a whole partition in ascending order of the sort keys, with at most 1,000
    /// items per page and without strong consistency.
    #[must_use]
    pub fn partition(pk: String) -> Self {
        Self {
            pk,
            by_name: false,
            after: None,
            before: None,
            direction: Direction::Ascending,
            limit: 1000,
            consistent: false,
            keys_only: false,
        }
    }

    /// Restricts the query to the sort keys after `place`, in the direction of the query.
    pub fn continue_after(&mut self, place: &str) {
        match self.direction {
            Direction::Ascending if self.after.as_deref().is_none_or(|after| after < place) => {
                self.after = Some(place.to_owned());
            }
            Direction::Descending if self.before.as_deref().is_none_or(|before| before > place) => {
                self.before = Some(place.to_owned());
            }
            Direction::Ascending | Direction::Descending => {}
        }
    }
}

/// The lowest sort key above `key`. Sort keys contain no control character except the separator, so
/// the next text after `key` is `key` followed by the lowest character.
fn next(key: &str) -> String {
    format!("{key}\u{0}")
}

/// The items that one query read.
#[derive(Debug)]
pub struct Page {
    /// The items, in the query's direction.
    pub items: Vec<Item>,
    /// Whether the query may have items after the last one of this page.
    pub more: bool,
}

impl Table {
    /// Reads one item; `None` if it does not exist. A `consistent` read sees every write that was
    /// acknowledged before it.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the item is not valid for the type.
    pub async fn get<T: DeserializeOwned>(
        &self,
        key: &Key,
        consistent: bool,
    ) -> Result<Option<T>, TableError> {
        let answer = self
            .client()
            .get_item()
            .table_name(self.name())
            .set_key(Some(key.to_attributes()))
            .consistent_read(consistent)
            .send()
            .await?;
        answer.item.map(from_item).transpose()
    }

    /// Writes one item and replaces an existing item with the same key.
    pub async fn put(&self, item: Item) -> Result<(), TableError> {
        self.client().put_item().table_name(self.name()).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Reads items by their keys, at most 100 per request, with all requests in parallel. Keys that
    /// the table left unprocessed are requested again. Keys without an item are absent from the
    /// result.
    ///
    /// # Errors
    /// [`TableError::Throttled`] when keys are still unprocessed after the last attempt.
    pub async fn batch_get(
        &self,
        keys: &[Key],
        consistent: bool,
    ) -> Result<HashMap<Key, Item>, TableError> {
        let mut distinct: Vec<&Key> = keys.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let batches =
            try_join_all(distinct.chunks(BATCH).map(|keys| self.batch(keys, consistent))).await?;
        Ok(batches.into_iter().flatten().collect())
    }

    async fn batch(&self, keys: &[&Key], consistent: bool) -> Result<Vec<(Key, Item)>, TableError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut wanted: Vec<_> = keys.iter().map(|key| key.to_attributes()).collect();
        for attempt in 0..ATTEMPTS {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistent)
                .build()
                .map_err(|error| TableError::Refused(error.to_string()))?;
            let answer =
                self.client().batch_get_item().request_items(self.name(), request).send().await?;
            for item in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                if let Some(key) = Key::from_item(&item) {
                    found.push((key, item));
                }
            }
            wanted = answer
                .unprocessed_keys
                .into_iter()
                .flatten()
                .flat_map(|(_, rest)| rest.keys)
                .collect();
            if wanted.is_empty() {
                return Ok(found);
            }
            wait(attempt, ATTEMPTS).await;
        }
        Err(TableError::Throttled(format!("{} keys were not processed", wanted.len())))
    }

    /// Reads one page of a query.
    pub async fn query(&self, query: &Query) -> Result<Page, TableError> {
        // The table refuses an empty range.
        if let (Some(after), Some(before)) = (&query.after, &query.before)
            && next(after) >= *before
        {
            return Ok(Page { items: Vec::new(), more: false });
        }
        let sort = if query.by_name { NAME_KEY } else { SK };
        let mut condition = "#pk = :pk".to_owned();
        let mut request = self
            .client()
            .query()
            .table_name(self.name())
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", AttributeValue::S(query.pk.clone()))
            .scan_index_forward(query.direction == Direction::Ascending)
            .limit(query.limit);
        // A key condition allows only one condition on the sort key, so two bounds need BETWEEN.
        match (&query.after, &query.before) {
            (None, None) => {}
            (Some(after), None) => {
                condition.push_str(" AND #sk > :after");
                request =
                    request.expression_attribute_values(":after", AttributeValue::S(after.clone()));
            }
            (None, Some(before)) => {
                condition.push_str(" AND #sk < :before");
                request = request
                    .expression_attribute_values(":before", AttributeValue::S(before.clone()));
            }
            (Some(after), Some(before)) => {
                condition.push_str(" AND #sk BETWEEN :after AND :before");
                request = request
                    .expression_attribute_values(":after", AttributeValue::S(next(after)))
                    .expression_attribute_values(":before", AttributeValue::S(before.clone()));
            }
        }
        if query.keys_only {
            // The name of the partition key is already among the attribute names.
            request = request
                .projection_expression("#pk, #only_sk")
                .expression_attribute_names("#only_sk", SK);
        }
        if query.after.is_some() || query.before.is_some() {
            request = request.expression_attribute_names("#sk", sort);
        }
        request = if query.by_name {
            request.index_name(BY_NAME)
        } else {
            request.consistent_read(query.consistent)
        };
        let answer = request.key_condition_expression(condition).send().await?;
        let mut items = answer.items.unwrap_or_default();
        if let (Some(_), Some(before)) = (&query.after, &query.before) {
            // BETWEEN includes its upper bound.
            items.retain(|item| item.get(sort).and_then(|value| value.as_s().ok()) != Some(before));
        }
        Ok(Page { items, more: answer.last_evaluated_key.is_some() })
    }
}

/// Waits after the attempt with this number, counted from 0, unless it was the last of `attempts`.
pub(super) async fn wait(attempt: u32, attempts: u32) {
    if attempt + 1 < attempts {
        tokio::time::sleep(backoff(attempt)).await;
    }
}

/// The time to wait after the attempt with this number, counted from 0: exponential backoff up to
/// one second, with jitter that reduces it by at most one half.
#[must_use]
pub fn backoff(attempt: u32) -> Duration {
    let ceiling = 20u64.saturating_mul(1 << attempt.min(6)).min(1000);
    Duration::from_millis(fastrand::u64(ceiling / 2..=ceiling))
}
