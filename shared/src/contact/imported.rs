//! Rows of imported files, and the contacts that they are about.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use serde_json::{Map, Value, value::to_raw_value};

use super::{
    Contact, ContactWriter, Contacts, FieldType, RowOutcome, edit::EditError, sync::Sync,
    unique_key::Matches,
};
use crate::{
    access::Session,
    id::ContactId,
    identity::{Permission, Viewer},
    table::{Key, TableError},
};

/// Which of a contact's addresses or numbers a cell contains. Only the columns of this service's own
/// exports have the first one or all of them for certain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum Extent {
    First,
    All,
    Any,
}

/// The field of a contact that a cell sets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are those of `Contact`")]
pub enum CellField {
    ExternalId,
    Name,
    Emails(Extent),
    Phones(Extent),
    CompanyName,
    OwnerId,
    AssigneeId,
    TeamOwnerIds,
    Tags,
    Source,
    /// The custom field with this key.
    Custom(String),
}

impl CellField {
    /// The name of the field in the API; `custom_fields` for a custom field.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::Name => "name",
            Self::Emails(_) => "emails",
            Self::Phones(_) => "phones",
            Self::CompanyName => "company_name",
            Self::OwnerId => "owner_id",
            Self::AssigneeId => "assignee_id",
            Self::TeamOwnerIds => "team_owner_ids",
            Self::Tags => "tags",
            Self::Source => "source",
            Self::Custom(_) => "custom_fields",
        }
    }
}

/// A cell of an imported file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportedCell {
    /// The field that the cell sets.
    pub field: CellField,
    /// The text of the cell.
    pub text: String,
    /// The addresses or numbers in the text; empty for other fields.
    pub values: Vec<String>,
}

/// A row of an imported file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ImportedRow {
    /// The row as a contact in the form of `POST /cdp/customers/sync`. Custom fields are texts.
    pub contact: Map<String, Value>,
    /// The cells from which the contact was made.
    pub cells: Vec<ImportedCell>,
}

/// What is known of the values of an imported file.
#[derive(Clone, Debug, Default)]
pub struct ImportContext {
    /// The types of the company's custom fields.
    pub types: HashMap<String, FieldType>,
    /// The time zone in which the file contains times, if it is known.
    pub zone: Option<TimeZone>,
}

impl ContactWriter {
    /// Creates a session for an import.
    ///
    /// # Errors
    /// [`EditError::Access`] when the viewer has no permission or the permissions could not be
    /// loaded.
    pub async fn import_session(&self, viewer: &Viewer) -> Result<Session, EditError> {
        let session = self.authority.session(viewer, &[Permission::ManageCustomers]).await?;
        self.edit(&session, Permission::ManageCustomers)?;
        Ok(session)
    }

    /// Creates or updates a contact for each row of an imported file, like [`ContactWriter::sync`].
    /// A cell that shows what is stored changes nothing.
    ///
    /// # Errors
    /// [`EditError::Access`] when the viewer has no permission; [`EditError::Table`] when the stored
    /// contacts could not be read. Errors of single rows are in their results.
    pub async fn import(
        &self,
        session: &Session,
        rows: Vec<ImportedRow>,
        context: &ImportContext,
    ) -> Result<Vec<RowOutcome>, EditError> {
        let edit = self.edit(session, Permission::ManageCustomers)?;
        let stored = Stored::load(&edit.contacts, &rows).await?;
        let (mut places, mut changes, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for (index, row) in rows.into_iter().enumerate() {
            let old = stored.contact_of(&row);
            match context.changes(row, old) {
                Ok(row) => {
                    let row = to_raw_value(&row);
                    changes.push(row.map_err(|error| TableError::Shape(error.to_string()))?);
                    places.push(index);
                }
                Err(error) => outcomes.push(RowOutcome { index, result: Err(error.into()) }),
            }
        }
        let (written, fields) = Sync::new(edit).run(&changes).await;
        let in_file = |outcome: RowOutcome| RowOutcome { index: places[outcome.index], ..outcome };
        outcomes.extend(written.into_iter().map(in_file));
        outcomes.sort_unstable_by_key(|outcome| outcome.index);
        self.catalog.add_new_fields(&session.viewer.company, &fields).await;
        Ok(outcomes)
    }
}

/// The stored contacts that the rows of a file are about.
struct Stored<'a> {
    contacts: &'a Contacts,
    matches: Matches,
    /// The number of rows about each contact.
    rows: HashMap<ContactId, usize>,
}

impl<'a> Stored<'a> {
    async fn load(contacts: &'a Contacts, rows: &[ImportedRow]) -> Result<Self, TableError> {
        let ids: HashSet<ContactId> = rows.iter().filter_map(id_of).collect();
        let ids: Vec<ContactId> = ids.into_iter().collect();
        let mut keys: Vec<Key> = rows.iter().flat_map(|row| keys_of(contacts, row)).collect();
        keys.sort_unstable();
        keys.dedup();
        let matches = contacts.matches(&keys, &ids).await?;
        let mut stored = Self { contacts, matches, rows: HashMap::new() };
        for row in rows {
            if let Some(id) = stored.find(row).map(|contact| contact.id) {
                *stored.rows.entry(id).or_default() += 1;
            }
        }
        Ok(stored)
    }

    /// The contact that a row is about: by its id, otherwise by its external id, otherwise by its
    /// first email address.
    fn find(&self, row: &ImportedRow) -> Option<&Contact> {
        let by_id = id_of(row).and_then(|id| self.matches.contact(id));
        by_id.or_else(|| {
            keys_of(self.contacts, row).into_iter().find_map(|key| self.matches.owner(&key))
        })
    }

    /// The contact with which the cells of a row are compared. If several rows are about it, there is
    /// none: the last of them wins, also where it shows what was stored before the first.
    fn contact_of(&self, row: &ImportedRow) -> Option<&Contact> {
        self.find(row).filter(|contact| self.rows.get(&contact.id) == Some(&1))
    }
}

fn id_of(row: &ImportedRow) -> Option<ContactId> {
    row.contact.get("id")?.as_str()?.parse().ok()
}

/// The unique keys of a row, the external id first.
fn keys_of(contacts: &Contacts, row: &ImportedRow) -> Vec<Key> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let external = text(row.contact.get("external_id"));
    let email = text(row.contact.get("emails").map(|emails| &emails[0]));
    let external = contacts.unique_keys_for(external.as_ref(), None);
    external.into_iter().chain(contacts.unique_keys_for(None, email.as_ref())).collect()
}
