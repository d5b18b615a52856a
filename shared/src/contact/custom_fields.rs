//! The custom fields in a request. Numbers are kept exactly or refused, and never rounded (SPEC
//! §2).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use super::clean::clean;
use crate::decimal::Decimal;

/// The maximum length of a key, in bytes.
pub const MAX_CUSTOM_KEY_BYTES: usize = 128;
/// The maximum number of significant digits of a number. Every decimal number that a double can
/// represent exactly enough to be read back has at most this many.
const MAX_DIGITS: usize = 17;

/// The custom fields in a request. Keys and texts are in their stored form; a text without a
/// visible character has become null.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CustomFields(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for CustomFields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = CustomFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<CustomFields, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            let (key, value) = (clean(&key), from.next_value_seed(ExactValue)?);
            if key.is_empty() && value.is_null() {
                continue;
            }
            if fields.insert(key, value).is_some() {
                return Err(A::Error::custom("each key must be given only once"));
            }
        }
        Ok(CustomFields(fields))
    }
}

/// Reads a value from its JSON text, because a parsed number can already be rounded.
struct ExactValue;

impl<'de> DeserializeSeed<'de> for ExactValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        if !numbers(raw.get()).all(is_exact) {
            return Err(D::Error::custom(format_args!(
                "a number must have at most {MAX_DIGITS} significant digits and be exact as a \
                 64-bit floating-point number; send it as text"
            )));
        }
        let value = serde_json::from_str(raw.get())
            .map_err(|_| D::Error::custom("the value is nested too deeply"))?;
        match stored(value) {
            Value::String(text) if text.is_empty() => Ok(Value::Null),
            value => Ok(value),
        }
    }
}

/// Returns a value with its texts in their stored form.
fn stored(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(values) => values.into_iter().map(stored).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, stored(value))).collect()
        }
        other => other,
    }
}

/// Returns the numbers in a valid JSON text.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    let mut in_string = false;
    let mut is_escaped = false;
    json.split(move |c: char| {
        if in_string {
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            return true;
        }
        in_string = c == '"';
        !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
    })
    // Parts of `true`, `false` and `null` contain no digit.
    .filter(|part| part.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a number is read back as the same number.
fn is_exact(number: &str) -> bool {
    let Some(decimal) = Decimal::parse(number) else { return false };
    let parsed = serde_json::from_str::<Number>(number).ok();
    let read_back = parsed.and_then(|parsed| Decimal::parse(&parsed.to_string()));
    decimal.significant_digits() <= MAX_DIGITS && read_back == Some(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Value, serde_json::Error> {
        serde_json::from_str::<CustomFields>(text).map(|fields| Value::Object(fields.0))
    }

    #[test]
    fn a_number_is_kept_exactly_or_refused() {
        for number in [
            "0",
            "-0",
            "1",
            "-1.50",
            "1e3",
            "9007199254740993",
            "12345678901234567",
            "0.30000000000000004",
            "0.1",
            "100000000000000000000",
            "1.7976931348623157e308",
            "5e-324",
            "1E+2",
        ] {
            let kept = parse(&format!("{{\"n\":{number}}}")).unwrap_or_else(|error| {
                panic!("{number}: {error}");
            });
            let read: Value = serde_json::from_str(&kept.to_string()).unwrap();
            assert!(Decimal::parse(&read["n"].to_string()) == Decimal::parse(number), "{number}");
        }
        for number in [
            "12345678901234567890123",
            "123456789012345678",
            "0.12345678901234567890",
            "9007199254740993.5",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
        ] {
            for json in [format!("{{\"n\":{number}}}"), format!("{{\"n\":[{{\"a\":{number}}}]}}")] {
                assert!(parse(&json).is_err(), "{json}");
            }
        }
    }

    #[test]
    fn digits_in_texts_are_no_numbers() {
        let json = r#"{"t":"1234567890123456789012 \"1234567890123456789012\\","u":[true,null]}"#;
        assert_eq!(parse(json).unwrap(), serde_json::from_str::<Value>(json).unwrap());
    }

    #[test]
    fn keys_and_texts_are_in_their_stored_form() {
        let json = "{\"\u{200B}Zoe\u{308} \":\" Zoe\u{308}\u{FEFF}\",\"e\":\" \u{200B}\"}";
        assert_eq!(parse(json).unwrap(), serde_json::json!({ "Zo\u{EB}": "Zo\u{EB}", "e": null }));
        assert!(parse("{\"a\":1,\"\u{200B}a\":2}").is_err());
    }
}
