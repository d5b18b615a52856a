//! Converts a contact into the cells of a row.

use std::{borrow::Cow, collections::HashMap};

use jiff::tz::TimeZone;
use shared::{
    cell_text::join_list,
    contact::StoredContact,
    export::{Column, Field},
    id::{TeamId, UserId},
};

use crate::{cell::Cell, custom::CustomFields, file_error::FileError};

/// The data for converting contacts to rows.
#[derive(Clone, Debug)]
pub struct RowPlan {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The time zone in which dates are written.
    pub zone: TimeZone,
    /// The names of the company's teams. It is empty if no column shows them.
    pub teams: HashMap<TeamId, String>,
    /// The names of the company's people. It is empty if no column shows them.
    pub people: HashMap<UserId, String>,
}

impl RowPlan {
    /// Replaces the content of `into` with the contact's row, which has one cell for each column.
    ///
    /// # Errors
    /// [`FileError::CustomFields`]
    pub fn cells<'a>(
        &'a self,
        contact: &'a StoredContact,
        into: &mut Vec<Cell<'a>>,
    ) -> Result<(), FileError> {
        into.clear();
        let shows_custom = self.columns.iter().any(|it| matches!(it.field, Field::Custom(_)));
        let custom = match shows_custom {
            true => CustomFields::parse(&contact.custom_fields)?,
            false => CustomFields::default(),
        };
        for column in &self.columns {
            into.push(match &column.field {
                Field::Custom(key) => custom.cell(key, &self.zone)?,
                field => self.cell(contact, field),
            });
        }
        Ok(())
    }

    fn cell<'a>(&'a self, contact: &'a StoredContact, field: &Field) -> Cell<'a> {
        match field {
            Field::Id => Cell::text(contact.id.to_string()),
            Field::ExternalId => text(contact.external_id.as_ref()),
            Field::Name => text(contact.name.as_ref()),
            Field::Email => text(contact.emails.first()),
            Field::Emails => list(contact.emails.iter().map(String::as_str)),
            Field::Phone => text(contact.phones.first()),
            Field::Phones => list(contact.phones.iter().map(String::as_str)),
            Field::CompanyName => text(contact.company_name.as_ref()),
            Field::OwnerId => id(contact.owner_id),
            Field::OwnerName => self.person(contact.owner_id, contact.owner_name.as_deref()),
            Field::AssigneeId => id(contact.assignee_id),
            Field::AssigneeName => {
                self.person(contact.assignee_id, contact.assignee_name.as_deref())
            }
            Field::TeamOwnerIds => list(contact.team_owner_ids.iter().map(ToString::to_string)),
            Field::TeamOwnerNames => {
                list(contact.team_owner_ids.iter().map(|team| self.team_name(*team)))
            }
            Field::Tags => list(contact.tags.iter().map(String::as_str)),
            Field::Source => text(contact.source.as_ref()),
            Field::CreatedAt => Cell::date(contact.created_at, &self.zone),
            Field::UpdatedAt => Cell::date(contact.updated_at, &self.zone),
            // The caller has the parsed custom fields.
            Field::Custom(_) => Cell::Empty,
        }
    }

    /// A cell with a person's current name in Launchpad. If it is not known, the name stored on the
    /// contact; if there is none, the person's id.
    fn person<'a>(&'a self, id: Option<UserId>, stored: Option<&'a str>) -> Cell<'a> {
        let Some(id) = id else { return Cell::Empty };
        match self.people.get(&id).map(String::as_str).or(stored) {
            Some(name) => Cell::text(name),
            None => Cell::text(id.to_string()),
        }
    }

    /// A team's name. For a team that is no longer in Launchpad, its id.
    fn team_name(&self, team: TeamId) -> Cow<'_, str> {
        match self.teams.get(&team) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(team.to_string()),
        }
    }
}

fn text(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Empty, |text| Cell::text(text.as_str()))
}

fn id(id: Option<impl ToString>) -> Cell<'static> {
    id.map_or(Cell::Empty, |id| Cell::text(id.to_string()))
}

fn list<'a, T: Into<Cow<'a, str>>>(values: impl Iterator<Item = T>) -> Cell<'a> {
    Cell::text(join_list(values))
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
