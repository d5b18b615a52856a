//! Rows of imported files: which of their cells change a contact, and how.
//!
//! A cell that shows what an export of the stored contact shows is no change. So the import of an
//! export changes nothing, although a cell shows less than the contact contains: a time without its
//! zone, a number without its type, an address without the contact's other addresses.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Number, Value, json, value::to_raw_value};
use unicode_normalization::UnicodeNormalization;

use super::{
    Contact, ContactWriter, Contacts, FieldType, RowOutcome, edit::EditError, sync::Sync,
    unique_key::Matches,
};
use crate::{
    access::Session,
    cell_text::{LIST_SEPARATOR, join_list, split_list},
    id::ContactId,
    identity::{Permission, Viewer},
    invisible::trim,
    table::{Key, TableError},
};

/// The form of a time in an exported CSV file.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// No time zone differs more from UTC, in seconds.
const MAX_OFFSET: i64 = 16 * 3600;
/// Since 1970, every time zone differs from UTC by a multiple of this, in seconds.
const OFFSET_STEP: i64 = 15 * 60;

/// The field of a contact that a cell sets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are those of `Contact`")]
pub enum CellField {
    ExternalId,
    Name,
    Emails,
    Phones,
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
            Self::Emails => "emails",
            Self::Phones => "phones",
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
        let rows: Result<Vec<_>, _> = rows
            .into_iter()
            .map(|row| {
                let old = stored.contact_of(&row);
                to_raw_value(&context.changes(row, old))
            })
            .collect();
        let rows = rows.map_err(|error| TableError::Shape(error.to_string()))?;
        let (outcomes, fields) = Sync::new(edit).run(&rows).await;
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

/// The values of a stored contact.
struct StoredValues<'a> {
    /// The fields other than custom fields, by their names in the API.
    fields: Value,
    custom: &'a Map<String, Value>,
}

impl StoredValues<'_> {
    fn custom_value(&self, key: &str) -> &Value {
        self.custom.get(key).unwrap_or(&Value::Null)
    }
}

impl ImportContext {
    /// Returns the row with only the cells that change the stored contact, and with custom fields of
    /// the stored types. The row keeps its keys if it needs them to find the contact.
    pub(super) fn changes(
        &self,
        mut row: ImportedRow,
        old: Option<&Contact>,
    ) -> Map<String, Value> {
        let stored = old.map(|old| StoredValues { fields: json!(old), custom: &old.custom_fields });
        let is_echo = |cell: &ImportedCell| {
            stored.as_ref().is_some_and(|stored| self.shows(stored, &cell.field, &cell.text))
        };
        let has_id = row.contact.contains_key("id");
        let mut custom = Map::new();
        for (index, cell) in row.cells.iter().enumerate() {
            if let CellField::Custom(key) = &cell.field {
                if !is_echo(cell) {
                    let old = stored.as_ref().map(|stored| stored.custom_value(key));
                    custom.insert(key.clone(), self.typed(key, &cell.text, old));
                }
                continue;
            }
            let same = |other: &&ImportedCell| other.field == cell.field;
            let is_first = !row.cells[..index].iter().any(|other| same(&other));
            if is_first && row.cells.iter().filter(same).all(is_echo) {
                let name = cell.field.name();
                match (&cell.field, &stored) {
                    // The keys find the contact; their stored values are no change.
                    (CellField::ExternalId | CellField::Emails, Some(stored)) if !has_id => {
                        row.contact.insert(name.to_owned(), stored.fields[name].clone());
                    }
                    _ => drop(row.contact.remove(name)),
                }
            }
        }
        row.contact.remove("custom_fields");
        if !custom.is_empty() {
            row.contact.insert("custom_fields".to_owned(), Value::Object(custom));
        }
        row.contact
    }

    /// Whether an export of the stored contact shows this text for the field.
    fn shows(&self, stored: &StoredValues<'_>, field: &CellField, text: &str) -> bool {
        if let CellField::Custom(key) = field {
            return self.shows_value(stored.custom_value(key), text);
        }
        let value = &stored.fields[field.name()];
        // An export can contain only the first address and the first number.
        let first = match field {
            CellField::Emails | CellField::Phones => value[0].as_str(),
            _ => None,
        };
        first.is_some_and(|first| is_same_text(first, text)) || self.shows_value(value, text)
    }

