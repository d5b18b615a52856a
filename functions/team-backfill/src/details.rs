//! The problems and unmatched teams that are listed in the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    crosswalk::Crosswalk,
    problem::{MAX_LISTED, Problem},
};

/// The problems and unmatched teams of a chunk.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ChunkDetails {
    /// The problems, in the order of the rows.
    pub(crate) problems: Vec<Problem>,
    /// For each unmatched legacy team, the number of rows that contain it.
    pub(crate) unmatched: BTreeMap<String, u64>,
}

/// The problems and unmatched teams of a run, up to the number that the report lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunDetails {
    pub(crate) problems: Vec<Problem>,
    pub(crate) unmatched: BTreeMap<String, u64>,
    pub(crate) unmatched_not_shown: u64,
}

impl RunDetails {
    /// Adds the details of a chunk. To limit memory use, unmatched teams that are not in the teams
    /// file are listed only up to [`MAX_LISTED`].
    pub(crate) fn add(&mut self, chunk: ChunkDetails, crosswalk: &Crosswalk) {
        let room = MAX_LISTED.saturating_sub(self.problems.len());
        self.problems.extend(chunk.problems.into_iter().take(room));
        for (id, rows) in chunk.unmatched {
            let is_known = self.unmatched.contains_key(&id) || crosswalk.name(&id).is_some();
            if is_known || self.unmatched.len() < MAX_LISTED {
                *self.unmatched.entry(id).or_default() += rows;
            } else {
                self.unmatched_not_shown += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{InputFile, ProblemCode};

    #[test]
    fn details_stay_bounded_for_any_file() {
        let crosswalk = Crosswalk::default();
        let mut details = RunDetails::default();
        for chunk in 0..3 {
            let unmatched = (0..MAX_LISTED).map(|n| (format!("{chunk}-{n}"), 1)).collect();
            let problem = Problem {
                file: InputFile::People,
                row: chunk,
                code: ProblemCode::MalformedRow,
                contact_id: None,
            };
            details
                .add(ChunkDetails { problems: vec![problem; MAX_LISTED], unmatched }, &crosswalk);
        }
        assert_eq!((details.problems.len(), details.unmatched.len()), (MAX_LISTED, MAX_LISTED));
        assert_eq!(details.unmatched_not_shown, 2 * MAX_LISTED as u64);
    }
}
