//! Upserts by key: what `POST /cdp/customers/sync` and imports do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Contact, ContactError, ContactInput, Contacts, SaveError, input::check_size};
use crate::{
    access::{AccessError, Authority, Permission, Scope, Session},
    directory::DirectoryError,
    entry::complaint,
    event,
    id::{ContactId, TeamId, UserId},
    table::{Key, TableError, backoff},
};

/// How many keys are worked on side by side.
const CONCURRENCY: usize = 16;
/// How often a row is decided anew because somebody else was faster.
const ATTEMPTS: u32 = 20;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each name says all")]
pub enum RowStatus {
    Created,
    Updated,
    Rejected,
}

/// How a row ended.
#[derive(Debug)]
pub struct RowOutcome {
    /// The row's place in the request, from 0.
    pub index: usize,
    /// What became of it: the contact, and whether it is new.
    pub result: Result<(RowStatus, ContactId), RowError>,
}

/// Why a row was rejected.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The row itself is wrong.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// The contact with this key is out of the actor's scope, or the actor may do nothing.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The directory cannot confirm the row's people or teams.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A batch of rows on behalf of an actor.
#[derive(Debug)]
pub struct Sync<'a> {
    contacts: Contacts,
    authority: &'a Authority,
    session: &'a Session,
    scope: Scope,
}

/// Who holds claims, and the contacts that hold them.
type Holders = (HashMap<Key, ContactId>, HashMap<ContactId, Contact>);

/// A row that is right by itself.
struct Row {
    index: usize,
    input: ContactInput,
    keys: BTreeSet<Key>,
}

impl<'a> Sync<'a> {
    /// A batch under the session's `manage` scope.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] when the actor may not manage contacts.
    pub fn new(authority: &'a Authority, session: &'a Session) -> Result<Self, AccessError> {
        let scope = session.scope(Permission::ManageCustomers)?;
        let contacts = Contacts::under(authority, &session.viewer.company);
        Ok(Self { contacts, authority, session, scope })
    }

