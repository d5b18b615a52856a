//! The crosswalk, which maps legacy teams to the company's teams in Launchpad by name (RFC §2.F,
//! CHG-004).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::id::TeamId;
use unicode_normalization::UnicodeNormalization;

use crate::{
    bucket::{Bucket, File},
    csv::{Columns, FileError, Names, Record, legacy_id},
    problem::{InputFile, MAX_LISTED, Problem, ProblemCode},
};

/// The maximum number of rows of a teams file.
const MAX_TEAMS: usize = 50_000;
const ID: Names = Names(&["id", "team_id", "crm_team_id", "crm_team_hierarchy_id"]);
const NAME: Names = Names(&["name", "team_name"]);

/// Why a legacy team does not map to a team in Launchpad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Unmatched {
    /// The company has no team with this name in Launchpad.
    NoSuchTeam,
    /// Two legacy teams, or two teams in Launchpad, have this name.
    AmbiguousName,
    /// The legacy team's id is not in the teams file.
    NotInTeamsFile,
}

/// A legacy team, and the team in Launchpad to which it maps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct LegacyTeam {
    pub(crate) name: String,
    pub(crate) team: Result<TeamId, Unmatched>,
}

/// The map from all legacy teams to teams in Launchpad. It is created once, when a run starts. So
/// all chunks of the run use the same map, even if the files or the teams in Launchpad change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Crosswalk {
    teams: HashMap<String, LegacyTeam>,
    /// The rows of the teams file that are not valid.
    pub(crate) problems: Vec<Problem>,
}

/// A row of the teams file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Reads the legacy teams from the teams file. Also returns the rows that are not valid.
///
/// # Errors
/// [`FileError`] if the whole file cannot be used.
pub(crate) async fn read(
    bucket: &Bucket,
    file: &File,
) -> Result<(Vec<Row>, Vec<Problem>), FileError> {
    let (columns, byte) = Columns::find(bucket, file, ID, NAME).await?;
    let mut records = columns.records(bucket, file, byte);
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    // The header is row 1.
    let mut row = 1;
    while let Some(record) = records.next().await? {
        row += 1;
        if rows.len() == MAX_TEAMS {
            return Err(FileError::TooManyRows(MAX_TEAMS));
        }
        let problem = |code| Problem { file: InputFile::Teams, row, code, contact_id: None };
        match &record {
            Record::TooLong => problems.push(problem(ProblemCode::RowTooLong)),
            Record::Fields(fields) => match columns.values(fields) {
                Some((id, name)) if !id.is_empty() && !name.is_empty() => {
                    rows.push(Row { id: legacy_id(id).to_owned(), name: name.to_owned() });
                }
                _ => problems.push(problem(ProblemCode::MalformedRow)),
            },
        }
        problems.truncate(MAX_LISTED);
    }
    if row == 1 { Err(FileError::Empty) } else { Ok((rows, problems)) }
}

impl Crosswalk {
    /// Maps these legacy teams to the company's teams in Launchpad. If two legacy teams or two
    /// teams in Launchpad have the same name, the name maps to no team, because it is ambiguous.
    pub(crate) fn new(
        rows: Vec<Row>,
        problems: Vec<Problem>,
        company: &HashMap<TeamId, String>,
    ) -> Self {
        let mut by_name: HashMap<String, Result<TeamId, Unmatched>> = HashMap::new();
        for (team, name) in company {
            by_name
                .entry(comparable(name))
                .and_modify(|team| *team = Err(Unmatched::AmbiguousName))
                .or_insert(Ok(*team));
        }
        let mut ids_by_name: HashMap<String, Vec<String>> = HashMap::new();
        let mut teams: HashMap<String, LegacyTeam> = HashMap::new();
        for Row { id, name } in rows {
            let comparable = comparable(&name);
            let same_name = ids_by_name.entry(comparable.clone()).or_default();
            if !same_name.contains(&id) {
                same_name.push(id.clone());
            }
            let team = match by_name.get(&comparable) {
                None => Err(Unmatched::NoSuchTeam),
                Some(_) if same_name.len() > 1 => Err(Unmatched::AmbiguousName),
                Some(team) => *team,
            };
            teams
                .entry(id)
                .and_modify(|known| {
                    // An id with two names is as ambiguous as a name with two ids.
                    if self::comparable(&known.name) != comparable {
                        known.team = Err(Unmatched::AmbiguousName);
                    }
                })
                .or_insert(LegacyTeam { name, team });
        }
        for id in ids_by_name.values().filter(|ids| ids.len() > 1).flatten() {
            if let Some(LegacyTeam { team: team @ Ok(_), .. }) = teams.get_mut(id) {
                *team = Err(Unmatched::AmbiguousName);
            }
        }
        Self { teams, problems }
    }

    /// The team in Launchpad to which the legacy team with this id maps.
    pub(crate) fn team(&self, id: &str) -> Result<TeamId, Unmatched> {
        self.teams.get(id).map_or(Err(Unmatched::NotInTeamsFile), |legacy| legacy.team)
    }

    /// The name of the legacy team with this id; `None` if it is not in the teams file.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        self.teams.get(id).map(|legacy| legacy.name.as_str())
    }
}

/// Converts a name to the form that is used for comparison: NFKC, lower case, single spaces.
fn comparable(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(n: u128) -> TeamId {
        format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
    }

    fn crosswalk(legacy: &[(&str, &str)], company: &[(u128, &str)]) -> Crosswalk {
        let row =
            |(id, name): &(&str, &str)| Row { id: (*id).to_owned(), name: (*name).to_owned() };
        let company = company.iter().map(|(n, name)| (team(*n), (*name).to_owned())).collect();
        Crosswalk::new(legacy.iter().map(row).collect(), Vec::new(), &company)
    }

    #[test]
    fn names_are_compared_without_regard_to_case_width_and_white_space() {
        let all = crosswalk(
            &[("1", " JAKARTA\u{a0} smb "), ("2", "Ｓａｌｅｓ"), ("3", "Cafe\u{301}")],
            &[(1, "Jakarta SMB"), (2, "sales"), (3, "CAFÉ")],
        );
        assert_eq!([all.team("1"), all.team("2"), all.team("3")], [1, 2, 3].map(|n| Ok(team(n))));
    }

    #[test]
    fn a_name_of_two_teams_on_either_side_maps_to_no_team() {
        let all = crosswalk(
            &[("1", "Sales"), ("2", "Support"), ("3", "support"), ("4", "Jakarta"), ("5", "x")],
            &[(1, "Sales"), (2, "SALES"), (3, "Support"), (4, "Jakarta")],
        );
        assert_eq!(all.team("1"), Err(Unmatched::AmbiguousName));
        assert_eq!(all.team("2"), Err(Unmatched::AmbiguousName));
        assert_eq!(all.team("3"), Err(Unmatched::AmbiguousName));
        assert_eq!(all.team("4"), Ok(team(4)));
        assert_eq!(all.team("5"), Err(Unmatched::NoSuchTeam));
        assert_eq!(all.team("6"), Err(Unmatched::NotInTeamsFile));
    }

    #[test]
    fn a_repeated_team_is_one_team_and_an_id_with_two_names_maps_to_no_team() {
        let all = crosswalk(
            &[("1", "Sales"), ("1", "sales"), ("2", "Support"), ("2", "Jakarta")],
            &[(1, "Sales"), (2, "Support"), (3, "Jakarta")],
        );
        assert_eq!(all.team("1"), Ok(team(1)));
        assert_eq!(all.team("2"), Err(Unmatched::AmbiguousName));
    }
}
