//! The results of rows, counted chunk by chunk.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use shared::{contact::BackfillOutcome, id::ContactId};

use crate::{
    details::ChunkDetails,
    problem::{InputFile, Problem, ProblemCode},
};

/// The results of the rows. `rows` = `assigned` + `unassigned` + `kept` + `duplicates` + `errors`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// All rows; in a revert, the contacts whose team owners a backfill set last.
    pub(crate) rows: u64,
    /// Rows whose contact gets team owners.
    pub(crate) assigned: u64,
    /// Assigned rows of which some teams are unmatched.
    pub(crate) partially_matched: u64,
    /// Rows whose contact gets no team owners.
    pub(crate) unassigned: u64,
    /// Unassigned rows that name no team.
    pub(crate) without_team: u64,
    /// Contacts whose team owners a user set; they are not changed.
    pub(crate) kept: u64,
    /// Rows whose person occurs again in the same chunk; the last row counts.
    pub(crate) duplicates: u64,
    /// Rows that changed nothing because of a problem.
    pub(crate) errors: u64,
    /// Contacts that were changed, or would be changed in a dry run.
    pub(crate) written: u64,
    /// Contacts that already had these team owners.
    pub(crate) unchanged: u64,
    /// Contacts that have team owners now, set by a backfill or by a user.
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

/// The results of a chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) totals: Totals,
    pub(crate) details: ChunkDetails,
}

impl Tally {
    /// Counts a row that changed nothing because of a problem.
    pub(crate) fn problem(&mut self, row: u64, code: ProblemCode, contact_id: Option<ContactId>) {
        self.totals.rows += 1;
        self.totals.errors += 1;
        self.details.problems.push(Problem { file: InputFile::People, row, code, contact_id });
    }

    /// Counts a row whose person occurs again in the same chunk.
    pub(crate) fn duplicate(&mut self) {
        self.totals.rows += 1;
        self.totals.duplicates += 1;
    }

    /// Counts a contact: the outcome, whether its row assigns team owners, and whether it has team
    /// owners now.
    pub(crate) fn contact(&mut self, outcome: BackfillOutcome, to_assign: bool, is_covered: bool) {
        let totals = &mut self.totals;
        totals.rows += 1;
        totals.covered += u64::from(is_covered);
        match outcome {
            BackfillOutcome::Kept => {
                totals.kept += 1;
                return;
            }
            BackfillOutcome::Written => totals.written += 1,
            BackfillOutcome::Unchanged => totals.unchanged += 1,
        }
        if to_assign {
            totals.assigned += 1;
        } else {
            totals.unassigned += 1;
        }
    }
}

/// The covered share in percent. The rollout requires 95 (RFC §4).
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Coverage {
    /// The share of the people in the file whose contact has team owners.
    pub(crate) rows_percent: f64,
    /// The share of the contacts that were found that have team owners.
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

/// A share in percent with two decimals; 0 if `whole` is 0.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_of_people_and_of_contacts() {
        let mut tally = Tally::default();
        tally.contact(BackfillOutcome::Written, true, true);
        tally.contact(BackfillOutcome::Kept, true, true);
        tally.contact(BackfillOutcome::Unchanged, false, false);
        tally.problem(5, ProblemCode::NoSuchContact, None);
        tally.duplicate();
        let coverage = tally.totals.coverage();
        assert_eq!((coverage.rows_percent, coverage.contacts_percent), (50.0, 66.67));
        assert_eq!(Totals::default().coverage().rows_percent, 0.0);
    }
}
