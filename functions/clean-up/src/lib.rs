//! Works off whatever is due, every minute: messages that were not sent, mentions to verify again,
//! deadlines of jobs, files past their 48 hours, pointers of contacts (SPEC §4, §5). It reads due
//! items and never scans.

mod work;

use std::sync::Arc;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    entry::{Failure, direct::Invocation},
    metric::{self, Slice},
    outbox::GRACE,
    table::{DUE_SHARDS, DueItem, DueKind, Key, TableError},
};

pub use work::App;

/// The items of one page of a shard.
const PAGE: i32 = 50;
/// How many shards are worked on side by side.
const CONCURRENCY: usize = 4;
/// What is left of the invocation's time when no further page is begun.
const RESERVE_MS: i64 = 8_000;

/// The schedule's event; "now" is its time, so that a run means the same whenever it happens.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Tick {
    time: Timestamp,
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Items that are met.
    pub met: usize,
    /// Items that failed and are due again at the next run.
    pub failed: usize,
    /// How long the oldest message that was not sent had been waiting, in seconds.
    pub outbox_age_s: i64,
    /// Whether the time was up before the work was done.
    pub cut_short: bool,
}

/// Works off what is due at the event's time and stops in good order before the invocation's time
/// is up; the next run goes on.
///
/// # Errors
/// When the due items cannot be read. An item that fails is logged and stays.
pub async fn handle(app: Arc<App>, tick: Tick, at: Invocation) -> Result<Report, Failure> {
    let until = i64::try_from(at.deadline_ms).unwrap_or(i64::MAX).saturating_sub(RESERVE_MS);
    let shards = stream::iter(0..DUE_SHARDS).map(|shard| work_off(&app, shard, tick.time, until));
    let reports: Vec<_> = shards.buffer_unordered(CONCURRENCY).collect().await;
    let mut total = Report::default();
    for report in reports {
        let report = report?;
        total.met += report.met;
        total.failed += report.failed;
        total.outbox_age_s = total.outbox_age_s.max(report.outbox_age_s);
        total.cut_short |= report.cut_short;
    }
    tracing::info!(
        met = total.met,
        failed = total.failed,
        outbox_age_s = total.outbox_age_s,
        cut_short = total.cut_short,
        "cleaned up"
    );
    // Ages are far below where a float loses a second.
    #[allow(clippy::cast_precision_loss)]
    let age = total.outbox_age_s as f64;
    metric::emit(&[Slice { by: &[], metrics: &[("OutboxAge", "Seconds", age)] }]);
    Ok(total)
}

/// Works one shard off, page by page. What failed is passed over, so that it stops nothing.
async fn work_off(app: &App, shard: u8, now: Timestamp, until: i64) -> Result<Report, TableError> {
    let mut report = Report::default();
    let mut after: Option<Key> = None;
    loop {
        if app.clock.now().as_millisecond() >= until {
            report.cut_short = true;
            return Ok(report);
        }
        let items = app.table.due_before(shard, now, after.as_ref(), PAGE).await?;
        let Some(last) = items.last() else { return Ok(report) };
        after = Some(last.key.clone());
        report.outbox_age_s = report.outbox_age_s.max(outbox_age(&items, now));
        let met = page(app, &items, now).await;
        report.met += met;
        report.failed += items.len() - met;
    }
}

/// For how many seconds the oldest of the messages among the items has been waiting to be sent.
fn outbox_age(items: &[DueItem], now: Timestamp) -> i64 {
    let messages = items.iter().filter(|item| item.due.kind == DueKind::Message);
    let ages = messages.map(|item| (now.duration_since(item.due.at) + GRACE).as_secs());
    ages.max().unwrap_or(0)
}

/// Works one page off and tells how many items are met.
async fn page(app: &App, items: &[DueItem], now: Timestamp) -> usize {
    let sent = work::send_messages(app, items).await;
    let others = work::others(items).map(|item| async move {
        match work::one(app, item, now).await {
            Ok(()) => 1,
            Err(error) => {
                let (kind, id) = (item.due.kind, item.due.id.as_str());
                tracing::warn!(?kind, id, %error, "a due item failed and stays due");
                0
            }
        }
    });
    let done = stream::iter(others).buffer_unordered(CONCURRENCY);
    sent + done.fold(0, |sum, one| async move { sum + one }).await
}
