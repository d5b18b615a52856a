//! The documented API, `infra/openapi.yaml`. Every request that a test sends and every response
//! that it receives is checked against the document, so the document always describes what the
//! functions do.
//!
//! | module | purpose |
//! |---|---|
//! | `schema` | checks a value against a schema |
//! | `example` | reads the document's own examples |

mod example;
mod schema;

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub use example::ExampleRequest;
use schema::Compiled;

use crate::workspace;

/// The HTTP methods that a path can have.
const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];
/// The headers that every response has. The document describes them once, in its introduction.
const HEADERS_OF_EVERY_RESPONSE: [&str; 2] = ["cache-control", "content-type"];

static DOCUMENTED: LazyLock<Contract> = LazyLock::new(|| {
    let text = std::fs::read_to_string(workspace().join("infra/openapi.yaml"));
    let document = serde_saphyr::from_str(&text.expect("the document is readable"))
        .expect("the document is YAML");
    Contract { document, schemas: Compiled::default() }
});

/// The API document.
pub struct Contract {
    document: Value,
    schemas: Compiled,
}

/// The documentation of one route.
#[derive(Clone, Copy)]
struct Operation<'a> {
    contract: &'a Contract,
    path_item: &'a Value,
    operation: &'a Value,
}

impl Contract {
    /// The API document of this repository. The process reads it once.
    ///
    /// # Panics
    /// Panics if the document cannot be read.
    #[must_use]
    pub fn documented() -> &'static Self {
        &DOCUMENTED
    }

    /// The keys of the documented routes, such as `GET /cdp/customers`.
    #[must_use]
    pub fn routes(&self) -> BTreeSet<String> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        let routes = paths.flat_map(|(path, item)| {
            let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        routes.collect()
    }

    /// The documented routes that need no authentication.
    #[must_use]
    pub fn public_routes(&self) -> BTreeSet<String> {
        let mut routes = self.routes();
        routes.retain(|route| {
            let operation = self.operation(route).map(|operation| operation.operation);
            operation.is_some_and(|operation| operation["security"] == json!([]))
        });
        routes
    }

    /// Checks the response to an HTTP event against the document, and also the request if it
    /// succeeded.
    ///
    /// # Panics
    /// Panics if one of them does not match the document.
    pub fn check(&self, event: &Value, response: &Value) {
        let route = event["routeKey"].as_str().unwrap_or_default();
        let status = response["statusCode"].to_string();
        if route == "OPTIONS /{proxy+}" {
            // The preflight requests of browsers are not part of the API.
            assert_eq!((status.as_str(), &response["body"]), ("204", &Value::Null), "{route}");
            return;
        }
        let operation = self.operation(route);
        let documented = match operation {
            Some(operation) => &operation.operation["responses"][&status],
            None if route == "$default" && status == "404" => {
                &self.document["components"]["responses"]["NotFound"]
            }
            None => panic!("{route} is not documented"),
        };
        let at = format!("{route}: {status}");
        assert!(!documented.is_null(), "{at} is not documented: {response}");
        let documented = schema::resolved(&self.document, documented);
        self.check_body(&at, documented, response);
        self.check_headers(&at, documented, response);
        if let Some(operation) = operation.filter(|_| is_success(response)) {
            operation.check_request(&at, event);
        }
    }

    fn check_body(&self, at: &str, documented: &Value, response: &Value) {
        let content_type = response["headers"]["content-type"].as_str().unwrap_or_default();
        if content_type.starts_with("text/html") {
            assert!(
                documented["content"]["text/html"].is_object(),
                "{at}: a page is not documented"
            );
            return;
        }
        match (body_schema(documented), response["body"].as_str()) {
            (Some(schema), Some(text)) => {
                let body = serde_json::from_str(text).expect("the body is JSON");
                self.check_value(&format!("{at}: the body"), schema, &body);
            }
            (None, None) => {}
            _ => panic!("{at}: either the body or its documentation is missing: {response}"),
        }
    }

    fn check_headers(&self, at: &str, documented: &Value, response: &Value) {
        let sent = response["headers"].as_object().into_iter().flatten();
        let sent = sent.map(|(name, value)| (name.to_lowercase(), value.as_str()));
        let mut sent: HashMap<_, _> = sent.collect();
        sent.retain(|name, _| !HEADERS_OF_EVERY_RESPONSE.contains(&name.as_str()));
        for (name, header) in documented["headers"].as_object().into_iter().flatten() {
            let header = schema::resolved(&self.document, header);
            let at = format!("{at}: the header {name}");
            match sent.remove(&name.to_lowercase()) {
                Some(value) => self.check_text(&at, &header["schema"], value.unwrap_or_default()),
                None => assert!(header["required"] != true, "{at} is missing"),
            }
        }
        assert!(sent.is_empty(), "{at}: {sent:?} are not documented");
    }

    fn operation(&self, route: &str) -> Option<Operation<'_>> {
        let (method, path) = route.split_once(' ')?;
        let path_item = self.document["paths"].get(path)?;
        let operation = path_item.get(method.to_lowercase())?;
        Some(Operation { contract: self, path_item, operation })
    }

    fn check_value(&self, at: &str, schema: &Value, value: &Value) {
        if let Some(violation) = self.schemas.violation(&self.document, schema, value) {
            panic!("{at} does not match the document: {violation}\n{value:#}");
        }
    }

    /// Checks the text of a header or a query parameter as the type that its schema names.
    fn check_text(&self, at: &str, schema: &Value, text: &str) {
        let value = match schema::type_of(&self.document, schema) {
            Some("integer" | "boolean") => {
                serde_json::from_str(text).unwrap_or_else(|_| json!(text))
            }
            _ => json!(text),
        };
        self.check_value(at, schema, &value);
    }
}

