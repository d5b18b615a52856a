//! The catalog of the custom fields that a company's contacts have. Exports and filters offer these
//! fields.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    id::CompanyId,
    table::{Attempt, Condition, Key, Table, TableError, best_effort, retry, to_item},
};

/// The maximum number of fields that a company's catalog contains. Contacts may have more.
const MAX_FIELDS: usize = 500;
/// The maximum number of companies whose catalogs a process caches.
const MAX_REMEMBERED: usize = 1_000;

/// The type of the values of a custom field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Texts and objects. A field has this type as long as it has no values of other types.
    Text,
    /// JSON numbers.
    Number,
    /// The JSON values `true` and `false`.
    Boolean,
    /// Texts that are dates (`2026-11-21`) or times (RFC 3339).
    Date,
    /// JSON arrays with elements of any type.
    List,
}

impl FieldType {
    fn from_value(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::Array(_) => Self::List,
            Value::String(text) if is_date(text) => Self::Date,
            Value::String(_) | Value::Object(_) | Value::Null => Self::Text,
        }
    }

    /// Returns the type of a field of this type after a value of type `seen`. A text such as `NA` or
    /// `unknown` in a column of dates says nothing about the others. A value of any other type does,
    /// so that the type follows a correction. The type is only a hint: a file decides about each
    /// cell by its value.
    fn after(self, seen: Self) -> Self {
        if seen == Self::Text { self } else { seen }
    }
}

fn is_date(text: &str) -> bool {
    // The length is checked because jiff also accepts a text with a date and a time as a date.
    (text.len() == 10 && text.parse::<Date>().is_ok()) || text.parse::<Timestamp>().is_ok()
}

/// A custom field of a company.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CustomField {
    /// The key of the field in `custom_fields`.
    pub key: String,
    /// The type of the value that was written last, not counting texts; `text` if all values are
    /// texts.
    #[serde(rename = "type")]
    pub field_type: FieldType,
}

/// The types of fields by their keys.
type Fields = BTreeMap<String, FieldType>;

#[derive(Default, Serialize, Deserialize)]
struct Record {
    fields: Fields,
    version: u64,
}

/// Reads and extends the catalogs of custom fields in the table. It caches the fields of the
/// companies whose contacts this process writes. Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub struct Catalog {
    table: Table,
    known: Arc<Mutex<HashMap<CompanyId, Fields>>>,
}

impl Catalog {
    /// Creates an instance for the catalogs that are stored in this table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, known: Arc::default() }
    }

    /// Loads the custom fields of a company, at most 500, in the order of their keys.
    pub async fn load(table: &Table, company: &CompanyId) -> Result<Vec<CustomField>, TableError> {
        let record: Record = table.get(&Key::catalog(company), false).await?.unwrap_or_default();
        let fields = record.fields.into_iter();
        Ok(fields.map(|(key, field_type)| CustomField { key, field_type }).collect())
    }

    /// Adds the custom fields of contacts that were just written, if the company's catalog does not
    /// contain them yet. The catalog is not essential: a failure is logged and does not affect the
    /// contacts, and the next contact with the same field adds it.
    pub async fn add_new_fields(&self, company: &CompanyId, values: &[(String, Value)]) {
        let mut seen = Fields::new();
        for (key, value) in values {
            insert_field(&mut seen, key, FieldType::from_value(value), usize::MAX);
        }
        if !self.has_new_fields(company, &seen) {
            return;
        }
        let added = self.add(company, &seen);
        best_effort(added, "could not add new custom fields to the catalog").await;
    }

    fn has_new_fields(&self, company: &CompanyId, seen: &Fields) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(company) {
            Some(known) => extended(known, seen).is_some(),
            None => !seen.is_empty(),
        }
    }

    /// Adds fields to the stored catalog. The write succeeds only if the catalog still has the
    /// version that was read, so that concurrent writers do not overwrite each other's fields.
    async fn add(&self, company: &CompanyId, seen: &Fields) -> Result<(), TableError> {
        let key = Key::catalog(company);
        retry("the catalog of custom fields", async || {
            let stored: Option<Record> = self.table.get(&key, true).await?;
            let condition = stored
                .as_ref()
                .map_or(Condition::Absent, |record| Condition::Version(record.version));
            let Record { fields, version } = stored.unwrap_or_default();
            let Some(fields) = extended(&fields, seen) else {
                self.remember(company, fields);
                return Ok(Attempt::Done(()));
            };
            let record = Record { fields, version: version + 1 };
            let written = self.table.put_if(to_item(&key, &record)?, condition).await;
            Ok(Attempt::from_transaction(written)?.map(|()| self.remember(company, record.fields)))
        })
        .await
    }

    fn remember(&self, company: &CompanyId, fields: Fields) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(company.clone(), fields);
    }
}

