//! The people's file: who was in which legacy teams.

use serde::{Deserialize, Serialize};

use crate::{
    bucket::{Bucket, BucketError, File},
    csv::{Columns, FileError, Names, Record, Records, ids},
    report::Code,
};

/// The most team owners of a contact (SPEC §2).
const MAX_TEAMS: usize = 100;
/// The most bytes of a legacy team's id.
const MAX_ID: usize = 36;
const ID: Names = Names(&["external_id", "crm_person_id", "person_id", "id"]);
const TEAMS: Names =
    Names(&["crm_team_hierarchy_id", "crm_team_hierarchy_ids", "crm_team_ids", "team_ids"]);

/// The file of a run, as it was when the run began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PeopleFile {
    file: File,
    columns: Columns,
    /// Where the first row behind the columns' names begins.
    pub(crate) first: u64,
}

/// A row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PersonRow {
    /// Its number; the line with the columns' names is row 1.
    pub(crate) row: u64,
    pub(crate) person: Result<Person, Code>,
}

/// A person and their legacy teams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Person {
    /// The contact's external id.
    pub(crate) id: String,
    pub(crate) teams: Vec<String>,
}

impl PeopleFile {
    /// The file under `key`.
    ///
    /// # Errors
    /// [`FileError`] when it is no such file, or has no rows.
    pub(crate) async fn open(bucket: &Bucket, key: &str) -> Result<Self, FileError> {
        let (file, _) = bucket.open(key).await?;
        let (columns, first) = Columns::find(bucket, &file, ID, TEAMS).await?;
        match columns.records(bucket, &file, first).next().await? {
            Some(_) => Ok(Self { file, columns, first }),
            None => Err(FileError::Empty),
        }
    }

    /// The file's records from `byte` on.
    pub(crate) fn records<'a>(&'a self, bucket: &'a Bucket, byte: u64) -> Records<'a> {
        self.columns.records(bucket, &self.file, byte)
    }

    /// Up to `most` rows; none at the end. `row` is the number of the last row before them.
    ///
    /// # Errors
    /// The bucket's.
    pub(crate) async fn rows(
        &self,
        records: &mut Records<'_>,
        row: u64,
        most: usize,
    ) -> Result<Vec<PersonRow>, BucketError> {
        let mut rows = Vec::with_capacity(most);
        for row in (row + 1..).take(most) {
            let Some(record) = records.next().await? else { break };
            rows.push(PersonRow { row, person: self.person(&record) });
        }
        Ok(rows)
    }

    fn person(&self, record: &Record) -> Result<Person, Code> {
        let Record::Fields(fields) = record else { return Err(Code::RowTooLong) };
        let (id, teams) = self.columns.of(fields).ok_or(Code::MalformedRow)?;
        if id.is_empty() {
            return Err(Code::MalformedRow);
        }
        let teams = ids(teams);
        if teams.len() > MAX_TEAMS {
            return Err(Code::TooManyTeams);
        }
        if teams.iter().any(|team| team.len() > MAX_ID) {
            return Err(Code::MalformedRow);
        }
        Ok(Person { id: id.to_owned(), teams })
    }
}
