//! Sets contacts' team owners from the legacy CRM's files (SPEC §2, "Backfill"; RFC CHG-004).
//!
//! An operator invokes the function with two CSV files in the bucket. It processes them in chunks,
//! and continues through its own queue if one invocation is not enough.
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

/// The backoff before a continuation is tried again. It doubles with each attempt, up to 8 minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The environment variable with the URL of the queue that invokes the function.
pub const QUEUE_URL: &str = "BACKFILL_QUEUE_URL";

/// Starts a run and processes it until the invocation's time is nearly over. A started run
/// continues even if this invocation fails.
///
/// # Errors
/// `INVALID_REQUEST` for keys and files that cannot be used, `CONFLICT` while another run of the
/// company is in progress, `DIRECTORY_UNAVAILABLE` if Launchpad does not return the company's
/// teams, otherwise as SPEC §5 defines. No run has started then.
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
            // If this fails, the clean-up sends a message that is then ignored.
            if let Err(error) = app.table.complete_due(message.key()).await {
                tracing::warn!(error = %chain(&error), "could not delete a due item");
            }
        }
        // The message that was stored with the run continues it.
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

/// Continues a run. A message that is delivered twice, or late, changes nothing.
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
    /// Maps the legacy teams of the file to the current teams in Launchpad.
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

/// The failure for a file that cannot be used, or for a call to the bucket that failed.
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
