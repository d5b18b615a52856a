//! Counts, exports or removes everything that is stored about a company that leaves. Operators
//! invoke the function directly, without the API (SPEC §5, "Operator functions").
//!
//! The function reads the whole table, because the items of a company are in too many partitions to
//! name them. It is the only function that may scan. It reads slowly, stores its place after each
//! page, and ends before its time-out; the next invocation with the same mode continues there.

mod bucket;
mod pace;
mod run;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    clock::Clock,
    entry::{Failure, direct::Invocation},
    environment::{Environment, StartError},
    export::Files,
    id::CompanyId,
    table::Table,
};

pub use run::{Answer, State};

/// The dependencies of the function.
#[derive(Debug)]
pub struct App {
    /// The table.
    pub table: Table,
    /// The bucket with the files of exports and backfills.
    pub files: Files,
    /// The clock.
    pub clock: Clock,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let (table, files) = (environment.table()?, environment.files()?);
        Ok(Self { table, files, clock: environment.clock() })
    }
}

/// What the function does with the items and files of the company.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only counts them.
    #[default]
    DryRun,
    /// Writes the items to the bucket, as JSON lines.
    Export,
    /// Deletes them.
    Remove,
}

/// The capacity units per second that a run uses if the request sets no number.
fn default_pace() -> f64 {
    200.0
}

/// The request of an operator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    company_sso_id: CompanyId,
    #[serde(default)]
    mode: Mode,
    /// The company's id once more. The mode `remove` requires it.
    #[serde(default)]
    confirm: Option<CompanyId>,
    #[serde(default = "default_pace")]
    units_per_second: f64,
}

/// Starts a run, or continues the unfinished run of this mode, until it is complete or the
/// invocation's time is over.
///
/// # Errors
/// `INVALID_REQUEST` if `remove` is not confirmed or the pace is not positive. All other errors are
/// as in SPEC §5; the same request then continues the run.
pub async fn handle(app: Arc<App>, request: Request, at: Invocation) -> Result<Answer, Failure> {
    if request.mode == Mode::Remove && request.confirm.as_ref() != Some(&request.company_sso_id) {
        return Err(Failure::invalid("confirm", "must be the company's id, to remove its data"));
    }
    if !(request.units_per_second.is_finite() && request.units_per_second >= 1.0) {
        return Err(Failure::invalid("units_per_second", "must be at least 1"));
    }
    let answer = run::run(&app, &request, at).await?;
    tracing::info!(
        company_sso_id = %request.company_sso_id,
        run_id = %answer.run_id,
        mode = ?request.mode,
        state = ?answer.state,
        items = answer.items,
        files = answer.files,
        read_units = answer.read_units,
        "company removal"
    );
    Ok(answer)
}
