//! Counts the results of rows for each chunk.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use shared::{contact::BackfillOutcome, id::ContactId};

use crate::{
    details::ChunkDetails,
    problem::{InputFile, Problem, ProblemCode},
};

/// The numbers of rows and contacts by result. `rows` = `assigned` + `unassigned` + `kept` +
/// `duplicates` + `errors`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// All rows. In a revert, the contacts whose team owners were last set by a backfill.
    pub(crate) rows: u64,
    /// Rows that assign team owners to their contact.
    pub(crate) assigned: u64,
    /// Rows in `assigned` that also contain unmatched teams.
    pub(crate) partially_matched: u64,
    /// Rows that assign no team owners to their contact.
    pub(crate) unassigned: u64,
    /// Rows in `unassigned` that contain no team.
    pub(crate) without_team: u64,
    /// Rows whose contact is not changed, because a user set its team owners.
    pub(crate) kept: u64,
    /// Rows whose person occurs again later in the same chunk. Only the person's last row is
    /// applied.
    pub(crate) duplicates: u64,
    /// Rows that were not applied because of a problem.
    pub(crate) errors: u64,
    /// Contacts that were changed, or would be changed in a dry run.
    pub(crate) written: u64,
    /// Contacts that already had the right team owners.
    pub(crate) unchanged: u64,
    /// Contacts that now have team owners, which a backfill or a user set.
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
    /// Counts a row that was not applied because of a problem.
    pub(crate) fn problem(&mut self, row: u64, code: ProblemCode, contact_id: Option<ContactId>) {
        self.totals.rows += 1;
        self.totals.errors += 1;
        self.details.problems.push(Problem { file: InputFile::People, row, code, contact_id });
    }

    /// Counts a row whose person occurs again later in the same chunk.
    pub(crate) fn duplicate(&mut self) {
        self.totals.rows += 1;
        self.totals.duplicates += 1;
    }

    /// Counts a contact. `outcome` is the result of its write, `to_assign` is whether its row
    /// assigns team owners, and `is_covered` is whether it has team owners now.
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

/// The share of rows and contacts with team owners, in percent. The rollout requires 95 percent
/// (RFC §4).
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Coverage {
    /// The share of the people in the file whose contacts have team owners.
    pub(crate) rows_percent: f64,
    /// The share of the found contacts that have team owners.
    pub(crate) contacts_percent: f64,
}

impl Totals {
    /// Computes the coverage of these rows.
    pub(crate) fn coverage(&self) -> Coverage {
        let people = self.rows - self.duplicates;
        Coverage {
            rows_percent: percent(self.covered, people),
            contacts_percent: percent(self.covered, people - self.errors),
        }
    }
}

/// Computes a share in percent, with two decimals. The share is 0 if `whole` is 0.
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
