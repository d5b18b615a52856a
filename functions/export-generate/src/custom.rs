//! The cells of a contact's custom fields. They are read from the stored JSON text without copying
//! what the text already has in the form of the cell.

use std::{borrow::Cow, fmt};

use jiff::tz::TimeZone;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{from_str, value::RawValue};
use shared::{cell_text::join_list, contact::JsonText};

use crate::cell::Cell;

/// The custom fields of one contact, in the order of their text.
#[derive(Debug, Default)]
pub(crate) struct CustomFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A JSON string that is borrowed from its text if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> CustomFields<'a> {
    pub(crate) fn parse(text: &'a JsonText) -> serde_json::Result<Self> {
        from_str(text.as_str())
    }

    /// The cell of the field with this key. Text, numbers and booleans keep their type, and a text
    /// that is a date becomes a date. A list of them becomes one text. Other values become JSON
    /// text.
    pub(crate) fn cell(&self, key: &str, zone: &TimeZone) -> serde_json::Result<Cell<'a>> {
        let Some((_, value)) = self.0.iter().find(|(name, _)| name == key) else {
            return Ok(Cell::Empty);
        };
        let json = value.get();
        Ok(match json.as_bytes() {
            b"null" => Cell::Empty,
            b"true" => Cell::Boolean(true),
            b"false" => Cell::Boolean(false),
            [b'"', ..] => Cell::custom_text(from_str::<Text<'a>>(json)?.0, zone),
            [b'[', ..] => list(json)?,
            [b'{', ..] => Cell::text(json),
            _ => Cell::number(json),
        })
    }
}

/// A list of texts, numbers and booleans as one text; a list with other values as JSON.
fn list(json: &str) -> serde_json::Result<Cell<'_>> {
    let values: Vec<&RawValue> = from_str(json)?;
    let is_plain = |value: &&RawValue| !value.get().starts_with(['[', '{', 'n']);
    if !values.iter().all(is_plain) {
        return Ok(Cell::text(json));
    }
    let texts = values.into_iter().map(|value| match value.get() {
        json if json.starts_with('"') => Ok(from_str::<Text<'_>>(json)?.0),
        other => Ok(Cow::Borrowed(other)),
    });
    Ok(Cell::text(join_list(texts.collect::<serde_json::Result<Vec<_>>>()?)))
}

impl<'de: 'a, 'a> Deserialize<'de> for CustomFields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = CustomFields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    fields.push((key, value));
                }
                Ok(CustomFields(fields))
            }
        }

        from.deserialize_map(Fields)
    }
}
