//! Stores backfill runs in the table: one item per company, changed with optimistic locking, so
//! that the results of a chunk count once even if the chunk is processed more than once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::{
    id::{CompanyId, ContactId, RunId},
    outbox::{Outgoing, Queue},
    table::{
        Action, Condition, EXPIRES_AT, Key, Query, Table, TableError, TransactError, Transaction,
        attribute, backfill_partition, from_item, to_item,
    },
};

use crate::{
    crosswalk::Crosswalk,
    details::{ChunkDetails, RunDetails},
    people::PeopleFile,
    request::{Mode, prefix},
    tally::{Tally, Totals},
};

/// A run without progress for this time counts as dead, and another run may start.
pub(crate) const DEAD_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// How long the details of a chunk are stored.
const DETAILS_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The state of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Running,
    Completed,
    Failed,
}

/// Why a run failed as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RunError {
    /// The people file was replaced or deleted while it was read.
    PeopleFileChanged,
}

/// The start of the next chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The number of the last row before it; the header is row 1.
    pub(crate) row: u64,
    /// Its position in the people file, in bytes.
    pub(crate) byte: u64,
    /// In a revert, the last contact before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<ContactId>,
}

/// A run, as it is stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) company: CompanyId,
    pub(crate) id: RunId,
    pub(crate) mode: Mode,
    pub(crate) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<RunError>,
    /// The people file; `None` in a revert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) people: Option<PeopleFile>,
    pub(crate) position: Position,
    pub(crate) totals: Totals,
    /// The number of the current continuation, from 0. Messages of earlier ones have no effect.
    pub(crate) continuation: u32,
    pub(crate) started_at: Timestamp,
    /// When the run counts as dead if it makes no progress.
    pub(crate) dead_at: Timestamp,
    /// Incremented by each change, over all runs of the company, for optimistic locking.
    pub(crate) version: u64,
}

/// The message that continues a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Continuation {
    pub(crate) company: CompanyId,
    pub(crate) run: RunId,
    pub(crate) continuation: u32,
}

/// Why a run was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another run is in progress.
    #[error("another run is in progress")]
    InProgress(Box<Run>),
    /// Another worker has changed the run, or the run has ended.
    #[error("another worker is processing the run, or the run is over")]
    Lost,
    /// The table's error.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl From<TransactError> for StoreError {
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Conditions(_) => Self::Lost,
            TransactError::Table(error) => Self::Table(error),
        }
    }
}

impl Run {
    /// A new run.
    pub(crate) fn new(
        company: CompanyId,
        mode: Mode,
        people: Option<PeopleFile>,
        now: Timestamp,
    ) -> Self {
        let byte = people.as_ref().map_or(0, |people| people.first);
        Self {
            company,
            id: RunId::generate(now),
            mode,
            state: State::Running,
            error: None,
            people,
            position: Position { row: 1, byte, after: None },
            totals: Totals::default(),
            continuation: 0,
            started_at: now,
            dead_at: now + DEAD_AFTER,
            version: 0,
        }
    }

    /// The object key of the report.
    pub(crate) fn report_key(&self) -> String {
        format!("{}runs/{}/report.json", prefix(&self.company), self.id)
    }

    /// The object key of the crosswalk.
    pub(crate) fn crosswalk_key(&self) -> String {
        format!("{}runs/{}/crosswalk.json", prefix(&self.company), self.id)
    }

    /// The message that starts or repeats this continuation, in case its invocation fails or never
    /// starts.
    pub(crate) fn message(&self, now: Timestamp) -> Result<Outgoing, TableError> {
        let body = Continuation {
            company: self.company.clone(),
            run: self.id,
            continuation: self.continuation,
        };
        let id = format!("backfill#{}#{}", self.id, self.continuation);
        Outgoing::new(Queue::Backfill, id, now, &body)
    }

    fn put(&self, condition: Condition) -> Result<Action, TableError> {
        Ok(Action::Put(to_item(&Key::backfill(&self.company), self)?, Some(condition)))
    }
}

/// The runs in the table.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    table: Table,
}

impl Runs {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Reads the company's latest run.
    pub(crate) async fn latest(&self, company: &CompanyId) -> Result<Option<Run>, TableError> {
        self.table.get(&Key::backfill(company), true).await
    }

    /// Starts a run, unless another run is in progress that is not dead. The message that continues
    /// the run is written in the same transaction.
    pub(crate) async fn begin(&self, run: &mut Run) -> Result<Outgoing, StoreError> {
        let latest = self.latest(&run.company).await?;
        let unchanged = match latest {
            Some(other) if other.state == State::Running && run.started_at < other.dead_at => {
                return Err(StoreError::InProgress(Box::new(other)));
            }
            Some(ended) => {
                run.version = ended.version + 1;
                Condition::Version(ended.version)
            }
            None => Condition::Absent,
        };
        let message = run.message(run.started_at)?;
        let transaction: Transaction = [run.put(unchanged)?, message.put()?].into_iter().collect();
        match self.table.transact(transaction).await {
            Ok(()) => Ok(message),
            Err(TransactError::Table(error)) => Err(error.into()),
            Err(TransactError::Conditions(_)) => Err(match self.latest(&run.company).await? {
                Some(other) => StoreError::InProgress(Box::new(other)),
                None => StoreError::Lost,
            }),
        }
    }

    /// Records the results of a chunk that ends at `position`. They count once, even if several
    /// workers processed the chunk. With `hands_over` the next continuation starts there, and its
    /// message is recorded.
    pub(crate) async fn advance(
        &self,
        run: &mut Run,
        position: Position,
        tally: &Tally,
        hands_over: bool,
        now: Timestamp,
    ) -> Result<Option<Outgoing>, StoreError> {
        let mut next = Run {
            position,
            continuation: run.continuation + u32::from(hands_over),
            dead_at: now + DEAD_AFTER,
            version: run.version + 1,
            ..run.clone()
        };
        next.totals += tally.totals;
        let mut transaction = Transaction::new();
        transaction.push(next.put(Condition::Version(run.version))?);
        if !tally.details.problems.is_empty() || !tally.details.unmatched.is_empty() {
            let key = Key::backfill_chunk(&run.company, run.id, position.row);
            let mut item = to_item(&key, &tally.details)?;
            item.insert(EXPIRES_AT.to_owned(), attribute((now + DETAILS_LIFETIME).as_second())?);
            transaction.push(Action::Put(item, None));
        }
        let message = hands_over.then(|| next.message(now)).transpose()?;
        if let Some(message) = &message {
            transaction.push(message.put()?);
        }
        self.table.transact(transaction).await?;
        *run = next;
        Ok(message)
    }

    /// Records that the run has ended.
    pub(crate) async fn end(&self, run: &Run) -> Result<(), StoreError> {
        let ended = Run { version: run.version + 1, ..run.clone() };
        let mut transaction = Transaction::new();
        transaction.push(ended.put(Condition::Version(run.version))?);
        Ok(self.table.transact(transaction).await?)
    }

    /// Reads the details of all chunks.
    pub(crate) async fn details(
        &self,
        run: &Run,
        crosswalk: &Crosswalk,
    ) -> Result<RunDetails, TableError> {
        let mut details = RunDetails::default();
        let mut query = Query {
            consistent: true,
            ..Query::partition(backfill_partition(&run.company, run.id))
        };
        loop {
            let page = self.table.query(&query).await?;
            query.after = page.items.last().and_then(|item| Some(Key::from_item(item)?.sk));
            for item in page.items {
                details.add(from_item::<ChunkDetails>(item)?, crosswalk);
            }
            if !page.more {
                return Ok(details);
            }
        }
    }
}
