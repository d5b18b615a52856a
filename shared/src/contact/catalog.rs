//! The custom fields that a company's contacts have: what an export or a filter can offer.

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

/// The most fields that a company's catalogue lists; contacts may have others.
const MAX_FIELDS: usize = 500;
/// The most companies whose fields a process remembers.
const MAX_REMEMBERED: usize = 1_000;

/// What the values of a custom field are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Texts, and whatever is not always of one type.
    Text,
    /// Numbers.
    Number,
    /// Yes or no.
    Boolean,
    /// Days (`2026-11-21`) or moments (RFC 3339).
    Date,
    /// Several values.
    List,
}

impl FieldType {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::Array(_) => Self::List,
            Value::String(text) if is_date(text) => Self::Date,
            Value::String(_) | Value::Object(_) | Value::Null => Self::Text,
        }
    }

    /// The type of a field that has values of both.
    fn with(self, other: Self) -> Self {
        if self == other { self } else { Self::Text }
    }
}

fn is_date(text: &str) -> bool {
    // A day parsed strictly: jiff would also take what a time follows.
    (text.len() == 10 && text.parse::<Date>().is_ok()) || text.parse::<Timestamp>().is_ok()
}

/// A custom field of a company.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CustomField {
    /// Its key in `custom_fields`.
    pub key: String,
    /// What its values are: the type first seen, or text once there were several.
    #[serde(rename = "type")]
    pub field_type: FieldType,
}

/// The fields by their keys.
type Fields = BTreeMap<String, FieldType>;

#[derive(Default, Serialize, Deserialize)]
struct Record {
    fields: Fields,
    version: u64,
}

/// The catalogues of the companies that this process writes contacts for, and what it knows of
/// them already. Cheap to clone; the clones share what they know.
#[derive(Clone, Debug)]
pub struct Catalog {
    table: Table,
    known: Arc<Mutex<HashMap<CompanyId, Fields>>>,
}

impl Catalog {
    /// The catalogues in this table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, known: Arc::default() }
    }

    /// The custom fields of a company, in the order of their keys: at most 500.
    ///
    /// # Errors
    /// As the table says.
    pub async fn of(table: &Table, company: &CompanyId) -> Result<Vec<CustomField>, TableError> {
        let record: Record = table.get(&Key::catalog(company), false).await?.unwrap_or_default();
        let fields = record.fields.into_iter();
        Ok(fields.map(|(key, field_type)| CustomField { key, field_type }).collect())
    }

    /// Adds what contacts that were written have, as far as it is new. The catalogue is a
    /// convenience: the contacts stand whether this succeeds or not, and what could not be written
    /// is seen again with the next contact that has it.
    pub async fn learn(&self, company: &CompanyId, values: &[(String, Value)]) {
        let mut seen = Fields::new();
        for (key, value) in values {
            note(&mut seen, key, FieldType::of(value), usize::MAX);
        }
        if !self.is_news(company, &seen) {
            return;
        }
        let added = self.add(company, &seen);
        best_effort(added, "could not add new custom fields to the catalog").await;
    }

    fn is_news(&self, company: &CompanyId, seen: &Fields) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(company) {
            Some(known) => extended(known, seen).is_some(),
            None => !seen.is_empty(),
        }
    }

    /// Extends the stored catalogue under its version, so that no writer loses another's fields.
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

/// The catalogue with what was seen; `None` when that adds nothing.
fn extended(known: &Fields, seen: &Fields) -> Option<Fields> {
    let mut all = known.clone();
    for (key, field_type) in seen {
        note(&mut all, key, *field_type, MAX_FIELDS);
    }
    (all != *known).then_some(all)
}

fn note(fields: &mut Fields, key: &str, field_type: FieldType, most: usize) {
    let full = fields.len() >= most;
    match fields.get_mut(key) {
        Some(known) => *known = known.with(field_type),
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
    fn a_value_has_the_type_that_a_person_would_say() {
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
            assert_eq!(FieldType::of(&value), expected, "{value}");
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
        fn fields_are_never_lost_and_mixed_types_become_text(
            known in fields(20), seen in fields(20)
        ) {
            let all = extended(&known, &seen).unwrap_or_else(|| known.clone());
            for (key, field_type) in &all {
                let types: Vec<_> = [&known, &seen].iter().filter_map(|f| f.get(key)).collect();
                let same = types.iter().all(|one| *one == types[0]);
                let expected = if same { *types[0] } else { FieldType::Text };
                prop_assert_eq!(*field_type, expected);
            }
            prop_assert!(known.keys().chain(seen.keys()).all(|key| all.contains_key(key)));
            prop_assert!(extended(&all, &seen).is_none(), "what is known is no news");
        }
    }

    #[test]
    fn a_full_catalogue_takes_no_more_and_says_so_at_once() {
        let known: Fields = (0..MAX_FIELDS).map(|n| (format!("f{n}"), FieldType::Number)).collect();
        let more = Fields::from([("one more".to_owned(), FieldType::Text)]);
        assert_eq!(extended(&known, &more), None);
        let other_type = Fields::from([("f1".to_owned(), FieldType::Text)]);
        assert_eq!(extended(&known, &other_type).unwrap().len(), MAX_FIELDS);
    }
}
