//! Works off whatever is due, every minute: messages that were not sent, mentions to verify again,
//! deadlines of jobs, files past their 48 hours, pointers of contacts (SPEC §5, "Clean-up"). It reads due
//! items and never scans.

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
    metric::{self, Slice},
    outbox::GRACE,
    table::{DUE_SHARDS, DueItem, DueKind, Key, TableError},
};
use tokio::time::timeout;

pub use work::App;

/// The items of one page of a shard.
const PAGE: i32 = 50;
/// How many items of a shard are worked on side by side.
const CONCURRENCY: usize = 4;
/// What is left of the invocation's time when nothing further is begun.
const RESERVE_MS: i64 = 8_000;
/// The longest that one item may take before it is left to the next run: a neighbor that does not
/// answer holds up neither the items behind it nor the end in good order.
const ITEM_TIME: Duration = Duration::from_secs(6);

/// The schedule's event; "now" is its time, so that a run means the same whenever it happens.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tick {
    time: Timestamp,
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Items that are met.
    pub done: usize,
    /// Items that failed and are due again at the next run.
    pub failed: usize,
    /// How long the oldest message that was not sent had been waiting, in seconds.
    pub outbox_age_s: i64,
    /// Whether the time was up before the work was done.
    pub stopped_early: bool,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.outbox_age_s = self.outbox_age_s.max(other.outbox_age_s);
        self.stopped_early |= other.stopped_early;
    }

    fn report(&self) {
        let Self { done, failed, outbox_age_s, stopped_early } = self;
        tracing::info!(done, failed, outbox_age_s, stopped_early, "clean-up finished");
        // Ages are far below where a float loses a second.
        #[allow(clippy::cast_precision_loss)]
        let age = self.outbox_age_s as f64;
        metric::emit(&[Slice { by: &[], metrics: &[("OutboxAge", "Seconds", age)] }]);
    }
}

/// Works off what is due at the event's time, all shards side by side, and stops in good order before
/// the invocation's time is up; the next run goes on.
///
/// # Errors
/// When a shard's due items cannot be read; the others' are worked off nevertheless. An item that
/// fails is logged and stays.
pub async fn handle(app: Arc<App>, tick: Tick, at: Invocation) -> Result<Report, Failure> {
    let until = i64::try_from(at.deadline_ms).unwrap_or(i64::MAX).saturating_sub(RESERVE_MS);
    let run = Run { app: &app, now: tick.time, until };
    let shards = (0..DUE_SHARDS).map(|shard| async move {
        let mut report = Report::default();
        let read = run.work_off(shard, &mut report).await;
        (report, read)
    });
    let mut total = Report::default();
    let mut all_read = Ok(());
    for (report, read) in join_all(shards).await {
        total.add(report);
        all_read = all_read.and(read);
    }
    total.report();
    all_read?;
    Ok(total)
}

/// One run: what it works with, the time that it takes for now, and when it must end.
#[derive(Clone, Copy)]
struct Run<'a> {
    app: &'a App,
    now: Timestamp,
    until: i64,
}

impl Run<'_> {
    /// Works one shard off, page by page. What failed is passed over, so that it stops nothing.
    async fn work_off(&self, shard: u8, report: &mut Report) -> Result<(), TableError> {
        let mut after: Option<Key> = None;
        while !self.is_over() {
            let page = self.app.table.due_before(shard, self.now, after.as_ref(), PAGE).await?;
            let Some(last) = page.last else { return Ok(()) };
            after = Some(last);
            for Key { sk, .. } in &page.unreadable {
                tracing::error!(shard, sk, "could not parse a due item; it stays in the table");
            }
            report.failed += page.unreadable.len();
            report.outbox_age_s = report.outbox_age_s.max(outbox_age(&page.items, self.now));
            self.work(&page.items, report).await;
        }
        report.stopped_early = true;
        Ok(())
    }

    /// Works one page off, its messages first.
    async fn work(&self, items: &[DueItem], report: &mut Report) {
        let (messages, others): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| item.due.kind == DueKind::Message);
        let sent = timeout(ITEM_TIME, work::send_messages(self.app, &messages)).await.unwrap_or(0);
        report.done += sent;
        report.failed += messages.len() - sent;
        let others = stream::iter(others).take_while(|_| ready(!self.is_over()));
        let mut done = others.map(|item| self.one(item)).buffer_unordered(CONCURRENCY);
        while let Some(is_done) = done.next().await {
            report.done += usize::from(is_done);
            report.failed += usize::from(!is_done);
        }
    }

    /// Works one item off and tells whether it is met.
    async fn one(&self, item: &DueItem) -> bool {
        let (kind, id) = (item.due.kind, item.due.id.as_str());
        match timeout(ITEM_TIME, work::one(self.app, item, self.now)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::warn!(?kind, id, error = %chain(&*error), "could not process a due item; it will be tried again")
            }
            Err(_) => tracing::warn!(
                ?kind,
                id,
                "processing a due item took too long; it will be tried again"
            ),
        }
        false
    }

    fn is_over(&self) -> bool {
        self.app.clock.now().as_millisecond() >= self.until
    }
}

/// For how many seconds the oldest of the messages among the items has been waiting to be sent.
fn outbox_age(items: &[DueItem], now: Timestamp) -> i64 {
    let messages = items.iter().filter(|item| item.due.kind == DueKind::Message);
    let ages = messages.map(|item| (now.duration_since(item.due.at) + GRACE).as_secs());
    ages.max().unwrap_or(0)
}
