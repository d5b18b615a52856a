//! The people file, which contains the legacy teams of each person.

use serde::{Deserialize, Serialize};

use crate::{
    bucket::{Bucket, BucketError, File},
    csv::{Columns, FileError, Names, Record, Records, ids},
    problem::ProblemCode,
};

/// The maximum number of team owners of a contact (SPEC §2).
const MAX_TEAMS: usize = 100;
/// The maximum length of a legacy id, in bytes.
const MAX_ID: usize = 36;
const ID: Names = Names(&["external_id", "crm_person_id", "person_id", "id"]);
const TEAMS: Names =
    Names(&["crm_team_hierarchy_id", "crm_team_hierarchy_ids", "crm_team_ids", "team_ids"]);

/// The people file of a run, in its version at the time when the run began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PeopleFile {
    file: File,
    columns: Columns,
    /// The position of the first row after the header, in bytes from the start of the file.
    pub(crate) first: u64,
}

/// A row of the people file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PersonRow {
    /// The number of the row; the header is row 1.
    pub(crate) row: u64,
    pub(crate) person: Result<LegacyPerson, ProblemCode>,
}

/// A person and their legacy teams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LegacyPerson {
    /// The external id of the person's contact.
    pub(crate) id: String,
    pub(crate) teams: Vec<String>,
}

impl PeopleFile {
    /// Opens the people file with this key.
    ///
    /// # Errors
    /// [`FileError`] if the file is not a people file or has no rows.
    pub(crate) async fn open(bucket: &Bucket, key: &str) -> Result<Self, FileError> {
        let (file, _) = bucket.open(key).await?;
        let (columns, first) = Columns::find(bucket, &file, ID, TEAMS).await?;
        match columns.records(bucket, &file, first).next().await? {
            Some(_) => Ok(Self { file, columns, first }),
            None => Err(FileError::Empty),
        }
    }

    /// Reads the file's records from the position `byte`.
    pub(crate) fn records<'a>(&'a self, bucket: &'a Bucket, byte: u64) -> Records<'a> {
        self.columns.records(bucket, &self.file, byte)
    }

    /// Reads up to `limit` rows. The list is empty at the end of the file. `row` is the number of
    /// the last row before them.
    pub(crate) async fn rows(
        &self,
        records: &mut Records<'_>,
        row: u64,
        limit: usize,
    ) -> Result<Vec<PersonRow>, BucketError> {
        let mut rows = Vec::with_capacity(limit);
        for row in (row + 1..).take(limit) {
            let Some(record) = records.next().await? else { break };
            rows.push(PersonRow { row, person: self.person(&record) });
        }
        Ok(rows)
    }

    fn person(&self, record: &Record) -> Result<LegacyPerson, ProblemCode> {
        let Record::Fields(fields) = record else { return Err(ProblemCode::RowTooLong) };
        let (id, teams) = self.columns.values(fields).ok_or(ProblemCode::MalformedRow)?;
        if id.is_empty() {
            return Err(ProblemCode::MalformedRow);
        }
        let teams = ids(teams);
        if teams.len() > MAX_TEAMS {
            return Err(ProblemCode::TooManyTeams);
        }
        if teams.iter().any(|team| team.len() > MAX_ID) {
            return Err(ProblemCode::MalformedRow);
        }
        Ok(LegacyPerson { id: id.to_owned(), teams })
    }
}
