//! The report of a run. It is written to the bucket at the end of the run.

use jiff::Timestamp;
use serde::Serialize;
use shared::id::{CompanyId, RunId};

use crate::{
    crosswalk::{Crosswalk, Unmatched},
    details::RunDetails,
    problem::{MAX_LISTED, Problem},
    request::Mode,
    run::{Run, RunError, State},
    tally::{Coverage, Totals},
};

/// A legacy team that does not map to a team in Launchpad.
#[derive(Clone, Debug, Serialize)]
struct UnmatchedTeam<'a> {
    legacy_team_id: String,
    name: Option<&'a str>,
    reason: Unmatched,
    rows: u64,
}

/// The content of the report, which is written as JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report<'a> {
    run_id: RunId,
    company_sso_id: &'a CompanyId,
    mode: Mode,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    started_at: Timestamp,
    finished_at: Timestamp,
    totals: Totals,
    /// `None` for a revert, which has no people file.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Coverage>,
    unmatched_teams: Vec<UnmatchedTeam<'a>>,
    unmatched_teams_not_shown: u64,
    errors: Vec<Problem>,
    errors_not_shown: u64,
}

impl<'a> Report<'a> {
    /// Creates the report of a run that ends at this time.
    pub(crate) fn new(
        run: &'a Run,
        details: RunDetails,
        crosswalk: &'a Crosswalk,
        finished_at: Timestamp,
    ) -> Self {
        let all = details.unmatched.into_iter().filter_map(|(id, rows)| {
            let reason = crosswalk.team(&id).err()?;
            Some(UnmatchedTeam { name: crosswalk.name(&id), legacy_team_id: id, reason, rows })
        });
        let mut unmatched: Vec<_> = all.collect();
        unmatched.sort_by_key(|team| std::cmp::Reverse(team.rows));
        let cut = unmatched.len().saturating_sub(MAX_LISTED) as u64;
        unmatched.truncate(MAX_LISTED);
        let errors: Vec<Problem> =
            crosswalk.problems.iter().cloned().chain(details.problems).take(MAX_LISTED).collect();
        let total = run.totals.errors + crosswalk.problems.len() as u64;
        Self {
            run_id: run.id,
            company_sso_id: &run.company,
            mode: run.mode,
            state: run.state,
            error: run.error,
            started_at: run.started_at,
            finished_at,
            totals: run.totals,
            coverage: (run.mode != Mode::Revert).then(|| run.totals.coverage()),
            unmatched_teams: unmatched,
            unmatched_teams_not_shown: cut + details.unmatched_not_shown,
            errors_not_shown: total.saturating_sub(errors.len() as u64),
            errors,
        }
    }
}