    fn shows_value(&self, value: &Value, text: &str) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(value) => text.eq_ignore_ascii_case(&value.to_string()),
            Value::Number(number) => text == number.to_string(),
            Value::String(stored) => is_same_text(stored, text) || self.shows_time(stored, text),
            Value::Array(values) => {
                let plain = values.iter().map(plain).collect::<Option<Vec<_>>>();
                let json = value.to_string();
                plain.map_or(text == json, |plain| {
                    is_same_text(&join_list(plain.iter().map(String::as_str)), text)
                        || is_same_text(&plain.join(LIST_SEPARATOR), text)
                })
            }
            Value::Object(_) => {
                let json = value.to_string();
                text == json
            }
        }
    }

    /// Whether the text is the stored time in the zone of the file. If the zone is not known, whether
    /// it can be the stored time in any zone.
    fn shows_time(&self, stored: &str, text: &str) -> bool {
        let Ok(at) = stored.parse::<Timestamp>() else { return false };
        let Ok(shown) = DateTime::strptime(TIME_FORMAT, text) else { return false };
        if let Some(zone) = &self.zone {
            let local = zone.to_datetime(at);
            return local.with().subsec_nanosecond(0).build().is_ok_and(|local| local == shown);
        }
        let Ok(shown) = TimeZone::UTC.to_timestamp(shown) else { return false };
        let offset = shown.as_second() - whole_second(at);
        let is_step = offset % OFFSET_STEP == 0 || at.as_second() < 0;
        offset.abs() <= MAX_OFFSET && is_step
    }

    /// The text as a value of the type that the contact, or otherwise the company, has for the field;
    /// a text if it has no such value.
    fn typed(&self, key: &str, text: &str, old: Option<&Value>) -> Value {
        let hint = match old {
            Some(Value::Number(_)) => Some(FieldType::Number),
            Some(Value::Bool(_)) => Some(FieldType::Boolean),
            Some(Value::Array(values)) if values.iter().all(|it| plain(it).is_some()) => {
                Some(FieldType::List)
            }
            Some(Value::String(old)) if old.parse::<Timestamp>().is_ok() => Some(FieldType::Date),
            Some(Value::Null) | None => self.types.get(key).copied(),
            Some(_) => None,
        };
        let typed = match hint {
            Some(FieldType::Number) => exact_number(text).map(Value::Number),
            Some(FieldType::Boolean) => match text.to_ascii_lowercase().as_str() {
                "true" => Some(json!(true)),
                "false" => Some(json!(false)),
                _ => None,
            },
            Some(FieldType::List) => Some(json!(split_list(text))),
            Some(FieldType::Date) => self.time(text).map(|at| json!(at.to_string())),
            Some(FieldType::Text) | None => None,
        };
        typed.unwrap_or_else(|| json!(text))
    }

    fn time(&self, text: &str) -> Option<Timestamp> {
        let local = DateTime::strptime(TIME_FORMAT, text).ok()?;
        self.zone.as_ref()?.to_timestamp(local).ok()
    }
}

/// The second in which a time is, in seconds since the Unix epoch. An export drops the fraction.
fn whole_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The text of a value in a list of an export; `None` for lists, objects and null.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The text as a number, if the number is written exactly like the text.
fn exact_number(text: &str) -> Option<Number> {
    serde_json::from_str::<Number>(text).ok().filter(|number| number.to_string() == text)
}

/// Whether two texts look the same in a cell: apart from their normal form, the kind of their line
/// breaks, control characters, and white space at the ends.
fn is_same_text(stored: &str, text: &str) -> bool {
    stored == text || visible(stored) == visible(text)
}

