//! Values held to the document's schemas, which are JSON Schema 2020-12.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

/// The schemas that were asked for, each compiled once.
#[derive(Default)]
pub(super) struct Compiled(Mutex<Known>);

#[derive(Default)]
struct Known {
    schemas: Schemas,
    by_text: HashMap<String, SchemaIndex>,
}

impl Compiled {
    /// What is wrong with a value under a schema of the document; nothing if it fits.
    ///
    /// # Panics
    /// When the schema is none.
    pub(super) fn complaint(
        &self,
        document: &Value,
        schema: &Value,
        value: &Value,
    ) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = schema.to_string();
        let index = match known.by_text.get(&text) {
            Some(index) => *index,
            None => known.compile(document, schema, text),
        };
        known.schemas.validate(value, index).err().map(|error| error.to_string())
    }
}

impl Known {
    fn compile(&mut self, document: &Value, schema: &Value, text: String) -> SchemaIndex {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        // References are to the document's components.
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        let place = format!("https://api.example/{}.json", self.by_text.len());
        compiler.add_resource(&place, whole).expect("a place");
        let index = compiler.compile(&place, &mut self.schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}: {text}"));
        self.by_text.insert(text, index);
        index
    }
}

/// What a node of the document refers to, or the node itself.
pub(super) fn resolved<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    let Some(reference) = node["$ref"].as_str() else { return node };
    let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// The type that a schema names, also through a reference.
pub(super) fn type_of<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a str> {
    resolved(document, schema)["type"].as_str()
}
