//! Converts a contact into the cells of a row.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use jiff::tz::TimeZone;
use serde_json::Value;
use shared::{
    contact::Contact,
    export::{Column, Field, field::LIST_SEPARATOR},
    id::{TeamId, UserId},
};

use crate::cell::Cell;

/// The data for converting contacts to rows.
#[derive(Clone, Debug)]
pub struct RowPlan {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The time zone in which dates are written.
    pub zone: TimeZone,
    /// The names of the company's teams. It is empty if no column shows them.
    pub teams: HashMap<TeamId, String>,
    /// The keys of the company's custom fields that contain dates.
    pub dates: HashSet<String>,
    /// The names of the company's people. It is empty if no column shows them.
    pub people: HashMap<UserId, String>,
}

impl RowPlan {
    /// Replaces the content of `into` with the contact's row, which has one cell for each column.
    pub fn cells<'a>(&'a self, contact: &'a Contact, into: &mut Vec<Cell<'a>>) {
        into.clear();
        into.extend(self.columns.iter().map(|column| self.cell(contact, &column.field)));
    }

    fn cell<'a>(&'a self, contact: &'a Contact, field: &Field) -> Cell<'a> {
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
            Field::Custom(key) => match contact.custom_fields.get(key) {
                Some(Value::String(text)) if self.dates.contains(key) => {
                    Cell::day_or_datetime(text, &self.zone)
                }
                value => value.map_or(Cell::Empty, custom),
            },
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
    let mut values = values.map(Into::into);
    let Some(first) = values.next() else { return Cell::Empty };
    let joined = values.fold(first, |mut all, value| {
        let text = all.to_mut();
        text.push_str(LIST_SEPARATOR);
        text.push_str(&value);
        all
    });
    Cell::text(joined)
}

/// Creates the cell of a custom field. Text, numbers and booleans keep their type. A list of them
/// becomes one text. Other values become JSON text.
fn custom(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Empty,
        Value::Bool(value) => Cell::Boolean(*value),
        Value::Number(number) => Cell::number(number.to_string()),
        Value::String(text) => Cell::text(text.as_str()),
        Value::Array(values) if values.iter().all(is_plain) => list(values.iter().map(plain)),
        Value::Array(_) | Value::Object(_) => Cell::text(value.to_string()),
    }
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_) | Value::Null)
}

fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
