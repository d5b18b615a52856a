//! One run over the table and the bucket, and its stored place.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    entry::{Failure, direct::Invocation},
    id::RunId,
    table::{Item, Key, TableError, from_item, is_of_company, to_item},
};

use crate::{App, Mode, Request, bucket, pace::Pace};

/// The time that a run leaves for its last page, in milliseconds.
const RESERVE_MS: u64 = 20_000;

/// The size at which exported lines are written to the bucket.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The same request continues the run.
    Running,
    /// Everything was counted, exported or removed.
    Completed,
}

/// The progress of a run. It is stored after each page, and its end is the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The id of the run.
    pub run_id: RunId,
    mode: Mode,
    /// How far the run is.
    pub state: State,
    /// The items of the company that were found so far.
    pub items: u64,
    /// The contacts among these items.
    pub contacts: u64,
    /// The notes among these items.
    pub notes: u64,
    /// The files of the company in the bucket.
    pub files: u64,
    /// The read units that the run has used.
    pub read_units: f64,
    started_at: Timestamp,
    /// The number of written parts of the exported data.
    parts: u32,
}

/// The stored form of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Progress {
    answer: Answer,
    /// The last item that was read. `None` before the first page.
    after: Option<Key>,
}

impl Progress {
    fn new(mode: Mode, now: Timestamp) -> Self {
        let answer = Answer {
            run_id: RunId::generate(now),
            mode,
            state: State::Running,
            items: 0,
            contacts: 0,
            notes: 0,
            files: 0,
            read_units: 0.0,
            started_at: now,
            parts: 0,
        };
        Self { answer, after: None }
    }

    fn count(&mut self, item: &Item) {
        let Some(key) = Key::from_item(item) else { return };
        self.answer.items += 1;
        self.answer.contacts += u64::from(key.is_contact());
        self.answer.notes += u64::from(key.is_note());
    }
}

/// Starts or continues a run, until it is complete or the time is over.
pub(crate) async fn run(app: &App, request: &Request, at: Invocation) -> Result<Answer, Failure> {
    let company = &request.company_sso_id;
    let key = Key::removal(company);
    let start = app.clock.now();
    let stored: Option<Progress> = app.table.get(&key, true).await?;
    let same_mode = |progress: &Progress| progress.answer.mode == request.mode;
    let unfinished = |progress: &Progress| progress.answer.state == State::Running;
    let stored = stored.filter(same_mode).filter(unfinished);
    let mut progress = stored.unwrap_or_else(|| Progress::new(request.mode, start));
    let end = at.deadline_ms.saturating_sub(RESERVE_MS);
    let mut pace = Pace::new(request.units_per_second);
    let mut lines = Vec::new();
    loop {
        let page = app.table.scan(progress.after.as_ref()).await?;
        pace.add(page.read_units);
        progress.answer.read_units += page.read_units;
        let own = page.items.into_iter().filter(|item| is_of_company(item, company));
        let own: Vec<Item> = own.collect();
        own.iter().for_each(|item| progress.count(item));
        match request.mode {
            Mode::DryRun => {}
            Mode::Export => add_lines(&mut lines, own)?,
            Mode::Remove => {
                let keys: Vec<Key> = own.iter().filter_map(Key::from_item).collect();
                app.table.delete_all(&keys).await?;
                // A deletion of an item under 1 KB, and of its entry in the index.
                pace.add(2.0 * units(keys.len()));
            }
        }
        let is_last = page.last.is_none();
        progress.after = page.last;
        let now = app.clock.now();
        let pause = pace.pause(now.duration_since(start).unsigned_abs());
        // The next run continues instead of a pause beyond the end of this one.
        let left = end.saturating_sub(u64::try_from(now.as_millisecond()).unwrap_or(0));
        let is_over = pause >= Duration::from_millis(left);
        if lines.len() >= PART_BYTES || (is_last || is_over) && !lines.is_empty() {
            progress.answer.parts += 1;
            let run = progress.answer.run_id.to_string();
            let part = bucket::part_key(company, &run, progress.answer.parts);
            bucket::put(&app.files, &part, std::mem::take(&mut lines)).await?;
        }
        if is_last {
            let delete = request.mode == Mode::Remove;
            progress.answer.files = bucket::files(&app.files, company, delete).await?;
            progress.answer.state = State::Completed;
        }
        // A position after lines that are not written yet would lose them.
        if lines.is_empty() {
            app.table.put(to_item(&key, &progress)?).await?;
        }
        if is_last || is_over {
            return Ok(progress.answer);
        }
        wait(pause).await;
    }
}

async fn wait(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

fn units(items: usize) -> f64 {
    u32::try_from(items).map_or(f64::MAX, f64::from)
}

/// Adds each item as one line of JSON.
fn add_lines(lines: &mut Vec<u8>, items: Vec<Item>) -> Result<(), TableError> {
    for item in items {
        let value: Value = from_item(item)?;
        lines.extend_from_slice(value.to_string().as_bytes());
        lines.push(b'\n');
    }
    Ok(())
}
