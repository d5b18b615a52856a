//! What a run tells about itself: counted chunk by chunk, put together at its end.

use std::{collections::BTreeMap, ops::AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    contact::Backfilled,
    id::{CompanyId, ContactId, RunId},
};

use crate::{
    crosswalk::{Crosswalk, Unmatched},
    request::Mode,
    run::{Run, RunError, State},
};

/// The most problems, and the most unmatched teams, that a report lists one by one.
pub(crate) const SHOWN: usize = 1000;

/// The file that a row stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    People,
    Teams,
}

/// What is wrong with a row, or was with its contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    /// No id, too few fields, or no UTF-8.
    MalformedRow,
    /// Longer than a row may be.
    RowTooLong,
    /// More teams than a contact can have, or an id that is none.
    TooManyTeams,
    /// No contact of the company has the external id.
    NoSuchContact,
    /// The contact would be longer than a contact may be.
    ContactTooLarge,
    /// Others kept changing the contact.
    Conflict,
}

/// A row that changed nothing because something is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "file")]
    pub(crate) source: Source,
    /// Its number; the line with the columns' names is row 1. 0 for a contact that is taken back.
    pub(crate) row: u64,
    pub(crate) code: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<ContactId>,
}

/// What became of the rows. `rows` = `assigned` + `unassigned` + `kept` + `duplicates` + `errors`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// All of them; in a revert the contacts that a backfill set last.
    pub(crate) rows: u64,
    /// Contacts that a team owns now, by their row.
    pub(crate) assigned: u64,
    /// Those of them for which some teams of the row are unmatched.
    pub(crate) partially_matched: u64,
    /// Contacts that stay Unassigned.
    pub(crate) unassigned: u64,
    /// Those of them whose row names no team.
    pub(crate) without_team: u64,
    /// Contacts that people set; they are untouched.
    pub(crate) kept: u64,
    /// Rows whose person comes again nearby; the last one counts.
    pub(crate) duplicates: u64,
    /// Rows that changed nothing because something is wrong with them.
    pub(crate) errors: u64,
    /// Contacts that were changed, or would be.
    pub(crate) written: u64,
    /// Contacts that were as they are to be.
    pub(crate) unchanged: u64,
    /// Contacts that have team owners now, whoever set them.
    pub(crate) covered: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.assigned += other.assigned;
        self.partially_matched += other.partially_matched;
        self.unassigned += other.unassigned;
        self.without_team += other.without_team;
        self.kept += other.kept;
        self.duplicates += other.duplicates;
        self.errors += other.errors;
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.covered += other.covered;
    }
}

/// What a chunk has for the report besides its totals.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// What was wrong, in the order of the rows.
    pub(crate) problems: Vec<Problem>,
    /// How many rows named each unmatched legacy team.
    pub(crate) unmatched: BTreeMap<String, u64>,
}

/// What became of a chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) totals: Totals,
    pub(crate) detail: Detail,
}

impl Tally {
    /// Counts a row that changed nothing because something is wrong with it.
    pub(crate) fn problem(&mut self, row: u64, code: Code, contact_id: Option<ContactId>) {
        self.totals.rows += 1;
        self.totals.errors += 1;
        self.detail.problems.push(Problem { source: Source::People, row, code, contact_id });
    }

    /// Counts a row whose person comes again in the same chunk.
    pub(crate) fn duplicate(&mut self) {
        self.totals.rows += 1;
        self.totals.duplicates += 1;
    }

    /// Counts a contact: what became of it, whether it was to have team owners, and whether it has
    /// some now.
    pub(crate) fn contact(&mut self, became: Backfilled, to_assign: bool, is_covered: bool) {
        let totals = &mut self.totals;
        totals.rows += 1;
        totals.covered += u64::from(is_covered);
        match became {
            Backfilled::Kept => {
                totals.kept += 1;
                return;
            }
            Backfilled::Written => totals.written += 1,
            Backfilled::Unchanged => totals.unchanged += 1,
        }
        if to_assign {
            totals.assigned += 1;
        } else {
            totals.unassigned += 1;
        }
    }
}

