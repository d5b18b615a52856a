//! A continuation is the part of a run that one invocation processes. It processes chunks until the
//! run ends or the invocation is nearly out of time. In the second case, the queue starts the next
//! continuation.

use jiff::{SignedDuration, Timestamp};
use shared::{
    contact::Contacts,
    metric::{self, MetricGroup},
    outbox::Outgoing,
    table::TableError,
};

use crate::{
    app::App,
    bucket::BucketError,
    chunk::{self, CHUNK},
    crosswalk::Crosswalk,
    csv::Records,
    people::PeopleFile,
    report::Report,
    request::Mode,
    run::{Position, Run, RunError, State, StoreError},
    tally::Tally,
};

/// The maximum time that one more chunk and recording its progress should need. If less time is
/// left, the next continuation continues the run.
const RESERVE: SignedDuration = SignedDuration::from_secs(20);

/// Why a continuation failed. The run continues after the last chunk that was recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContinuationError {
    /// Another worker has changed the run, or the run has ended.
    #[error("another worker is processing the run, or the run is over")]
    Lost,
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The call to the bucket failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl From<StoreError> for ContinuationError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Table(error) => Self::Table(error),
            StoreError::Lost | StoreError::InProgress(_) => Self::Lost,
        }
    }
}

/// The input of a run: rows of the people file, or the contacts of a revert.
enum Input<'a> {
    Rows { people: &'a PeopleFile, records: Box<Records<'a>> },
    Contacts,
}

/// Processes a run until it ends or `deadline` is near. In the second case, this sends the message
/// for the next continuation. At least one chunk is processed, so that every continuation makes
/// progress.
///
/// # Errors
/// [`ContinuationError`]. It is safe to run the continuation again.
pub(crate) async fn run(
    app: &App,
    run: &mut Run,
    deadline: Timestamp,
) -> Result<(), ContinuationError> {
    let people = run.people.clone();
    let crosswalk: Crosswalk = match &people {
        Some(_) => app.bucket.read(&run.crosswalk_key()).await?,
        None => Crosswalk::default(),
    };
    let contacts = Contacts::new(app.table.clone(), run.company.clone(), app.clock.clone());
    let mut input = match &people {
        Some(people) => {
            let records = Box::new(people.records(&app.bucket, run.position.byte));
            Input::Rows { people, records }
        }
        None => Input::Contacts,
    };
    loop {
        let processed = match input.process_chunk(run, &contacts, &crosswalk).await {
            Err(ContinuationError::Bucket(BucketError::Changed)) => {
                run.error = Some(RunError::PeopleFileChanged);
                return end(app, run, State::Failed, &crosswalk).await;
            }
            processed => processed?,
        };
        let Some((position, tally)) = processed else {
            return end(app, run, State::Completed, &crosswalk).await;
        };
        let now = app.clock.now();
        let hands_over = now + RESERVE >= deadline;
        let message = app.runs.advance(run, position, &tally, hands_over, now).await?;
        if let Some(message) = message {
            send(app, message).await;
            return Ok(());
        }
    }
}

async fn send(app: &App, message: Outgoing) {
    app.outbox.send(&[message]).await;
}

impl Input<'_> {
    /// Processes the next chunk. Returns the position of its end and its results; `None` at the end
    /// of the input.
    async fn process_chunk(
        &mut self,
        run: &Run,
        contacts: &Contacts,
        crosswalk: &Crosswalk,
    ) -> Result<Option<(Position, Tally)>, ContinuationError> {
        match self {
            Self::Rows { people, records } => {
                let rows = people.rows(records, run.position.row, CHUNK).await?;
                let Some(last) = rows.last() else { return Ok(None) };
                let position = Position { row: last.row, byte: records.byte(), after: None };
                Ok(Some((position, chunk::rows(run, contacts, crosswalk, rows).await?)))
            }
            Self::Contacts => {
                let limit = i32::try_from(CHUNK).unwrap_or(i32::MAX);
                let (set, last) = contacts.backfilled_after(run.position.after, limit).await?;
                if last.is_none() {
                    return Ok(None);
                }
                let row = run.position.row + CHUNK as u64;
                let position = Position { row, byte: 0, after: last };
                Ok(Some((position, chunk::revert(run, contacts, set).await?)))
            }
        }
    }
}

/// Ends a run. The report is written before the state, so that the report exists as soon as the
/// state of the run shows that it has ended.
async fn end(
    app: &App,
    run: &mut Run,
    state: State,
    crosswalk: &Crosswalk,
) -> Result<(), ContinuationError> {
    run.state = state;
    let details = app.runs.details(run, crosswalk).await?;
    let report = Report::new(run, details, crosswalk, app.clock.now());
    app.bucket.write(&run.report_key(), &report).await?;
    app.runs.end(run).await?;
    let (totals, coverage) = (run.totals, run.totals.coverage());
    tracing::info!(
        company_sso_id = %run.company,
        run_id = %run.id,
        mode = ?run.mode,
        state = ?run.state,
        rows = totals.rows,
        written = totals.written,
        errors = totals.errors,
        rows_percent = coverage.rows_percent,
        contacts_percent = coverage.contacts_percent,
        "a backfill run ended"
    );
    if run.mode == Mode::Apply && state == State::Completed {
        metric::emit(&[MetricGroup {
            dimensions: &[],
            metrics: &[("BackfillCoverage", "Percent", coverage.contacts_percent)],
        }]);
    }
    Ok(())
}
