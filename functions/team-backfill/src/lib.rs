//! Sets the team owners of contacts from the files of the legacy CRM (SPEC §2, "Backfill"; RFC
//! CHG-004).
//!
//! An operator stores two CSV files in the bucket and invokes the function. The function processes
//! the files in chunks. If one invocation is not enough, it continues through its queue.
//!
//! | module | what it does |
//! |---|---|
//! | `request`, `response` | what an operator sends and gets |
//! | `bucket`, `csv` | read a file of any size record by record |
//! | `people`, `crosswalk` | the legacy teams of each person, and their teams in Launchpad |
//! | `run` | stores the state of a run, with optimistic locking |
//! | `continuation`, `chunk` | process a run in one invocation, and one chunk of it |
//! | `problem`, `tally`, `details` | the results of rows and of chunks |
//! | `report` | the report at the end of a run |

mod app;
mod bucket;
mod chunk;
mod continuation;
mod crosswalk;
mod csv;
mod details;
mod people;
mod problem;
mod report;
mod request;
mod response;
mod run;
mod tally;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use shared::{
    entry::{Code, Failure, direct::Invocation, queue::Message},
    error::chain,
    table::TableError,
};

pub use app::App;
pub use bucket::{Bucket, BucketError};
pub use csv::FileError;
pub use request::{Mode, Request};
pub use response::Response;
pub use run::Continuation;

use continuation::ContinuationError;
use crosswalk::Crosswalk;
use people::PeopleFile;
use run::{Run, State, StoreError};

/// The pause before a failed continuation is tried again. It doubles with each attempt, up to 8
/// minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The environment variable with the URL of the queue that invokes the function.
pub const QUEUE_URL: &str = "BACKFILL_QUEUE_URL";

/// Starts a run and processes it until it ends or the invocation is nearly out of time. A run that
/// was started continues even if this invocation fails.
///
/// # Errors
/// If this returns an error, no run was started:
///
/// - `INVALID_REQUEST` if a key or a file cannot be used
/// - `CONFLICT` if another run of the company is in progress
/// - `DIRECTORY_UNAVAILABLE` if Launchpad does not return the company's teams
/// - all others as in SPEC §5
pub async fn handle(
    app: Arc<App>,
    request: Request,
    invocation: Invocation,
) -> Result<Response, Failure> {
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
    let message = app.runs.begin(&mut run).await.map_err(not_started)?;
    match continuation::run(&app, &mut run, invocation.deadline()).await {
        Ok(()) => {
            // If this fails, the clean-up sends the message, and the function then ignores it.
            if let Err(error) = app.table.complete_due(message.key()).await {
                tracing::warn!(error = %chain(&error), "could not delete a due item");
            }
        }
        // The run continues through the message that was stored together with it.
        Err(error) => {
            tracing::warn!(
                run_id = %run.id,
                error = %chain(&error),
                "an invocation of a backfill run failed; the run will continue"
            );
            run.state = State::Running;
        }
    }
    Ok(Response::from(&run))
}

/// Continues a run. A message that is delivered twice or late changes nothing.
///
/// # Errors
/// [`ResumeError`] if the message must be delivered again.
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

/// Why a message must be delivered again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResumeError(ContinuationError);

impl<E: Into<ContinuationError>> From<E> for ResumeError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl App {
    /// Maps the legacy teams in the teams file to the current teams in Launchpad.
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

/// Converts a file error to a failure. The file cannot be used, or the call to the bucket failed.
fn unusable(field: &str, error: FileError) -> Failure {
    match error {
        FileError::Bucket(error @ (BucketError::Failed { .. } | BucketError::Shape(_))) => {
            unavailable(error)
        }
        error => Failure::invalid(field, &error).with_source(error),
    }
}

fn unavailable(error: BucketError) -> Failure {
    Failure::new(Code::Unavailable, "the S3 bucket is temporarily unavailable; try again")
        .with_source(error)
}

fn not_started(error: StoreError) -> Failure {
    match error {
        StoreError::InProgress(run) => {
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
