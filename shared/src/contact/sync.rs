//! Upserts by key: what `POST /cdp/customers/sync` and imports do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{
    Contact, ContactError, ContactInput, SaveError, StalePointers,
    edit::{Edit, EditError, OwnTeams},
    unique_key::Holders,
};
use crate::{
    error::chain,
    id::ContactId,
    json::object,
    table::{Attempt, Key, retry},
};

/// How many keys are worked on side by side.
const CONCURRENCY: usize = 16;

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
    pub result: Result<(RowStatus, ContactId), EditError>,
}

/// A batch of rows on behalf of an actor.
#[derive(Debug)]
pub(super) struct Sync<'a> {
    edit: Edit<'a>,
}

/// A row that is right by itself.
struct Row {
    index: usize,
    input: ContactInput,
    /// The claims that the row is known by: the external id first, else the first email.
    keys: BTreeSet<Key>,
}

/// What two rows are about one contact by: a key, or the contact that holds theirs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Key(Key),
    Holder(ContactId),
}

impl Row {
    fn ties(&self, known: Option<&Holders>) -> BTreeSet<Tie> {
        let holder = |key| known.and_then(|(holders, _)| holders.get(key)).copied();
        let holders = self.keys.iter().filter_map(holder).map(Tie::Holder);
        holders.chain(self.keys.iter().cloned().map(Tie::Key)).collect()
    }
}

/// The custom fields that rows gave to contacts.
type CustomValues = Vec<(String, Value)>;

impl<'a> Sync<'a> {
    pub(super) fn new(edit: Edit<'a>) -> Self {
        Self { edit }
    }

    /// Creates or updates a contact for each row; each answers for itself. Rows that share a key or
    /// the holder of their keys are applied one after the other, so that they make one contact and
    /// the last one wins. Tells also which custom fields were written.
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
            tokio::join!(self.edit.own_teams(inputs), self.edit.contacts.holders(&keys));
        // Rows that could not be looked up together try it by themselves and tell why not.
        let known = known.inspect_err(|error| {
            tracing::warn!(error = %chain(error), "could not look up the keys of all rows at once; each row looks up its own keys");
        });
        let known = known.ok();
        let fields: HashMap<usize, CustomValues> =
            valid.iter().map(|row| (row.index, row.input.custom_values())).collect();
        let groups = stream::iter(in_groups(valid, known.as_ref()));
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
        let keys = self.edit.contacts.named_claims(&input);
        if keys.is_empty() {
            return Err(ContactError::invalid(
                "external_id",
                "each row must have an external_id or an email address",
            ));
        }
        Ok(Row { index, input, keys })
    }

    /// Applies rows about one contact, one after the other. What was `known` before is good for the
    /// first of them; the others see what those before them did.
    async fn group(
        &self,
        rows: Vec<Row>,
        teams: &OwnTeams,
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
        teams: &OwnTeams,
        mut known: Option<&Holders>,
    ) -> Result<(RowStatus, ContactId), EditError> {
        self.edit.check_teams(&row.input, teams)?;
        let keys: Vec<Key> = row.keys.iter().cloned().collect();
        retry("the contact", async || {
            let read;
            let (holders, records) = match known.take() {
                Some(known) => known,
                None => {
                    read = self.edit.contacts.holders(&keys).await?;
                    &read
                }
            };
            let old = self.matching(&row.input, holders, records);
            self.upsert(&row, old, holders).await
        })
        .await
    }

    /// The contact that a row is about: the one with its external id, else the one with its first
    /// email, unless that one goes by another external id.
    fn matching<'r>(
        &self,
        input: &ContactInput,
        holders: &HashMap<Key, ContactId>,
        records: &'r HashMap<ContactId, Contact>,
    ) -> Option<&'r Contact> {
        let company = &self.edit.contacts.company;
        let held = |key: Key| records.get(holders.get(&key)?);
        let by_external =
            input.external_id.value().and_then(|id| held(Key::external_claim(company, id)));
        if by_external.is_some() {
            return by_external;
        }
        let email = input.emails.value().and_then(|emails| emails.first())?;
        let goes_by_another = |contact: &Contact| {
            let both = input.external_id.value().zip(contact.external_id.as_ref());
            both.is_some_and(|(wanted, own)| wanted != own)
        };
        held(Key::email_claim(company, email)).filter(|contact| !goes_by_another(contact))
    }

    async fn upsert(
        &self,
        row: &Row,
        old: Option<&Contact>,
        holders: &HashMap<Key, ContactId>,
    ) -> Result<Attempt<(RowStatus, ContactId)>, EditError> {
        if let Some(old) = old {
            self.edit.admit(old)?;
        }
        let new = self.edit.next(old, &row.input).await?;
        let keys = (&row.keys, holders);
        let write = self.edit.contacts.write_knowing(keys, old, &new, StalePointers::Keep);
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

/// Rows that are tied, directly or through others, in the order of the request.
fn in_groups(rows: Vec<Row>, known: Option<&Holders>) -> Vec<Vec<Row>> {
    let mut group_of: BTreeMap<Tie, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let ties = row.ties(known);
        let shared: BTreeSet<usize> =
            ties.iter().filter_map(|tie| group_of.get(tie)).copied().collect();
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
        group_of.extend(ties.into_iter().map(|tie| (tie, home)));
        groups[home].push(row);
    }
    groups.retain(|group| !group.is_empty());
    for group in &mut groups {
        group.sort_unstable_by_key(|row| row.index);
    }
    groups
}