    /// Creates or updates a contact for each row; each answers for itself. Rows that share a key
    /// are applied one after the other, so that they make one contact and the last one wins.
    pub async fn run(&self, rows: &[Box<RawValue>]) -> Vec<RowOutcome> {
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut valid = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            match self.parse(index, row) {
                Ok(row) => valid.push(row),
                Err(error) => outcomes.push(RowOutcome { index, result: Err(error.into()) }),
            }
        }
        let keys: Vec<Key> = valid.iter().flat_map(|row| row.keys.iter().cloned()).collect();
        let (teams, known) = tokio::join!(self.own_teams(&valid), self.contacts.holders(&keys));
        // Rows that could not be looked up together try it by themselves and tell why not.
        let known = known.ok();
        let groups = stream::iter(in_groups(valid));
        let done = groups.map(|group| self.group(group, &teams, known.as_ref()));
        let done = done.buffer_unordered(CONCURRENCY);
        outcomes.extend(done.collect::<Vec<_>>().await.into_iter().flatten());
        outcomes.sort_unstable_by_key(|outcome| outcome.index);
        outcomes
    }

    fn parse(&self, index: usize, row: &RawValue) -> Result<Row, ContactError> {
        let mut from = serde_json::Deserializer::from_str(row.get());
        let input: ContactInput = serde_path_to_error::deserialize(&mut from).map_err(|error| {
            let (field, reason) = complaint(&error);
            ContactError::invalid(field, reason)
        })?;
        let input = input.checked()?;
        let keys = self.keys(&input);
        if keys.is_empty() {
            return Err(ContactError::invalid(
                "external_id",
                "a row needs an external_id or an email address to be known by",
            ));
        }
        Ok(Row { index, input, keys })
    }

    /// The claims that a row is known by: the external id first, else the first email.
    fn keys(&self, input: &ContactInput) -> BTreeSet<Key> {
        let company = &self.contacts.company;
        let external = input.external_id.value().map(|id| Key::external_claim(company, id));
        let email = input.emails.value().and_then(|emails| emails.first());
        let email = email.map(|email| Key::email_claim(company, &email.to_lowercase()));
        external.into_iter().chain(email).collect()
    }

    /// The actor's own teams, asked for once and only if a row names team owners.
    async fn own_teams(&self, rows: &[Row]) -> Result<Vec<TeamId>, DirectoryError> {
        let named = |row: &Row| row.input.team_owner_ids.value().is_some_and(|t| !t.is_empty());
        if !rows.iter().any(named) {
            return Ok(Vec::new());
        }
        let viewer = &self.session.viewer;
        let answer = self.authority.directory().teams(&viewer.company, viewer.user, None).await?;
        Ok(answer.0.team_ids)
    }

    /// Applies rows that share keys, one after the other. What was `known` before is good for the
    /// first of them; the others see what those before them did.
    async fn group(
        &self,
        rows: Vec<Row>,
        teams: &Result<Vec<TeamId>, DirectoryError>,
        mut known: Option<&Holders>,
    ) -> Vec<RowOutcome> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            let index = row.index;
            outcomes.push(RowOutcome { index, result: self.row(row, teams, known.take()).await });
        }
        outcomes
    }

    async fn row(
        &self,
        row: Row,
        teams: &Result<Vec<TeamId>, DirectoryError>,
        mut known: Option<&Holders>,
    ) -> Result<(RowStatus, ContactId), RowError> {
        self.check_teams(&row.input, teams)?;
        let keys: Vec<Key> = row.keys.iter().cloned().collect();
        for attempt in 0..ATTEMPTS {
            let read;
            let (holders, records) = match known.take() {
                Some(known) => known,
                None => {
                    read = self.contacts.holders(&keys).await?;
                    &read
                }
            };
            let old = self.matching(&row.input, holders, records);
            match self.upsert(&row, old, holders).await {
                Ok(done) => return Ok(done),
                Err(UpsertError::Changed) => tokio::time::sleep(backoff(attempt)).await,
                Err(UpsertError::Row(error)) => return Err(error),
            }
        }
        Err(TableError::Contention("the contact keeps changing".to_owned()).into())
    }

    /// The contact that a row is about: the one with its external id, else the one with its first
    /// email, unless that one goes by another external id.
    fn matching<'r>(
        &self,
        input: &ContactInput,
        holders: &HashMap<Key, ContactId>,
        records: &'r HashMap<ContactId, Contact>,
    ) -> Option<&'r Contact> {
        let company = &self.contacts.company;
        let held = |key: Key| records.get(holders.get(&key)?);
        let by_external =
            input.external_id.value().and_then(|id| held(Key::external_claim(company, id)));
        if by_external.is_some() {
            return by_external;
        }
        let email = input.emails.value().and_then(|emails| emails.first())?;
        held(Key::email_claim(company, &email.to_lowercase()))
            .filter(|contact| input.external_id.value().is_none() || contact.external_id.is_none())
    }

    async fn upsert(
        &self,
        row: &Row,
        old: Option<&Contact>,
        holders: &HashMap<Key, ContactId>,
    ) -> Result<(RowStatus, ContactId), UpsertError> {
        if old.is_some_and(|contact| !self.scope.admits(contact)) {
            return Err(AccessError::OutOfScope.into());
        }
        let mut new = old.cloned().unwrap_or_else(|| self.blank());
        row.input.clone().apply(&mut new);
        self.name_people(old, &mut new).await?;
        check_size(&new)?;
        if old == Some(&new) {
            return Ok((RowStatus::Updated, new.id));
        }
        let now = self.contacts.clock.now();
        new.updated_at = now;
        new.version = old.map_or(1, |contact| contact.version + 1);
        let plan = self.contacts.plan(old, &new, holders).await?;
        self.contacts.save(new.id, plan).await?;
        if row.input.team_owner_ids.is_set() {
            let count = new.team_owner_ids.len();
            event::team_owner_set(&self.contacts.company, new.id, count, "sync");
        }
        Ok((if old.is_some() { RowStatus::Updated } else { RowStatus::Created }, new.id))
    }

    /// A new contact of the actor's.
    fn blank(&self) -> Contact {
        let now = self.contacts.clock.now();
        let viewer = &self.session.viewer;
        Contact {
            id: ContactId::generate(now),
            external_id: None,
            name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            company_name: None,
            owner_id: Some(viewer.user),
            owner_name: Some(viewer.display_name()),
            assignee_id: None,
            assignee_name: None,
            team_owner_ids: Vec::new(),
            team_owners_from: None,
            tags: Vec::new(),
            source: None,
            custom_fields: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
            version: 0,
            deleted_at: None,
        }
    }

    /// Checks that a new owner and assignee are people of the company, and notes their names.
    async fn name_people(&self, old: Option<&Contact>, new: &mut Contact) -> Result<(), RowError> {
        let (owner, assignee) = tokio::join!(
            self.name("owner_id", old.map(|c| (c.owner_id, &c.owner_name)), new.owner_id),
            self.name(
                "assignee_id",
                old.map(|c| (c.assignee_id, &c.assignee_name)),
                new.assignee_id
            ),
        );
        (new.owner_name, new.assignee_name) = (owner?, assignee?);
        Ok(())
    }

    async fn name(
        &self,
        field: &str,
        old: Option<(Option<UserId>, &Option<String>)>,
        new: Option<UserId>,
    ) -> Result<Option<String>, RowError> {
        let viewer = &self.session.viewer;
        match (new, old) {
            (None, _) => Ok(None),
            (Some(_), Some((before, name))) if before == new => Ok(name.clone()),
            (Some(person), _) if person == viewer.user => Ok(Some(viewer.display_name())),
            (Some(person), _) => {
                let directory = self.authority.directory();
                let found = directory.person(&viewer.company, &person.to_string()).await?;
                let found = found
                    .ok_or_else(|| ContactError::invalid(field, "is no person of the company"))?;
                Ok(Some(found.display_name().to_owned()))
            }
        }
    }

    /// Every team owner must be one of the actor's own teams (RFC §2.4); where Launchpad cannot
    /// confirm it, the rows that name some are rejected and the others go on.
    fn check_teams(
        &self,
        input: &ContactInput,
        own: &Result<Vec<TeamId>, DirectoryError>,
    ) -> Result<(), RowError> {
        let Some(wanted) = input.team_owner_ids.value().filter(|teams| !teams.is_empty()) else {
            return Ok(());
        };
        let own = own.as_ref().map_err(Clone::clone)?;
        let rejected: Vec<TeamId> =
            wanted.iter().copied().filter(|team| !own.contains(team)).collect();
        if rejected.is_empty() {
            return Ok(());
        }
        event::team_owner_validation_rejected(&self.session.viewer, &rejected);
        Err(ContactError::TeamOwners(rejected).into())
    }
}

enum UpsertError {
    Changed,
    Row(RowError),
}

impl From<SaveError> for UpsertError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Changed => Self::Changed,
            SaveError::Table(error) => Self::Row(error.into()),
        }
    }
}

impl<E: Into<RowError>> From<E> for UpsertError {
    fn from(error: E) -> Self {
        Self::Row(error.into())
    }
}

/// Rows that share a key, directly or through others, in the order of the request.
fn in_groups(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut group_of: BTreeMap<Key, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let shared: BTreeSet<usize> =
            row.keys.iter().filter_map(|key| group_of.get(key)).copied().collect();
        let mut shared = shared.into_iter();
        let home = shared.next().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        for other in shared {
            let moved = std::mem::take(&mut groups[other]);
            groups[home].extend(moved);
            group_of.values_mut().filter(|group| **group == other).for_each(|g| *g = home);
        }
        for key in &row.keys {
            group_of.insert(key.clone(), home);
        }
        groups[home].push(row);
    }
    groups.retain(|group| !group.is_empty());
    for group in &mut groups {
        group.sort_unstable_by_key(|row| row.index);
    }
    groups
}
