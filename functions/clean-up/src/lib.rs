//! Runs every minute and processes the due items: messages that were not sent, mentions that must
//! be verified again, deadlines of jobs, files older than 48 hours, and stale pointers of contacts
//! (SPEC §5, "Clean-up"). After everything else it erases deleted contacts. It reads only due items
//! and never scans the table.

mod erasures;
mod work;

use std::{sync::Arc, time::Duration};

use futures::{
    StreamExt,
    future::{join_all, ready},
    stream,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    entry::{Failure, direct::Invocation},
    error::chain,
    metric::{self, MetricGroup},
    outbox::GRACE,
    table::{DUE_SHARDS, DueItem, DueKind, DueLane, DuePage, Key, TableError},
};
use tokio::time::timeout;

pub use work::App;

/// The maximum number of due items on one page of a shard.
const PAGE: i32 = 50;
/// The maximum number of items of a shard that are processed in parallel.
const CONCURRENCY: usize = 4;
/// The time before the invocation's deadline, in milliseconds, after which the run processes no
/// more items.
const RESERVE_MS: i64 = 8_000;
/// The maximum time for one item. After it, the item is left to the next run, so that an upstream
/// service that does not respond delays neither the other items nor the end of the run.
const ITEM_TIME: Duration = Duration::from_secs(6);

/// The event from the schedule. The run uses the event's time as the current time, so that a run
/// that starts late has the same effect.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tick {
    time: Timestamp,
}

/// The result of a run, which is logged and returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// The number of items that were processed.
    pub done: usize,
    /// The number of items that failed. The next run processes them again.
    pub failed: usize,
    /// The age of the oldest message that was not sent, in seconds; 0 if there is none.
    pub outbox_age_s: i64,
    /// Whether the run ended before all items were processed, because the deadline was near.
    pub stopped_early: bool,
    /// The number of items that erasures wrote and deleted.
    pub erasure_writes: usize,
    /// Whether erasures are left that were due. The next run continues them.
    pub erasures_left: bool,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.outbox_age_s = self.outbox_age_s.max(other.outbox_age_s);
        self.stopped_early |= other.stopped_early;
        self.erasure_writes += other.erasure_writes;
        self.erasures_left |= other.erasures_left;
    }

    fn log(&self) {
        let Self { done, failed, outbox_age_s, stopped_early, erasure_writes, erasures_left } =
            self;
        tracing::info!(
            done,
            failed,
            outbox_age_s,
            stopped_early,
            erasure_writes,
            erasures_left,
            "clean-up finished"
        );
        #[allow(clippy::cast_precision_loss, reason = "ages are small enough to be exact")]
        let age = self.outbox_age_s as f64;
        metric::emit(&[MetricGroup { dimensions: &[], metrics: &[("OutboxAge", "Seconds", age)] }]);
    }
}

/// Processes the items that are due at the event's time, with all shards in parallel. The run ends
/// before the invocation's deadline, and the next run processes the remaining items. Erasures of
/// contacts come last and get at most half of the run.
///
/// # Errors
/// [`Failure`] if the due items of a shard could not be read. The other shards are still processed.
/// An item that fails is logged and stays in the table.
pub async fn handle(app: Arc<App>, tick: Tick, at: Invocation) -> Result<Report, Failure> {
    let end = i64::try_from(at.deadline_ms).unwrap_or(i64::MAX).saturating_sub(RESERVE_MS);
    let start = app.clock.now().as_millisecond();
    let run = Run { app: &app, now: tick.time, end };
    let shards = (0..DUE_SHARDS).map(|shard| async move {
        let mut report = Report::default();
        let read = run.process_shard(shard, &mut report).await;
        (report, read)
    });
    let mut total = Report::default();
    let mut all_read = Ok(());
    for (report, read) in join_all(shards).await {
        total.add(report);
        all_read = all_read.and(read);
    }
    let half = end.saturating_sub(start) / 2;
    let erasures =
        Run { end: end.min(app.clock.now().as_millisecond().saturating_add(half)), ..run };
    let erased = erasures.process_erasures(&mut total).await;
    all_read = all_read.and(erased);
    total.log();
    all_read?;
    Ok(total)
}

/// A run: its dependencies, the time that it uses as the current time, and the time at which it
/// must end, in milliseconds.
#[derive(Clone, Copy)]
struct Run<'a> {
    app: &'a App,
    now: Timestamp,
    end: i64,
}

impl Run<'_> {
    /// Processes the items of one shard page by page. If items fail, the next items are still
    /// processed.
    async fn process_shard(&self, shard: u8, report: &mut Report) -> Result<(), TableError> {
        let mut after = None;
        while !self.is_time_up() {
            let page = self.next_page((DueLane::Prompt, shard), &mut after).await?;
            let Some(page) = page else { return Ok(()) };
            report.failed += page.invalid.len();
            report.outbox_age_s = report.outbox_age_s.max(outbox_age(&page.items, self.now));
            self.process_page(&page.items, report).await;
        }
        report.stopped_early = true;
        Ok(())
    }

    /// Reads the next page of the due items of a shard, and sets `after` to its last item. Items that
    /// cannot be parsed are logged. `None` if there are no more items.
    async fn next_page(
        &self,
        shard: (DueLane, u8),
        after: &mut Option<Key>,
    ) -> Result<Option<DuePage>, TableError> {
        let page = self.app.table.due_before(shard, self.now, after.as_ref(), PAGE).await?;
        for (Key { sk, .. }, error) in &page.invalid {
            tracing::error!(
                ?shard,
                sk,
                error = %chain(error),
                "could not parse a due item; it stays in the table"
            );
        }
        after.clone_from(&page.last);
        Ok(after.is_some().then_some(page))
    }

    /// Processes the items of one page, messages first.
    async fn process_page(&self, items: &[DueItem], report: &mut Report) {
        let (messages, others): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| item.due.kind == DueKind::Message);
        let sent = timeout(ITEM_TIME, work::send_messages(self.app, &messages)).await;
        let sent = sent.unwrap_or_else(|_| {
            let count = messages.len();
            tracing::warn!(count, "sending messages took too long; they will be sent again");
            0
        });
        report.done += sent;
        report.failed += messages.len() - sent;
        let others = stream::iter(others).take_while(|_| ready(!self.is_time_up()));
        let mut done = others.map(|item| self.process(item)).buffer_unordered(CONCURRENCY);
        while let Some(is_done) = done.next().await {
            report.done += usize::from(is_done);
            report.failed += usize::from(!is_done);
        }
    }

    /// Processes one item. Returns whether it succeeded.
    async fn process(&self, item: &DueItem) -> bool {
        let (kind, id) = (item.due.kind, item.due.id.as_str());
        match timeout(ITEM_TIME, work::process(self.app, item, self.now)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::warn!(
                    ?kind,
                    id,
                    error = %chain(&*error),
                    "could not process a due item; it will be tried again"
                );
            }
            Err(_) => tracing::warn!(
                ?kind,
                id,
                "processing a due item took too long; it will be tried again"
            ),
        }
        false
    }

    fn is_time_up(&self) -> bool {
        self.app.clock.now().as_millisecond() >= self.end
    }
}

/// The age of the oldest message among the items, in seconds; 0 if there is no message.
fn outbox_age(items: &[DueItem], now: Timestamp) -> i64 {
    let messages = items.iter().filter(|item| item.due.kind == DueKind::Message);
    let ages = messages.map(|item| (now.duration_since(item.due.at) + GRACE).as_secs());
    ages.max().unwrap_or(0)
}