impl<'a> Operation<'a> {
    /// The parameters that the route and its path have in one location: `path`, `query` or
    /// `header`.
    fn parameters(self, location: &str) -> impl Iterator<Item = &'a Value> {
        let path_parameters = self.path_item["parameters"].as_array().into_iter().flatten();
        let own = self.operation["parameters"].as_array().into_iter().flatten();
        let document = &self.contract.document;
        let all = path_parameters.chain(own).map(move |node| schema::resolved(document, node));
        all.filter(move |parameter| parameter["in"] == location)
    }

    fn request_body(self) -> Option<&'a Value> {
        let body = self.operation.get("requestBody")?;
        Some(schema::resolved(&self.contract.document, body))
    }

    fn check_request(self, at: &str, event: &Value) {
        let query = event["rawQueryString"].as_str().unwrap_or_default();
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, value) in &query {
            self.check_parameter(at, name, value);
        }
        for parameter in self.parameters("query").filter(|parameter| parameter["required"] == true)
        {
            let given = query.iter().any(|(name, _)| parameter["name"] == name.as_str());
            assert!(given, "{at}: {} is required", parameter["name"]);
        }
        for parameter in self.parameters("header") {
            let name = parameter["name"].as_str().unwrap_or_default().to_lowercase();
            if let Some(value) = event["headers"][&name].as_str() {
                let at = format!("{at}: {name}");
                self.contract.check_text(&at, &parameter["schema"], value);
            }
        }
        if let Some(body) = self.request_body() {
            let schema = body_schema(body).expect("the documented body has a schema");
            let at = format!("{at}: the request's body");
            self.contract.check_value(&at, schema, &request_body(event));
        }
    }

    /// Checks the text of one query parameter. If the parameter is a list, the text is one value of
    /// the list. If it is an object, the text is one property of the object.
    fn check_parameter(self, at: &str, name: &str, value: &str) {
        let at = format!("{at}: the parameter {name}");
        let known = self.parameters("query").find(|parameter| parameter["name"] == name);
        if let Some(parameter) = known {
            let schema = schema::resolved(&self.contract.document, &parameter["schema"]);
            let schema = schema.get("items").unwrap_or(schema);
            return self.contract.check_text(&at, schema, value);
        }
        let mut schemas = self.parameters("query").map(|parameter| &parameter["schema"]);
        let free = schemas.find(|schema| schema["type"] == "object");
        let free = free.unwrap_or_else(|| panic!("{at} is not documented"));
        self.contract.check_value(&at, free, &json!({ name: value }));
    }
}

/// Whether the whole request succeeded. A batch has a result for each row, and it succeeded only if
/// no row was rejected.
fn is_success(response: &Value) -> bool {
    let rejects = || {
        let body: Value =
            response["body"].as_str().and_then(|text| serde_json::from_str(text).ok())?;
        Some(body["data"].as_array()?.iter().any(|row| row["status"] == "rejected"))
    };
    response["statusCode"].as_u64().is_some_and(|status| status < 400)
        && !rejects().unwrap_or(false)
}

fn request_body(event: &Value) -> Value {
    let text = event["body"].as_str().unwrap_or_default();
    let bytes = match event["isBase64Encoded"] == true {
        true => STANDARD.decode(text).expect("the body is base64"),
        false => text.as_bytes().to_vec(),
    };
    if event["headers"]["content-type"] == "application/octet-stream" {
        return json!(String::from_utf8_lossy(&bytes));
    }
    serde_json::from_slice(&bytes).expect("the body is JSON")
}

fn body_schema(node: &Value) -> Option<&Value> {
    media_type(node)?.get("schema")
}

/// The only media type of a body.
fn media_type(body: &Value) -> Option<&Value> {
    body.get("content")?.as_object()?.values().next()
}
