//! Which cells of an imported row change a contact, and how.
//!
//! A cell that shows what an export of the stored contact shows is no change ([`super::echo`]). So the
//! import of an export changes nothing, although a cell shows less than the contact contains: a time
//! without its zone, a number without its type, an address without the contact's other addresses.

use jiff::{Timestamp, civil::DateTime};
use serde_json::{Map, Number, Value, json};

use super::{
    CellField, Contact, ContactError, Extent, FieldType, ImportContext, ImportedCell, ImportedRow,
    echo::{StoredValues, TIME_FORMAT, plain},
};
use crate::cell_text::{is_rounded, split_list};

impl ImportContext {
    /// Returns the row with only the cells that change the stored contact, and with custom fields of
    /// the stored types. The row keeps its keys if it needs them to find the contact.
    ///
    /// # Errors
    /// [`ContactError::Invalid`] if a spreadsheet rounded a number that the row would store.
    pub(super) fn changes(
        &self,
        row: ImportedRow,
        old: Option<&Contact>,
    ) -> Result<Map<String, Value>, ContactError> {
        let ImportedRow { mut contact, cells } = row;
        let stored = old.map(StoredValues::new);
        contact.remove("custom_fields");
        let custom = self.custom_changes(&cells, stored.as_ref())?;
        if let Some(stored) = &stored {
            self.keep_changes(&mut contact, &cells, stored);
        }
        if !custom.is_empty() {
            contact.insert("custom_fields".to_owned(), Value::Object(custom));
        }
        Ok(contact)
    }

    fn custom_changes(
        &self,
        cells: &[ImportedCell],
        stored: Option<&StoredValues<'_>>,
    ) -> Result<Map<String, Value>, ContactError> {
        let mut custom = Map::new();
        for cell in cells {
            let CellField::Custom(key) = &cell.field else { continue };
            if stored.is_some_and(|stored| self.shows(stored, cell)) {
                continue;
            }
            // Spreadsheets write a capital. A small letter is how programs write a number.
            if is_rounded(&cell.text) && cell.text.contains('E') {
                let reason = "was rounded by a spreadsheet; export it again as text";
                return Err(ContactError::invalid(format!("custom_fields.{key}"), reason));
            }
            let old = stored.map(|stored| stored.custom_value(key));
            custom.insert(key.clone(), self.typed(key, &cell.text, old));
        }
        Ok(custom)
    }

    /// Removes what does not change the stored contact, other than custom fields.
    fn keep_changes(
        &self,
        contact: &mut Map<String, Value>,
        cells: &[ImportedCell],
        stored: &StoredValues<'_>,
    ) {
        let has_id = contact.contains_key("id");
        for (index, cell) in cells.iter().enumerate() {
            let name = cell.field.name();
            let same = |other: &&ImportedCell| other.field.name() == name;
            let is_custom = matches!(cell.field, CellField::Custom(_));
            if is_custom || cells[..index].iter().any(|other| same(&other)) {
                continue;
            }
            let cells: Vec<&ImportedCell> = cells.iter().filter(same).collect();
            let (echoes, changed) =
                cells.into_iter().partition::<Vec<_>, _>(|cell| self.shows(stored, cell));
            let is_own = echoes.iter().chain(&changed).any(|cell| cell.field.is_first_or_all());
            let old = stored.list(name);
            let new = is_own.then(|| edited(&old, &changed));
            match new {
                Some(new) if new != old => drop(contact.insert(name.to_owned(), json!(new))),
                None if !changed.is_empty() => {}
                // The keys find the contact; their stored values are no change.
                _ if !has_id && matches!(name, "external_id" | "emails") => {
                    contact.insert(name.to_owned(), stored.fields[name].clone());
                }
                _ => drop(contact.remove(name)),
            }
        }
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

impl CellField {
    /// Whether the cell contains the first or all of the contact's addresses or numbers, as only
    /// the cells of own exports do.
    fn is_first_or_all(&self) -> bool {
        matches!(
            self,
            Self::Emails(Extent::First | Extent::All) | Self::Phones(Extent::First | Extent::All)
        )
    }

    fn extent(&self) -> Option<Extent> {
        match self {
            Self::Emails(extent) | Self::Phones(extent) => Some(*extent),
            _ => None,
        }
    }
}

/// The addresses or numbers of a contact after the changed cells of an own export. A cell with all
/// of them replaces them; a cell with the first one replaces only that, or moves it to the start;
/// another cell adds its values.
fn edited(old: &[String], changed: &[&ImportedCell]) -> Vec<String> {
    let in_cells = |extent: Extent| -> Vec<String> {
        let cells = changed.iter().filter(|cell| cell.field.extent() == Some(extent));
        cells.flat_map(|cell| cell.values.iter().cloned()).collect()
    };
    let (all, first) = (in_cells(Extent::All), in_cells(Extent::First));
    let is_new = first.iter().all(|value| !old.contains(value));
    let rest = match (all.is_empty(), first.is_empty()) {
        (false, _) => all,
        (true, false) if is_new => old.iter().skip(1).cloned().collect(),
        (true, _) => old.to_vec(),
    };
    let mut edited = Vec::with_capacity(first.len() + rest.len());
    for value in first.into_iter().chain(rest).chain(in_cells(Extent::Any)) {
        if !edited.contains(&value) {
            edited.push(value);
        }
    }
    edited
}

/// The text as a number, if the number is written exactly like the text.
fn exact_number(text: &str) -> Option<Number> {
    serde_json::from_str::<Number>(text).ok().filter(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

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
            "nik": "3174041234567890", "rounded": "3.17404E+15",
        });
        contact.custom_fields = custom.as_object().unwrap().clone();
        contact
    }

