//! Checks values against the document's schemas, which are JSON Schema 2020-12.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

/// The schemas that were already used. Each schema is compiled once.
#[derive(Default)]
pub(super) struct Compiled(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    schemas: Schemas,
    by_text: HashMap<String, SchemaIndex>,
}

impl Compiled {
    /// Returns how a value violates a schema of the document, or `None` if it matches.
    ///
    /// # Panics
    /// Panics if the schema is invalid.
    pub(super) fn violation(
        &self,
        document: &Value,
        schema: &Value,
        value: &Value,
    ) -> Option<String> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = schema.to_string();
        let index = match cache.by_text.get(&text) {
            Some(index) => *index,
            None => cache.compile(document, schema, text),
        };
        cache.schemas.validate(value, index).err().map(|error| error.to_string())
    }
}

impl Cache {
    fn compile(&mut self, document: &Value, schema: &Value, text: String) -> SchemaIndex {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        // Add the document's components, because references in the schema point to them.
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        let url = format!("https://api.example/{}.json", self.by_text.len());
        compiler.add_resource(&url, whole).expect("the schema URL is valid");
        let index = compiler.compile(&url, &mut self.schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}: {text}"));
        self.by_text.insert(text, index);
        index
    }
}

/// The node that a reference points to, or the node itself if it is not a reference.
pub(super) fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    let Some(reference) = node["$ref"].as_str() else { return node };
    let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    found.unwrap_or_else(|| panic!("{reference} does not exist in the document"))
}

/// The type that a schema names, directly or through a reference; `None` if it names no type.
pub(super) fn type_of<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a str> {
    resolved(document, schema)["type"].as_str()
}
