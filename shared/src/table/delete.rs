use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Key, Table, TableError, read::wait};

/// The maximum number of deletions in one `BatchWriteItem` request.
const BATCH: usize = 25;
/// The maximum number of attempts to delete a batch. A further attempt is made while the table has
/// left deletions of the batch unprocessed.
const ATTEMPTS: u32 = 8;
/// The number of requests at the same time. It is low, because a mass deletion must leave the
/// table's throughput to the requests of users.
const CONCURRENCY: usize = 2;

impl Table {
    /// Deletes the items with these keys, without a condition and without a transaction: after an
    /// error, some of them may be deleted. Deleting an item twice is harmless.
    ///
    /// # Errors
    /// [`TableError::Throttled`] when the table still leaves deletions unprocessed after the last
    /// attempt.
    pub async fn delete_all(&self, keys: &[Key]) -> Result<(), TableError> {
        let batches = keys.chunks(BATCH).map(|batch| self.delete_batch(batch));
        stream::iter(batches).buffer_unordered(CONCURRENCY).try_collect().await
    }

    async fn delete_batch(&self, keys: &[Key]) -> Result<(), TableError> {
        let deletion = |key: &Key| {
            let request = DeleteRequest::builder().set_key(Some(key.to_attributes())).build();
            request
                .map(|request| WriteRequest::builder().delete_request(request).build())
                .map_err(|error| TableError::Refused(error.to_string()))
        };
        let mut wanted = keys.iter().map(deletion).collect::<Result<Vec<_>, _>>()?;
        for attempt in 0..ATTEMPTS {
            let request = self.client().batch_write_item().request_items(self.name(), wanted);
            let answer = request.send().await?;
            let rest = answer.unprocessed_items.into_iter().flatten();
            wanted = rest.flat_map(|(_, rest)| rest).collect();
            if wanted.is_empty() {
                return Ok(());
            }
            wait(attempt, ATTEMPTS).await;
        }
        Err(TableError::Throttled(format!("{} deletions were not processed", wanted.len())))
    }
}
