use serde::Serialize;
use shared::id::RunId;

use crate::run::{Run, State};

/// The response to the operator: the state of the run when the first invocation ends.
#[derive(Clone, Debug, Serialize)]
pub struct Response {
    run_id: RunId,
    state: State,
    report_key: String,
}

impl From<&Run> for Response {
    fn from(run: &Run) -> Self {
        Self { run_id: run.id, state: run.state, report_key: run.report_key() }
    }
}
