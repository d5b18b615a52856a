//! Creates and updates contacts by their unique keys, for `POST /cdp/customers/sync` and imports.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{
    Contact, ContactError, ContactInput, SaveError, StalePointers,
    edit::{Edit, EditError, OwnTeams},
    unique_key::UniqueKeyOwners,
};
use crate::{
    error::chain,
    id::ContactId,
    json::object,
    table::{Attempt, Key, retry},
};

/// The maximum number of groups of rows that are written in parallel.
const CONCURRENCY: usize = 16;

/// The effect of a row on the contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum RowStatus {
    Created,
    Updated,
    Rejected,
}

/// The result of a row.
#[derive(Debug)]
pub struct RowOutcome {
    /// The row's position in the request, from 0.
    pub index: usize,
    /// The contact and whether it is new, or the error.
    pub result: Result<(RowStatus, ContactId), EditError>,
}

/// Writes a batch of rows on behalf of an actor.
#[derive(Debug)]
pub(super) struct Sync<'a> {
    edit: Edit<'a>,
}

/// A row with valid fields.
struct Row {
    index: usize,
    input: ContactInput,
    /// The unique keys of the row's external id and first email address.
    keys: BTreeSet<Key>,
}

/// The reason why two rows are about the same contact: they have a unique key in common, or the
/// same contact owns their keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    Key(Key),
    Owner(ContactId),
}

impl Row {
    fn links(&self, known: Option<&UniqueKeyOwners>) -> BTreeSet<Link> {
        let owner = |key| known.and_then(|(owners, _)| owners.get(key)).copied();
        let owners = self.keys.iter().filter_map(owner).map(Link::Owner);
        owners.chain(self.keys.iter().cloned().map(Link::Key)).collect()
    }
}

/// The keys and values of the custom fields that rows set on contacts.
type CustomValues = Vec<(String, Value)>;

impl<'a> Sync<'a> {
    pub(super) fn new(edit: Edit<'a>) -> Self {
        Self { edit }
    }