/// Returns the catalog with the seen fields added; `None` if the catalog does not change, because
/// it already contains them or is full.
fn extended(known: &Fields, seen: &Fields) -> Option<Fields> {
    let mut all = known.clone();
    for (key, field_type) in seen {
        insert_field(&mut all, key, *field_type, MAX_FIELDS);
    }
    (all != *known).then_some(all)
}

fn insert_field(fields: &mut Fields, key: &str, field_type: FieldType, most: usize) {
    let full = fields.len() >= most;
    match fields.get_mut(key) {
        Some(known) => *known = known.after(field_type),
        None if full => {}
        None => drop(fields.insert(key.to_owned(), field_type)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_type_is_derived_from_the_json_value() {
        for (value, expected) in [
            (json!("gold"), FieldType::Text),
            (json!("12"), FieldType::Text),
            (json!(12.5), FieldType::Number),
            (json!(false), FieldType::Boolean),
            (json!("2026-11-21"), FieldType::Date),
            (json!("2026-11-21T08:00:00Z"), FieldType::Date),
            (json!("2026-13-21"), FieldType::Text),
            (json!(["a"]), FieldType::List),
            (json!({ "a": 1 }), FieldType::Text),
        ] {
            assert_eq!(FieldType::from_value(&value), expected, "{value}");
        }
    }

    fn fields(most: usize) -> impl Strategy<Value = Fields> {
        let types = [
            FieldType::Text,
            FieldType::Number,
            FieldType::Boolean,
            FieldType::Date,
            FieldType::List,
        ];
        let one = ("[a-f]{1,2}", proptest::sample::select(types.to_vec()));
        proptest::collection::btree_map(one.0, one.1, 0..most)
    }

    proptest! {
        #[test]
        fn fields_are_never_lost_and_have_the_last_type_that_is_not_text(
            known in fields(20), seen in fields(20)
        ) {
            let all = extended(&known, &seen).unwrap_or_else(|| known.clone());
            for (key, field_type) in &all {
                let mut types = [&known, &seen].into_iter().filter_map(|fields| fields.get(key));
                let expected = types.rfind(|one| **one != FieldType::Text);
                prop_assert_eq!(field_type, expected.unwrap_or(&FieldType::Text));
            }
            prop_assert!(known.keys().chain(seen.keys()).all(|key| all.contains_key(key)));
            prop_assert!(extended(&all, &seen).is_none(), "known fields are not added again");
        }
    }

    #[test]
    fn one_odd_value_does_not_change_the_type_of_a_field() {
        let one = |field_type| Fields::from([("since".to_owned(), field_type)]);
        let (dates, texts) = (one(FieldType::Date), one(FieldType::Text));
        assert_eq!(extended(&dates, &texts), None);
        assert_eq!(extended(&texts, &dates), Some(dates));
    }

    #[test]
    fn a_full_catalog_takes_no_new_fields() {
        let known: Fields = (0..MAX_FIELDS).map(|n| (format!("f{n}"), FieldType::Number)).collect();
        let more = Fields::from([("one more".to_owned(), FieldType::Text)]);
        assert_eq!(extended(&known, &more), None);
        let other_type = Fields::from([("f1".to_owned(), FieldType::Date)]);
        assert_eq!(extended(&known, &other_type).unwrap().len(), MAX_FIELDS);
    }
}