    fn row(cells: &[(CellField, &str)]) -> ImportedRow {
        let cells = cells.iter().map(|(field, text)| ImportedCell {
            field: field.clone(),
            text: (*text).to_owned(),
            values: split_list(text).iter().map(ToString::to_string).collect(),
        });
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
        let mut changes = context.changes(row(cells), Some(&contact())).unwrap();
        changes.remove("id");
        Value::Object(changes)
    }

    #[test]
    fn a_cell_that_shows_the_stored_value_changes_nothing() {
        let cells = [
            (CellField::ExternalId, "E-1"),
            (CellField::Name, "Ann\nLee"),
            (CellField::Emails(Extent::First), "a@b.id"),
            (CellField::Emails(Extent::All), "a@b.id; c@d.id"),
            (CellField::Phones(Extent::Any), "\"1; 2\"; 3"),
            (CellField::Tags, "x; y"),
            (custom("age"), "5"),
            (custom("vip"), "true"),
            (custom("list"), "1; b"),
            (custom("object"), "{\"a\":[1]}"),
            (custom("text"), "5"),
            (custom("since"), "2026-11-22 03:00:00"),
            (custom("old"), "1850-01-01 07:07:12"),
            (custom("rounded"), "3.17404E+15"),
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
        let row = context.changes(row, None).unwrap();
        let custom_fields = json!({ "age": "1.50", "vip": true, "x": "7" });
        assert_eq!(row["custom_fields"], custom_fields, "1.50 is not kept exactly as a number");
    }

    #[test]
    fn a_number_that_a_spreadsheet_rounded_does_not_replace_the_stored_one() {
        let context = ImportContext::default();
        for (key, old) in [("nik", Some(contact())), ("rounded", None)] {
            let error = context.changes(row(&[(custom(key), "3.17404E+15")]), old.as_ref());
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(&format!("custom_fields.{key}: was rounded")), "{error}");
        }
        let written = changes(&context, &[(custom("nik"), "1.5e+10")]);
        assert_eq!(written["custom_fields"], json!({ "nik": "1.5e+10" }));
    }

    #[test]
    fn what_a_spreadsheet_makes_of_an_export_changes_nothing() {
        let mut contact = contact();
        contact.external_id = Some("00123".to_owned());
        contact.name = Some("佐藤".to_owned());
        contact.phones = vec!["+62215551234".to_owned()];
        let cells = [
            (CellField::ExternalId, "123"),
            (CellField::Name, "??"),
            (CellField::Phones(Extent::First), "62215551234"),
            (CellField::Phones(Extent::All), "62215551234"),
            (custom("since"), "11/22/2026 3:00"),
        ];
        let mut row = row(&cells);
        let context = ImportContext::default();
        let changed = context.changes(row.clone(), Some(&contact)).unwrap();
        assert_eq!(Value::Object(changed), json!({ "id": "1" }));
        row.contact.remove("id");
        let changed = context.changes(row, Some(&contact)).unwrap();
        assert_eq!(Value::Object(changed), json!({ "external_id": "00123" }));
    }

    #[test]
    fn a_row_without_an_id_keeps_the_keys_that_find_its_contact() {
        for extent in [Extent::First, Extent::Any] {
            let cells = [(CellField::Emails(extent), "a@b.id"), (CellField::Name, "Ann\nLee")];
            let mut row = row(&cells);
            row.contact.remove("id");
            let row = ImportContext::default().changes(row, Some(&contact())).unwrap();
            assert_eq!(Value::Object(row), json!({ "emails": ["a@b.id", "c@d.id"] }));
        }
    }

    #[test]
    fn several_cells_of_one_field_are_no_change_only_if_all_of_them_show_it() {
        let any = CellField::Emails(Extent::Any);
        let cells = [(any.clone(), "a@b.id"), (any, "new@d.id")];
        assert!(changes(&ImportContext::default(), &cells)["emails"].is_string());
    }

    #[test]
    fn the_cells_of_an_export_change_the_addresses_that_they_contain() {
        use Extent::{All, Any, First};
        type Cells<'a> = &'a [(Extent, &'a str)];
        let cases: [(Cells<'_>, Option<&[&str]>); 9] = [
            (&[(First, "a@b.id"), (All, "c@d.id")], Some(&["c@d.id"])),
            (&[(First, "a@b.id"), (All, "c@d.id; a@b.id")], Some(&["c@d.id", "a@b.id"])),
            (&[(First, "x@b.id"), (All, "a@b.id; c@d.id")], Some(&["x@b.id", "c@d.id"])),
            (&[(First, "x@b.id")], Some(&["x@b.id", "c@d.id"])),
            (&[(First, "c@d.id")], Some(&["c@d.id", "a@b.id"])),
            (&[(First, "x@b.id"), (All, "x@b.id; y@b.id")], Some(&["x@b.id", "y@b.id"])),
            (&[(First, "x@b.id"), (All, "y@b.id")], Some(&["x@b.id", "y@b.id"])),
            (&[(First, "a@b.id"), (Any, "n@b.id")], Some(&["a@b.id", "c@d.id", "n@b.id"])),
            (&[(First, "a@b.id"), (All, "a@b.id; c@d.id"), (Any, "c@d.id")], None),
        ];
        for (cells, expected) in cases {
            let cells: Vec<_> =
                cells.iter().map(|(it, text)| (CellField::Emails(*it), *text)).collect();
            let changed = changes(&ImportContext::default(), &cells);
            assert_eq!(changed.get("emails"), expected.map(|it| json!(it)).as_ref(), "{cells:?}");
        }
    }
}
