//! Runs: one item per company, changed under its version, so that a chunk counts once however
//! often it is worked off.

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
    people::PeopleFile,
    report::{Detail, Details, Tally, Totals},
    request::{Mode, prefix},
};

/// After so long without progress a run is taken for dead, and another may begin.
pub(crate) const DEAD_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// How long what chunks have for the report is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a run is doing.
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
    /// The people's file was replaced or taken away while it was read.
    PeopleFileChanged,
}

/// Where the next chunk begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The last row before it; the line with the columns' names is row 1.
    pub(crate) row: u64,
    /// Its place in the people's file.
    pub(crate) byte: u64,
    /// The last contact before it, in a revert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<ContactId>,
}

/// A run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) company: CompanyId,
    pub(crate) id: RunId,
    pub(crate) mode: Mode,
    pub(crate) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<RunError>,
    /// What is read; none in a revert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) people: Option<PeopleFile>,
    pub(crate) position: Position,
    pub(crate) totals: Totals,
    /// The number of the current continuation, from 0. Messages of earlier ones have no effect.
    pub(crate) continuation: u32,
    pub(crate) started_at: Timestamp,
    /// When it is taken for dead, unless it gets on.
    pub(crate) dead_at: Timestamp,
    /// Rises with each change, over all runs of the company.
    pub(crate) version: u64,
}

/// The message that has a run gone on with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Continuation {
    pub(crate) company: CompanyId,
    pub(crate) run: RunId,
    pub(crate) continuation: u32,
}

/// Why a run was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another run is under way.
    #[error("another run is in progress")]
    UnderWay(Box<Run>),
    /// Somebody else got on with the run, or it is over.
    #[error("another worker is processing the run, or the run is over")]
    Lost,
    /// The table's trouble.
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
    /// A run at its beginning.
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

    /// Where the report comes to stand.
    pub(crate) fn report_key(&self) -> String {
        format!("{}runs/{}/report.json", prefix(&self.company), self.id)
    }

    /// Where the crosswalk stands while the run lasts.
    pub(crate) fn crosswalk_key(&self) -> String {
        format!("{}runs/{}/crosswalk.json", prefix(&self.company), self.id)
    }

    /// The message that starts or repeats this continuation, in case its invocation fails or never
    /// starts.
    pub(crate) fn message(&self, now: Timestamp) -> Result<Outgoing, TableError> {
        let body = Continuation { company: self.company.clone(), run: self.id, continuation: self.continuation };
        let id = format!("backfill#{}#{}", self.id, self.continuation);
        Outgoing::new(Queue::Backfill, id, now, &body)
    }

    fn put(&self, condition: Condition) -> Result<Action, TableError> {
        Ok(Action::Put(to_item(&Key::backfill(&self.company), self)?, Some(condition)))
    }
}

/// Where runs stand.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    table: Table,
}

impl Runs {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// The company's latest run.
    pub(crate) async fn latest(&self, company: &CompanyId) -> Result<Option<Run>, TableError> {
        self.table.get(&Key::backfill(company), true).await
    }

    /// Begins a run, unless another one is under way; a dead one gives way. The message that would
    /// go on with it is recorded with it.
    pub(crate) async fn begin(&self, run: &mut Run) -> Result<Outgoing, StoreError> {
        let latest = self.latest(&run.company).await?;
        let unchanged = match latest {
            Some(other) if other.state == State::Running && run.started_at < other.dead_at => {
                return Err(StoreError::UnderWay(Box::new(other)));
            }
            Some(over) => {
                run.version = over.version + 1;
                Condition::Version(over.version)
            }
            None => Condition::Absent,
        };
        let message = run.message(run.started_at)?;
        let transaction: Transaction = [run.put(unchanged)?, message.put()?].into_iter().collect();
        match self.table.transact(transaction).await {
            Ok(()) => Ok(message),
            Err(TransactError::Table(error)) => Err(error.into()),
            Err(TransactError::Conditions(_)) => Err(match self.latest(&run.company).await? {
                Some(other) => StoreError::UnderWay(Box::new(other)),
                None => StoreError::Lost,
            }),
        }
    }

    /// Records that a chunk is worked off up to `position`: once, whoever else worked on it too.
    /// With `hands_over` the next continuation starts there, and its message is recorded.
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
        if !tally.detail.problems.is_empty() || !tally.detail.unmatched.is_empty() {
            let key = Key::backfill_chunk(&run.company, run.id, position.row);
            let mut item = to_item(&key, &tally.detail)?;
            item.insert(EXPIRES_AT.to_owned(), attribute((now + KEPT).as_second())?);
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

    /// Records that the run is over.
    pub(crate) async fn end(&self, run: &Run) -> Result<(), StoreError> {
        let ended = Run { version: run.version + 1, ..run.clone() };
        let mut transaction = Transaction::new();
        transaction.push(ended.put(Condition::Version(run.version))?);
        Ok(self.table.transact(transaction).await?)
    }

    /// What all chunks have for the report.
    pub(crate) async fn details(
        &self,
        run: &Run,
        crosswalk: &Crosswalk,
    ) -> Result<Details, TableError> {
        let mut details = Details::default();
        let mut query = Query {
            consistent: true,
            ..Query::partition(backfill_partition(&run.company, run.id))
        };
        loop {
            let page = self.table.query(&query).await?;
            query.after = page.items.last().and_then(|item| Some(Key::from_item(item)?.sk));
            for item in page.items {
                details.add(from_item::<Detail>(item)?, crosswalk);
            }
            if !page.more {
                return Ok(details);
            }
        }
    }
}