    /// Creates or updates a contact for each row. Each row has its own result. Rows that have a
    /// unique key in common, or whose keys are owned by the same contact, are written one after the
    /// other, so that they change a single contact and the last row wins. Also returns the custom
    /// fields that were written.
    pub(super) async fn run(&self, rows: &[Box<RawValue>]) -> (Vec<RowOutcome>, CustomValues) {
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut valid = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            match self.parse(index, row) {
                Ok(row) => valid.push(row),
                Err(error) => outcomes.push(RowOutcome { index, result: Err(error.into()) }),
            }
        }
        let keys: Vec<Key> = valid.iter().flat_map(|row| row.keys.iter().cloned()).collect();
        let inputs = valid.iter().map(|row| &row.input);
        let (teams, known) =
            tokio::join!(self.edit.own_teams(inputs), self.edit.contacts.unique_key_owners(&keys));
        // If this read fails, each row reads the owners of its own keys and reports its own error.
        let known = known.inspect_err(|error| {
            tracing::warn!(
                error = %chain(error),
                "could not look up the keys of all rows at once; each row looks up its own keys"
            );
        });
        let known = known.ok();
        let fields: HashMap<usize, CustomValues> =
            valid.iter().map(|row| (row.index, row.input.custom_values())).collect();
        let groups = stream::iter(group_rows(valid, known.as_ref()));
        let done = groups.map(|group| self.group(group, &teams, known.as_ref()));
        let done = done.buffer_unordered(CONCURRENCY);
        outcomes.extend(done.collect::<Vec<_>>().await.into_iter().flatten());
        outcomes.sort_unstable_by_key(|outcome| outcome.index);
        let written = outcomes.iter().filter(|outcome| outcome.result.is_ok());
        let fields = written.filter_map(|outcome| fields.get(&outcome.index)).flatten().cloned();
        let fields = fields.collect();
        (outcomes, fields)
    }

    fn parse(&self, index: usize, row: &RawValue) -> Result<Row, ContactError> {
        let input: ContactInput = object(row.get().as_bytes())
            .map_err(|(field, reason)| ContactError::invalid(field, reason))?;
        let input = input.checked()?;
        let keys = self.edit.contacts.named_unique_keys(&input);
        if keys.is_empty() {
            return Err(ContactError::invalid(
                "external_id",
                "each row must have an external_id or an email address",
            ));
        }
        Ok(Row { index, input, keys })
    }

    /// Writes the rows about one contact one after the other. The `known` owners are valid only for
    /// the first row. Each later row reads the owners again, because the earlier rows may have
    /// changed them.
    async fn group(
        &self,
        rows: Vec<Row>,
        teams: &OwnTeams,
        mut known: Option<&UniqueKeyOwners>,
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
        teams: &OwnTeams,
        mut known: Option<&UniqueKeyOwners>,
    ) -> Result<(RowStatus, ContactId), EditError> {
        self.edit.check_teams(&row.input, teams)?;
        let keys: Vec<Key> = row.keys.iter().cloned().collect();
        retry("the contact", async || {
            let read;
            let (owners, records) = match known.take() {
                Some(known) => known,
                None => {
                    read = self.edit.contacts.unique_key_owners(&keys).await?;
                    &read
                }
            };
            let old = self.matching(&row.input, owners, records);
            self.upsert(&row, old, owners).await
        })
        .await
    }

    /// Returns the contact that a row is about: the owner of the row's external id, otherwise the
    /// owner of its first email address, unless that contact has a different external id. Returns
    /// `None` if the row is about a new contact.
    fn matching<'r>(
        &self,
        input: &ContactInput,
        owners: &HashMap<Key, ContactId>,
        records: &'r HashMap<ContactId, Contact>,
    ) -> Option<&'r Contact> {
        let company = &self.edit.contacts.company;
        let owner = |key: Key| records.get(owners.get(&key)?);
        let by_external =
            input.external_id.value().and_then(|id| owner(Key::unique_external_id(company, id)));
        if by_external.is_some() {
            return by_external;
        }
        let email = input.emails.value().and_then(|emails| emails.first())?;
        let has_other_external_id = |contact: &Contact| {
            let both = input.external_id.value().zip(contact.external_id.as_ref());
            both.is_some_and(|(wanted, own)| wanted != own)
        };
        owner(Key::unique_first_email(company, email))
            .filter(|contact| !has_other_external_id(contact))
    }

    async fn upsert(
        &self,
        row: &Row,
        old: Option<&Contact>,
        owners: &HashMap<Key, ContactId>,
    ) -> Result<Attempt<(RowStatus, ContactId)>, EditError> {
        if let Some(old) = old {
            self.edit.check_scope(old)?;
        }
        let new = self.edit.changed(old, &row.input).await?;
        let keys = (&row.keys, owners);
        let write =
            self.edit.contacts.write_with_known_owners(keys, old, &new, StalePointers::Keep);
        let attempt = SaveError::attempt(write.await)?;
        if attempt == Attempt::Conflict {
            return Ok(Attempt::Conflict);
        }
        if old != Some(&new) {
            self.edit.report_written(&row.input, &new, "sync");
        }
        let status = if old.is_some() { RowStatus::Updated } else { RowStatus::Created };
        Ok(Attempt::Done((status, new.id)))
    }
}

/// Divides the rows into groups. Rows that are linked, directly or through other rows, are in the
/// same group. The rows of a group are in the order of the request.
fn group_rows(rows: Vec<Row>, known: Option<&UniqueKeyOwners>) -> Vec<Vec<Row>> {
    let mut group_of: BTreeMap<Link, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let links = row.links(known);
        let shared: BTreeSet<usize> =
            links.iter().filter_map(|link| group_of.get(link)).copied().collect();
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
        group_of.extend(links.into_iter().map(|link| (link, home)));
        groups[home].push(row);
    }
    groups.retain(|group| !group.is_empty());
    for group in &mut groups {
        group.sort_unstable_by_key(|row| row.index);
    }
    groups
}
