use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Contract, Operation};

/// The characters that are encoded in a path: all except the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that the document gives as an example.
#[derive(Clone, Debug)]
pub struct ExampleRequest {
    /// The key of the route, such as `GET /cdp/customers`.
    pub route: String,
    /// The path with its query string.
    pub path: String,
    /// The headers as pairs of name and value.
    pub headers: Vec<(String, String)>,
    /// The body: JSON, or the text of a body that is not JSON. `None` if the request has no body.
    pub body: Option<Value>,
}

impl Contract {
    /// Checks every example against its schema and returns the number of examples. Each body,
    /// parameter and header with a schema must have an example.
    ///
    /// # Panics
    /// Panics if an example is missing or does not match its schema.
    #[must_use]
    pub fn check_examples(&self) -> usize {
        let mut count = 0;
        self.visit(&mut |at, node| {
            let Some(schema) = node.get("schema") else { return };
            let examples = examples(node);
            assert!(!examples.is_empty(), "{at} has no example");
            for example in &examples {
                self.check_value(at, schema, example);
            }
            count += examples.len();
        });
        count
    }

    /// Each documented error response, with its possible error codes and the codes in its examples.
    #[must_use]
    pub fn error_codes(&self) -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
        let mut responses = Vec::new();
        self.visit(&mut |at, node| {
            let Some(code) = node.pointer("/schema/properties/error") else { return };
            let possible = code["enum"].as_array().cloned();
            let possible = possible.unwrap_or_else(|| vec![code["const"].clone()]);
            let shown = examples(node).into_iter().map(|example| example["error"].clone());
            responses.push((at.to_owned(), texts(possible), texts(shown)));
        });
        responses
    }

    fn visit(&self, look: &mut impl FnMut(&str, &Value)) {
        let mut nodes = vec![(String::new(), &self.document)];
        while let Some((at, node)) = nodes.pop() {
            look(&at, node);
            let children = node.as_object().into_iter().flatten();
            nodes.extend(children.map(|(name, child)| (format!("{at}/{name}"), child)));
            let items = node.as_array().into_iter().flatten().enumerate();
            nodes.extend(items.map(|(index, item)| (format!("{at}/{index}"), item)));
        }
    }

    /// Every request that the examples describe. A route has one request for each example of its
    /// body, and one request for each optional parameter, in which no other optional parameter is
    /// set.
    #[must_use]
    pub fn requests(&self) -> Vec<ExampleRequest> {
        let routes = self.routes();
        routes.iter().flat_map(|route| self.requests_for(route)).collect()
    }

    fn requests_for(&self, route: &str) -> Vec<ExampleRequest> {
        let operation = self.operation(route);
        let operation = operation.unwrap_or_else(|| panic!("{route} is not documented"));
        let (required, optional): (Vec<_>, Vec<_>) =
            operation.parameters("query").partition(|parameter| parameter["required"] == true);
        let required: Vec<_> = required.into_iter().flat_map(pairs).collect();
        let headers: Vec<_> = operation.parameters("header").flat_map(pairs).collect();
        let path = operation.example_path(route);
        let request = |more: Vec<(String, String)>, body| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(required.iter().chain(&more))
                .finish();
            let path = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
            ExampleRequest { route: route.to_owned(), path, headers: headers.clone(), body }
        };
        let bodies = operation.request_body().and_then(super::media_type);
        match bodies {
            Some(body) => {
                examples(body).into_iter().map(|body| request(Vec::new(), Some(body))).collect()
            }
            None => std::iter::once(request(Vec::new(), None))
                .chain(optional.into_iter().map(|parameter| request(pairs(parameter), None)))
                .collect(),
        }
    }
}

impl Operation<'_> {
    fn example_path(self, route: &str) -> String {
        let path = route.split_once(' ').map_or(route, |(_, path)| path).to_owned();
        self.parameters("path").flat_map(pairs).fold(path, |path, (name, value)| {
            let value = utf8_percent_encode(&value, ENCODED).to_string();
            path.replace(&format!("{{{name}}}"), &value)
        })
    }
}

/// The example or the examples of a body, a parameter or a header. Empty if there is no example.
fn examples(node: &Value) -> Vec<Value> {
    let named = node["examples"].as_object().into_iter().flatten();
    let named = named.map(|(_, example)| example["value"].clone());
    node.get("example").cloned().into_iter().chain(named).collect()
}

/// The example of a parameter as pairs of name and text, as a client sends it. A list has one pair
/// for each value, and an object has one pair for each property.
fn pairs(parameter: &Value) -> Vec<(String, String)> {
    let name = parameter["name"].as_str().unwrap_or_default();
    match &parameter["example"] {
        Value::Array(values) => values.iter().map(|value| (name.to_owned(), text(value))).collect(),
        Value::Object(properties) => {
            properties.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        value => vec![(name.to_owned(), text(value))],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn texts(values: impl IntoIterator<Item = Value>) -> BTreeSet<String> {
    values.into_iter().map(|value| text(&value)).collect()
}
