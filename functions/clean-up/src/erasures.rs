//! Erases deleted contacts: the last work of a run. Thousands of erasures can be due at once, so
//! they are limited in time and in writes, and slow down when the table throttles them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use shared::{
    contact::Contacts,
    error::chain,
    table::{DUE_SHARDS, Due, DueLane, TableError, backoff},
};
use tokio::time::{sleep, timeout};

use super::{ITEM_TIME, Report, Run};

/// The maximum number of writes of all erasures of a run. It leaves most of the table's throughput
/// to the requests of users.
const MAX_WRITES: usize = 10_000;
/// The maximum number of writes for one contact in a run, so that a contact with very many notes
/// does not delay the others.
const MAX_WRITES_PER_CONTACT: usize = 2_500;
/// The number of shards that are processed at the same time.
const CONCURRENCY: usize = 4;
/// The number of throttled steps after which the run erases nothing more. The table client has
/// then already repeated each request several times.
const MAX_THROTTLED: u32 = 5;

/// What the erasures of a run have used up so far.
#[derive(Debug, Default)]
struct Used {
    writes: AtomicUsize,
    throttled: AtomicU32,
    done: AtomicUsize,
    failed: AtomicUsize,
    /// Whether work was left for the next run.
    left: AtomicBool,
}

impl Run<'_> {
    /// Continues the erasures that are due, until they are complete or the limits of a run are
    /// reached.
    ///
    /// # Errors
    /// [`TableError`] if the due items of a shard could not be read. The other shards are still
    /// processed.
    pub(crate) async fn process_erasures(&self, report: &mut Report) -> Result<(), TableError> {
        let used = Used::default();
        // Another shard comes first every minute, so that no shard always gets what is left over.
        let minute = self.now.as_second() / 60;
        let first = u8::try_from(minute.rem_euclid(i64::from(DUE_SHARDS))).unwrap_or_default();
        let shards = (0..DUE_SHARDS).map(|number| (first + number) % DUE_SHARDS);
        let all = shards.map(|shard| self.erase_shard(shard, &used));
        let results: Vec<_> = stream::iter(all).buffer_unordered(CONCURRENCY).collect().await;
        report.done += used.done.into_inner();
        report.failed += used.failed.into_inner();
        report.erasure_writes = used.writes.into_inner();
        report.erasures_left = used.left.into_inner();
        results.into_iter().collect()
    }

    async fn erase_shard(&self, shard: u8, used: &Used) -> Result<(), TableError> {
        let mut after = None;
        while let Some(page) = self.next_page((DueLane::Erasure, shard), &mut after).await? {
            used.failed.fetch_add(page.invalid.len(), Ordering::Relaxed);
            for item in page.items {
                if self.is_limit_reached(used) {
                    used.left.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                self.erase(item.due, used).await;
            }
        }
        Ok(())
    }

    /// Performs the steps of one erasure, as far as the limits allow. What is left stays due.
    async fn erase(&self, mut due: Due, used: &Used) {
        let mut writes = 0;
        loop {
            let step = Contacts::erasure_step(&self.app.table, &self.app.clock, &due, self.now);
            let error = match timeout(ITEM_TIME, step).await {
                Ok(Ok(progress)) => {
                    writes += progress.writes;
                    used.writes.fetch_add(progress.writes, Ordering::Relaxed);
                    let Some(next) = progress.next else {
                        used.done.fetch_add(1, Ordering::Relaxed);
                        return;
                    };
                    if self.is_limit_reached(used) || writes >= MAX_WRITES_PER_CONTACT {
                        used.left.store(true, Ordering::Relaxed);
                        return;
                    }
                    due = next;
                    continue;
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            used.failed.fetch_add(1, Ordering::Relaxed);
            used.left.store(true, Ordering::Relaxed);
            let id = due.id.as_str();
            match error {
                Some(error) => {
                    tracing::warn!(
                        id,
                        error = %chain(&error),
                        "could not continue an erasure; it will be continued in the next run"
                    );
                    if matches!(error, TableError::Throttled(_)) {
                        let count = used.throttled.fetch_add(1, Ordering::Relaxed);
                        sleep(backoff(count + 3)).await;
                    }
                }
                None => tracing::warn!(
                    id,
                    "a step of an erasure took too long; it will be continued in the next run"
                ),
            }
            return;
        }
    }

    fn is_limit_reached(&self, used: &Used) -> bool {
        self.is_time_up()
            || used.writes.load(Ordering::Relaxed) >= MAX_WRITES
            || used.throttled.load(Ordering::Relaxed) >= MAX_THROTTLED
    }
}
