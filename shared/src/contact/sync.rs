//! Creates and updates contacts by their unique keys, for `POST /cdp/customers/sync` and imports.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use serde_json::{Value, value::RawValue};

use super::{
    Contact, ContactError, ContactInput, Contacts, SaveError, StalePointers,
    edit::{Edit, EditError, OwnTeams},
    unique_key::Matches,
};
use crate::{
    error::chain,
    id::ContactId,
    json::object,
    table::{Attempt, Key, retry},
};

/// The maximum number of groups of rows that are written in parallel.
const CONCURRENCY: usize = 16;

/// What a row did to its contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum RowEffect {
    Created,
    Updated,
}

/// The result of a row.
#[derive(Debug)]
pub struct RowOutcome {
    /// The row's position in the request, from 0.
    pub index: usize,
    /// What was done to which contact, or the error.
    pub result: Result<(RowEffect, ContactId), EditError>,
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
    /// The id that the row names. It decides first if a live contact has it.
    id: Option<ContactId>,
    /// The unique keys of the row's external id and first email address.
    keys: BTreeSet<Key>,
}

/// The reason why two rows are about the same contact: they have a unique key in common, or the
/// same contact has their keys or their id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    Key(Key),
    Contact(ContactId),
}

impl Row {
    /// Returns the links of the row. They include all unique keys of its contacts, because an
    /// earlier row can take a key from one contact and so hand it over to another one.
    fn links(&self, contacts: &Contacts, known: Option<&Matches>) -> BTreeSet<Link> {
        let by_key = self.keys.iter().filter_map(|key| known?.owner(key));
        let by_id = self.id.and_then(|id| known?.contact(id));
        let mut links: BTreeSet<Link> = self.keys.iter().cloned().map(Link::Key).collect();
        links.extend(self.id.map(Link::Contact));
        for contact in by_key.chain(by_id) {
            links.insert(Link::Contact(contact.id));
            links.extend(contacts.unique_keys(contact).into_iter().map(Link::Key));
        }
        links
    }
}

/// The keys and values of the custom fields that rows set on contacts.
type CustomValues = Vec<(String, Value)>;

impl<'a> Sync<'a> {
    pub(super) fn new(edit: Edit<'a>) -> Self {
        Self { edit }
    }

    /// Creates or updates a contact for each row. Each row has its own result. Rows that have a
    /// unique key in common, or are about the same contact, are written one after the other, so that
    /// they change a single contact and the last row wins. Also returns the custom
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
        let ids: Vec<ContactId> = valid.iter().filter_map(|row| row.id).collect();
        let known = self.edit.contacts.matches(&keys, &ids).await;
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
        let groups = group_rows(valid, |row| row.links(&self.edit.contacts, known.as_ref()));
        let (groups, teams) = (stream::iter(groups), OwnTeams::new());
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
        let id = input.named_id()?;
        if keys.is_empty() && id.is_none() {
            return Err(ContactError::invalid(
                "external_id",
                "each row must have an id, an external_id or an email address",
            ));
        }
        Ok(Row { index, input, id: id.flatten(), keys })
    }

    /// Writes the rows about one contact one after the other. The `known` owners are valid only for
    /// the first row. Each later row reads the owners again, because the earlier rows may have
    /// changed them.
    async fn group(
        &self,
        rows: Vec<Row>,
        teams: &OwnTeams,
        mut known: Option<&Matches>,
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
        mut known: Option<&Matches>,
    ) -> Result<(RowEffect, ContactId), EditError> {
        let keys: Vec<Key> = row.keys.iter().cloned().collect();
        retry("the contact", async || {
            let read;
            let matches = match known.take() {
                Some(known) => known,
                None => {
                    read = self.edit.contacts.matches(&keys, row.id.as_slice()).await?;
                    &read
                }
            };
            self.upsert(&row, teams, matches).await
        })
        .await
    }

    /// Returns the contact that a row is about: the one with the row's id, otherwise the owner of
    /// its external id, otherwise the owner of its first email address. Returns `None` if the row is
    /// about a new contact.
    ///
    /// # Errors
    /// [`EditError::NotFound`] when no live contact has the row's id and the row names no key.
    fn matching<'m>(
        &self,
        row: &Row,
        matches: &'m Matches,
    ) -> Result<Option<&'m Contact>, EditError> {
        if let Some(contact) = row.id.and_then(|id| matches.contact(id)) {
            return Ok(Some(contact));
        }
        if row.keys.is_empty() {
            return Err(EditError::NotFound);
        }
        // The key of the external id sorts first.
        Ok(row.keys.iter().find_map(|key| matches.owner(key)))
    }

    /// Checks that the row gives the contact no key that another live contact has. The contact may
    /// keep a value that it shares with another contact.
    fn check_keys(&self, row: &Row, contact: &Contact, matches: &Matches) -> Result<(), EditError> {
        let current = self.edit.contacts.unique_keys(contact);
        let is_taken = |key: &&Key| {
            let has_other_owner = matches.owner(key).is_some_and(|owner| owner.id != contact.id);
            has_other_owner && !current.contains(key)
        };
        match row.keys.iter().find(is_taken) {
            None => Ok(()),
            Some(key) if key.is_external_id() => Err(EditError::KeyTaken("external_id")),
            Some(_) => Err(EditError::KeyTaken("emails")),
        }
    }

    async fn upsert(
        &self,
        row: &Row,
        teams: &OwnTeams,
        matches: &Matches,
    ) -> Result<Attempt<(RowEffect, ContactId)>, EditError> {
        let old = self.matching(row, matches)?;
        if let Some(old) = old {
            self.edit.check_scope(old)?;
            self.check_keys(row, old, matches)?;
        }
        let input = row.input.for_stored(old);
        let (teams, new) =
            tokio::join!(self.edit.check_teams(&input, teams), self.edit.changed(old, &input));
        teams?;
        let new = new?;
        let known = (matches, Vec::new());
        let write = self.edit.contacts.write_with(known, old, &new, StalePointers::Keep);
        let attempt = SaveError::attempt(write.await)?;
        if attempt == Attempt::Conflict {
            return Ok(Attempt::Conflict);
        }
        if old != Some(&new) {
            self.edit.report_written(&input, &new, "sync");
        }
        let effect = if old.is_some() { RowEffect::Updated } else { RowEffect::Created };
        Ok(Attempt::Done((effect, new.id)))
    }
}

/// Divides the rows into groups. Rows that are linked, directly or through other rows, are in the
/// same group. The rows of a group are in the order of the request.
fn group_rows(rows: Vec<Row>, links: impl Fn(&Row) -> BTreeSet<Link>) -> Vec<Vec<Row>> {
    let mut group_of: BTreeMap<Link, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows {
        let links = links(&row);
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