/// How much is covered, in percent; the rollout asks for 95 (RFC §4).
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Coverage {
    /// Of the people in the file: those whose contact has team owners.
    pub(crate) rows_percent: f64,
    /// Of the contacts that were found: those that have team owners.
    pub(crate) contacts_percent: f64,
}

impl Totals {
    /// The coverage of these rows.
    pub(crate) fn coverage(&self) -> Coverage {
        let people = self.rows - self.duplicates;
        Coverage {
            rows_percent: percent(self.covered, people),
            contacts_percent: percent(self.covered, people - self.errors),
        }
    }
}

/// A share in percent, to two places; of nothing it is 0.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 100.0 }
}

/// A legacy team that became none of Launchpad's.
#[derive(Clone, Debug, Serialize)]
struct UnmatchedTeam<'a> {
    legacy_team_id: String,
    name: Option<&'a str>,
    reason: Unmatched,
    rows: u64,
}

/// Everything that the chunks have for the report, as far as it is listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    problems: Vec<Problem>,
    unmatched: BTreeMap<String, u64>,
    unmatched_not_shown: u64,
}

impl Details {
    /// Adds a chunk's. Memory stays bounded: of ids that nothing is known of, so many are told
    /// apart.
    pub(crate) fn add(&mut self, detail: Detail, crosswalk: &Crosswalk) {
        let room = SHOWN.saturating_sub(self.problems.len());
        self.problems.extend(detail.problems.into_iter().take(room));
        for (id, rows) in detail.unmatched {
            let is_known = self.unmatched.contains_key(&id) || crosswalk.name(&id).is_some();
            if is_known || self.unmatched.len() < SHOWN {
                *self.unmatched.entry(id).or_default() += rows;
            } else {
                self.unmatched_not_shown += 1;
            }
        }
    }
}

/// The report of a run, as it stands in the bucket.
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
    /// Absent for a revert.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Coverage>,
    unmatched_teams: Vec<UnmatchedTeam<'a>>,
    unmatched_teams_not_shown: u64,
    errors: Vec<Problem>,
    errors_not_shown: u64,
}

impl<'a> Report<'a> {
    /// The report of a run that ends now.
    pub(crate) fn new(
        run: &'a Run,
        details: Details,
        crosswalk: &'a Crosswalk,
        finished_at: Timestamp,
    ) -> Self {
        let all = details.unmatched.into_iter().filter_map(|(id, rows)| {
            let reason = crosswalk.team(&id).err()?;
            Some(UnmatchedTeam { name: crosswalk.name(&id), legacy_team_id: id, reason, rows })
        });
        let mut unmatched: Vec<_> = all.collect();
        unmatched.sort_by_key(|team| std::cmp::Reverse(team.rows));
        let cut = unmatched.len().saturating_sub(SHOWN) as u64;
        unmatched.truncate(SHOWN);
        let errors: Vec<Problem> =
            crosswalk.problems.iter().cloned().chain(details.problems).take(SHOWN).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_of_people_and_of_contacts() {
        let mut tally = Tally::default();
        tally.contact(Backfilled::Written, true, true);
        tally.contact(Backfilled::Kept, true, true);
        tally.contact(Backfilled::Unchanged, false, false);
        tally.problem(5, Code::NoSuchContact, None);
        tally.duplicate();
        let coverage = tally.totals.coverage();
        assert_eq!((coverage.rows_percent, coverage.contacts_percent), (50.0, 66.67));
        assert_eq!(Totals::default().coverage().rows_percent, 0.0);
    }

    #[test]
    fn details_stay_bounded_whatever_the_file_names() {
        let crosswalk = Crosswalk::default();
        let mut details = Details::default();
        for chunk in 0..3 {
            let unmatched = (0..SHOWN).map(|n| (format!("{chunk}-{n}"), 1)).collect();
            let problem = Problem {
                source: Source::People,
                row: chunk,
                code: Code::MalformedRow,
                contact_id: None,
            };
            details.add(Detail { problems: vec![problem; SHOWN], unmatched }, &crosswalk);
        }
        assert_eq!((details.problems.len(), details.unmatched.len()), (SHOWN, SHOWN));
        assert_eq!(details.unmatched_not_shown, 2 * SHOWN as u64);
    }
}
