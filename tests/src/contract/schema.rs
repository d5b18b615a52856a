//! Values held to schemas: the part of JSON Schema 2020-12 that the documented API is written in.
//! A keyword or a format outside it fails, so that nothing in the document goes unchecked.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value};
use shared::id::parse_uuid;
use url::Url;

/// A moment as RFC 3339 writes it: jiff would also take a space for the `T`.
static RFC_3339: LazyLock<Regex> = LazyLock::new(|| {
    let moment = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$";
    Regex::new(moment).expect("a pattern")
});

/// What a node of the document refers to, or the node itself.
pub(super) fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    node.get("$ref").map_or(node, |reference| target(document, reference))
}

fn target<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    let found = pointer.and_then(|pointer| document.pointer(pointer));
    found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// What is wrong with a value under a schema of the document; nothing if it fits.
pub(super) fn complaints(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check { document, found: Vec::new() };
    check.value(schema, value, "");
    check.found
}

/// The type that a schema names, also through a reference.
pub(super) fn type_of<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a str> {
    resolved(document, schema)["type"].as_str()
}

struct Check<'a> {
    document: &'a Value,
    found: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
        for (keyword, wanted) in schema {
            let fits = match keyword.as_str() {
                "description" | "default" | "readOnly" => true,
                "$ref" => {
                    self.value(target(self.document, wanted), value, at);
                    true
                }
                "type" => is_of_type(value, wanted),
                "enum" => list(wanted).contains(value),
                "const" => value == wanted,
                "oneOf" => self.fits_one(list(wanted), value),
                _ => match value {
                    Value::String(text) => text_fits(keyword, wanted, text),
                    Value::Number(number) => number_fits(keyword, wanted, number.as_f64()),
                    Value::Array(items) => self.items(keyword, wanted, items, at),
                    Value::Object(entries) => self.entries(schema, keyword, wanted, entries, at),
                    Value::Null | Value::Bool(_) => is_keyword(keyword),
                },
            };
            if !fits {
                self.found.push(format!("{at}: {value} breaks {keyword}: {wanted}"));
            }
        }
    }

    fn fits_one(&self, schemas: &[Value], value: &Value) -> bool {
        let fits = |schema: &&Value| complaints(self.document, schema, value).is_empty();
        schemas.iter().filter(fits).count() == 1
    }

    fn items(&mut self, keyword: &str, wanted: &Value, items: &[Value], at: &str) -> bool {
        match keyword {
            "items" => {
                for (index, item) in items.iter().enumerate() {
                    self.value(wanted, item, &format!("{at}/{index}"));
                }
                true
            }
            "minItems" => items.len() >= count(wanted),
            "maxItems" => items.len() <= count(wanted),
            _ => is_keyword(keyword),
        }
    }

    fn entries(
        &mut self,
        schema: &Map<String, Value>,
        keyword: &str,
        wanted: &Value,
        entries: &Map<String, Value>,
        at: &str,
    ) -> bool {
        let known = |name: &str| schema.get("properties").is_some_and(|all| !all[name].is_null());
        match keyword {
            "properties" => {
                for (name, value) in entries {
                    if let Some(schema) = wanted.get(name) {
                        self.value(schema, value, &format!("{at}/{name}"));
                    }
                }
                true
            }
            "additionalProperties" if wanted.is_boolean() => {
                wanted == true || entries.keys().all(|name| known(name))
            }
            "additionalProperties" => {
                for (name, value) in entries.iter().filter(|(name, _)| !known(name)) {
                    self.value(wanted, value, &format!("{at}/{name}"));
                }
                true
            }
            "propertyNames" => {
                for name in entries.keys() {
                    self.value(wanted, &Value::String(name.clone()), at);
                }
                true
            }
            "required" => {
                let there = |name: &Value| name.as_str().is_some_and(|n| entries.contains_key(n));
                list(wanted).iter().all(there)
            }
            "maxProperties" => entries.len() <= count(wanted),
            _ => is_keyword(keyword),
        }
    }
}

fn text_fits(keyword: &str, wanted: &Value, text: &str) -> bool {
    match keyword {
        "minLength" => text.chars().count() >= count(wanted),
        "maxLength" => text.chars().count() <= count(wanted),
        "pattern" => {
            let pattern = wanted.as_str().map(Regex::new);
            let pattern = pattern.and_then(Result::ok);
            pattern.unwrap_or_else(|| panic!("{wanted} is no pattern")).is_match(text)
        }
        "format" => match wanted.as_str() {
            Some("uuid") => parse_uuid(text).is_ok(),
            Some("date-time") => RFC_3339.is_match(text) && text.parse::<Timestamp>().is_ok(),
            Some("uri") => Url::parse(text).is_ok(),
            _ => panic!("the format {wanted} is not checked"),
        },
        _ => is_keyword(keyword),
    }
}

fn number_fits(keyword: &str, wanted: &Value, number: Option<f64>) -> bool {
    match keyword {
        "minimum" => number >= wanted.as_f64(),
        "maximum" => number <= wanted.as_f64(),
        _ => is_keyword(keyword),
    }
}

/// A keyword about values of another type, which any value fits.
///
/// # Panics
/// When it is none that is checked.
fn is_keyword(keyword: &str) -> bool {
    const KEYWORDS: [&str; 14] = [
        "additionalProperties",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "maxProperties",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "propertyNames",
        "required",
    ];
    assert!(KEYWORDS.contains(&keyword), "the keyword {keyword} is not checked");
    true
}

fn is_of_type(value: &Value, wanted: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    match wanted {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        name => is(name.as_str().unwrap_or_default()),
    }
}

fn list(wanted: &Value) -> &[Value] {
    wanted.as_array().unwrap_or_else(|| panic!("{wanted} is no list"))
}

fn count(wanted: &Value) -> usize {
    let count = wanted.as_u64().and_then(|count| usize::try_from(count).ok());
    count.unwrap_or_else(|| panic!("{wanted} is no number"))
}
