//! Sets contacts' team owners from the legacy CRM's files (SPEC §2, "Backfill"; RFC CHG-004).
//!
//! An operator invokes it with two CSV files in the bucket; it works them off chunk by chunk and
//! goes on through a queue of its own where one invocation is not enough.
//!
//! | module | its one idea |
//! |---|---|
//! | `request` | what operators ask for |
//! | `bucket`, `csv` | a file of any size, record by record |
//! | `people`, `crosswalk` | who was in which legacy teams, and what these are now |
//! | `run` | where a run stands, changed under its version |
//! | `continuation`, `chunk` | the part of a run that one invocation processes, and its units of progress |
//! | `report` | what is told at the end |

mod bucket;
mod chunk;
mod crosswalk;
mod csv;
mod continuation;
mod people;
mod report;
mod request;
mod run;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::{
    clock::Clock,
    directory::Directory,
    entry::{Code, Failure, direct::Invocation, queue::Message},
    environment::{Environment, StartError},
    error::chain,
    outbox::{Outbox, Queue},
    table::{Table, TableError},
};

pub use bucket::{Bucket, BucketError};
pub use csv::FileError;
pub use request::{Answer, Mode, Request};
pub use run::Continuation;

use crosswalk::Crosswalk;
use continuation::ContinuationError;
use people::PeopleFile;
use run::{Run, Runs, State, StoreError};

/// The backoff before a continuation is tried again. It doubles with each attempt, up to 8 minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The environment variable with the URL of the queue that feeds the function.
pub const QUEUE_URL: &str = "BACKFILL_QUEUE_URL";

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    table: Table,
    runs: Runs,
    bucket: Bucket,
    directory: Directory,
    outbox: Outbox,
    clock: Clock,
}

impl App {
    /// Wires the function (`TABLE_NAME`, `BUCKET_NAME`,
    /// `BACKFILL_QUEUE_URL` and Launchpad's).
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let table = environment.table()?;
        Ok(Self {
            runs: Runs::new(table.clone()),
            table,
            bucket: Bucket::new(environment.s3(), environment.text("BUCKET_NAME")?),
            directory: environment.directory()?,
            outbox: environment.outbox(&[Queue::Backfill])?,
            clock: environment.clock(),
        })
    }
}

/// Begins a run and works on it for as long as the invocation lasts. Once a run has begun, it goes
/// on whatever becomes of this invocation.
///
/// # Errors
/// `INVALID_REQUEST` for keys and files that cannot be used, `CONFLICT` while another run of the
/// company is under way, `DIRECTORY_UNAVAILABLE` when Launchpad cannot name the company's teams,
/// as SPEC §5 otherwise; then no run has begun.
pub async fn handle(
    app: Arc<App>,
    request: Request,
    invocation: Invocation,
) -> Result<Answer, Failure> {
    let keys = request.keys()?;
    let company = request.company_sso_id.clone();
    let (people, crosswalk) = match keys {
        Some((people_key, teams_key)) => {
            let people = PeopleFile::open(&app.bucket, people_key).await;
            let people = people.map_err(|error| unusable("people_key", error))?;
            (Some(people), Some(app.crosswalk(&request, teams_key).await?))
        }
        None => (None, None),
    };
    let mut run = Run::new(company, request.mode, people, app.clock.now());
    if let Some(crosswalk) = &crosswalk {
        app.bucket.write(&run.crosswalk_key(), crosswalk).await.map_err(unavailable)?;
    }
    let message = app.runs.begin(&mut run).await.map_err(not_begun)?;
    match continuation::run(&app, &mut run, invocation.deadline()).await {
        Ok(()) => {
            // If this fails the clean-up sends a message that is void.
            if let Err(error) = app.table.complete_due(message.key()).await {
                tracing::warn!(error = %chain(&error), "could not delete a due item");
            }
        }
        // The message that was recorded with the run goes on with it.
        Err(error) => {
            tracing::warn!(run_id = %run.id, %error, "an invocation of a backfill run failed; the run will continue");
            run.state = State::Running;
        }
    }
    Ok(Answer::from(&run))
}

/// Goes on with a run. A message that comes twice, or late, changes nothing.
///
/// # Errors
/// When the message is to come back.
pub async fn resume(app: Arc<App>, message: Message<Continuation>) -> Result<(), ResumeError> {
    let Continuation { company, run: id, continuation } = message.body;
    let Some(mut run) = app.runs.latest(&company).await? else { return Ok(()) };
    if run.id != id || run.continuation != continuation || run.state != State::Running {
        return Ok(());
    }
    let deadline = message.deadline.unwrap_or(Timestamp::MAX);
    match continuation::run(&app, &mut run, deadline).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let doubled = message.receive_count.saturating_sub(1).min(5);
            message.lease.set_visibility(FIRST_PAUSE * 2u32.pow(doubled)).await;
            Err(error.into())
        }
    }
}

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResumeError(ContinuationError);

impl<E: Into<ContinuationError>> From<E> for ResumeError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl App {
    /// What the legacy teams of the file are in Launchpad now.
    async fn crosswalk(&self, request: &Request, key: &str) -> Result<Crosswalk, Failure> {
        let read = async {
            let (file, _) = self.bucket.open(key).await?;
            crosswalk::read(&self.bucket, &file).await
        };
        let (rows, problems) = read.await.map_err(|error| unusable("teams_key", error))?;
        let company = self.directory.team_names(&request.company_sso_id).await?;
        Ok(Crosswalk::new(rows, problems, &company))
    }
}

/// A file that cannot be used, or a bucket that is in trouble.
fn unusable(field: &str, error: FileError) -> Failure {
    match error {
        FileError::Bucket(error @ (BucketError::Failed { .. } | BucketError::Shape(_))) => {
            unavailable(error)
        }
        error => Failure::invalid(field, error),
    }
}

fn unavailable(error: BucketError) -> Failure {
    Failure::new(Code::Unavailable, "the S3 bucket is temporarily unavailable; try again")
        .with_source(error)
}

fn not_begun(error: StoreError) -> Failure {
    match error {
        StoreError::UnderWay(run) => {
            let Run { id, totals, dead_at, .. } = *run;
            let message = format!(
                "backfill run {id} is in progress with {} rows done; wait until it ends. If it makes no \
                 progress, a new run can start at {dead_at}",
                totals.rows
            );
            Failure::new(Code::Conflict, message)
        }
        StoreError::Lost => TableError::ConditionFailed.into(),
        StoreError::Table(error) => error.into(),
    }
}