fn visible(text: &str) -> String {
    let text: String = text.nfc().collect::<String>().replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| !c.is_control() || "\t\n".contains(*c)).collect();
    trim(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact() -> Contact {
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.external_id = Some("E-1".to_owned());
        contact.name = Some("Ann\r\nLee\u{7}".to_owned());
        contact.emails = vec!["a@b.id".to_owned(), "c@d.id".to_owned()];
        contact.phones = vec!["1; 2".to_owned(), "3".to_owned()];
        contact.tags = vec!["x".to_owned(), "y".to_owned()];
        let custom = json!({
            "age": 5, "vip": true, "list": [1, "b"], "object": { "a": [1] }, "text": "5",
            "since": "2026-11-21T20:00:00.5Z", "old": "1850-01-01T00:00:00Z",
        });
        contact.custom_fields = custom.as_object().unwrap().clone();
        contact
    }

    fn row(cells: &[(CellField, &str)]) -> ImportedRow {
        let cells = cells
            .iter()
            .map(|(field, text)| ImportedCell { field: field.clone(), text: (*text).to_owned() });
        let mut row = ImportedRow { cells: cells.collect(), ..ImportedRow::default() };
        row.contact.insert("id".to_owned(), json!("1"));
        for cell in &row.cells {
            row.contact.insert(cell.field.name().to_owned(), json!(cell.text));
        }
        row
    }

    fn custom(key: &str) -> CellField {
        CellField::Custom(key.to_owned())
    }

    fn changes(context: &ImportContext, cells: &[(CellField, &str)]) -> Value {
        let mut changes = context.changes(row(cells), Some(&contact()));
        changes.remove("id");
        Value::Object(changes)
    }

    #[test]
    fn a_cell_that_shows_the_stored_value_changes_nothing() {
        let cells = [
            (CellField::ExternalId, "E-1"),
            (CellField::Name, "Ann\nLee"),
            (CellField::Emails, "a@b.id"),
            (CellField::Emails, "a@b.id; c@d.id"),
            (CellField::Phones, "\"1; 2\"; 3"),
            (CellField::Tags, "x; y"),
            (custom("age"), "5"),
            (custom("vip"), "true"),
            (custom("list"), "1; b"),
            (custom("object"), "{\"a\":[1]}"),
            (custom("text"), "5"),
            (custom("since"), "2026-11-22 03:00:00"),
            (custom("old"), "1850-01-01 07:07:12"),
        ];
        assert_eq!(changes(&ImportContext::default(), &cells), json!({}));
        let zone = Some(TimeZone::get("Asia/Jakarta").unwrap());
        let context = ImportContext { zone, ..ImportContext::default() };
        assert_eq!(changes(&context, &cells), json!({}));
    }

    #[test]
    fn a_changed_cell_keeps_the_type_of_the_stored_value() {
        let zone = Some(TimeZone::get("Asia/Jakarta").unwrap());
        let context = ImportContext { zone, ..ImportContext::default() };
        let cells = [
            (custom("age"), "6"),
            (custom("vip"), "FALSE"),
            (custom("list"), "1; c"),
            (custom("text"), "6"),
            (custom("since"), "2026-11-22 04:00:00"),
        ];
        assert_eq!(
            changes(&context, &cells)["custom_fields"],
            json!({ "age": 6, "vip": false, "list": ["1", "c"], "text": "6",
                "since": "2026-11-21T21:00:00Z" })
        );
        let cells = [(custom("age"), "0012"), (custom("vip"), "maybe")];
        let custom_fields = json!({ "age": "0012", "vip": "maybe" });
        assert_eq!(changes(&context, &cells)["custom_fields"], custom_fields);
    }

    #[test]
    fn a_new_value_has_the_type_that_the_field_has_in_the_company() {
        let types = [("age", FieldType::Number), ("vip", FieldType::Boolean)];
        let types = types.map(|(key, kind)| (key.to_owned(), kind)).into();
        let context = ImportContext { types, zone: None };
        let row = row(&[(custom("age"), "1.50"), (custom("vip"), "true"), (custom("x"), "7")]);
        let row = context.changes(row, None);
        let custom_fields = json!({ "age": "1.50", "vip": true, "x": "7" });
        assert_eq!(row["custom_fields"], custom_fields, "1.50 is not kept exactly as a number");
    }

    #[test]
    fn a_row_without_an_id_keeps_the_keys_that_find_its_contact() {
        let mut row = row(&[(CellField::Emails, "a@b.id"), (CellField::Name, "Ann\nLee")]);
        row.contact.remove("id");
        let row = ImportContext::default().changes(row, Some(&contact()));
        assert_eq!(Value::Object(row), json!({ "emails": ["a@b.id", "c@d.id"] }));
    }

    #[test]
    fn several_cells_of_one_field_are_no_change_only_if_all_of_them_show_it() {
        let cells = [(CellField::Emails, "a@b.id"), (CellField::Emails, "new@d.id")];
        assert!(changes(&ImportContext::default(), &cells)["emails"].is_string());
    }
}
