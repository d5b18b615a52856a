//! Stores backfill runs in the table. Each company has one item, which is changed with optimistic
//! locking. So the results of a chunk are counted once, even if the chunk is processed more than
//! once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::{
    id::{CompanyId, ContactId, RunId},
    outbox::{MessageBody, Outgoing, Queue},
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

/// The time without progress after which a run counts as dead. Another run may then start.
pub(crate) const DEAD_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// The time for which the details of a chunk are stored.
const DETAILS_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The state of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Running,
    Completed,
    Failed,
}

/// Why the whole run failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RunError {
    /// The people file was replaced or deleted while it was being read.
    PeopleFileChanged,
}

/// The position at which the next chunk starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The number of the last row before the chunk; the header is row 1.
    pub(crate) row: u64,
    /// The start of the chunk in the people file, in bytes.
    pub(crate) byte: u64,
    /// In a revert, the last contact before the chunk; `None` at the start and for other modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<ContactId>,
}

/// A run, as the table stores it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) company: CompanyId,
    pub(crate) id: RunId,
    pub(crate) mode: Mode,
    pub(crate) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<RunError>,
    /// The people file; `None` for a revert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) people: Option<PeopleFile>,
    pub(crate) position: Position,
    pub(crate) totals: Totals,
    /// The number of the current continuation, from 0. Messages of earlier continuations have no
    /// effect.
    pub(crate) continuation: u32,
    pub(crate) started_at: Timestamp,
    /// The time at which the run counts as dead if it makes no progress.
    pub(crate) dead_at: Timestamp,
    /// The version for optimistic locking. Each change increments it, and a new run of the company
    /// continues the count.
    pub(crate) version: u64,
}

/// The message that continues a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Continuation {
    pub(crate) company: CompanyId,
    pub(crate) run: RunId,
    pub(crate) continuation: u32,
}

impl MessageBody for Continuation {
    fn company(&self) -> &CompanyId {
        &self.company
    }
}

/// Why a run was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another run of the company is in progress.
    #[error("another run is in progress")]
    InProgress(Box<Run>),
    /// Another worker has changed the run, or the run has ended.
    #[error("another worker is processing the run, or the run is over")]
    Lost,
    /// The call to the table failed.
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
    /// Creates a new run.
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

    /// The object key of the run's report.
    pub(crate) fn report_key(&self) -> String {
        format!("{}runs/{}/report.json", prefix(&self.company), self.id)
    }

    /// The object key of the run's crosswalk.
    pub(crate) fn crosswalk_key(&self) -> String {
        format!("{}runs/{}/crosswalk.json", prefix(&self.company), self.id)
    }

    /// The message for the current continuation. It starts the continuation, or repeats it if its
    /// invocation fails or never starts.
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

    /// Reads the company's latest run; `None` if there has been no run.
    pub(crate) async fn latest(&self, company: &CompanyId) -> Result<Option<Run>, TableError> {
        self.table.get(&Key::backfill(company), true).await
    }

    /// Starts a run, unless another run of the company is in progress and not dead. The message
    /// that continues the run is written in the same transaction.
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

    /// Records the results of a chunk that ends at `position`. The results are counted once, even
    /// if several workers processed the chunk. If `hands_over` is true, the next continuation
    /// starts at `position`, and its message is stored and returned.
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

    /// Reads the details of all chunks of a run.
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
