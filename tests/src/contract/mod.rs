//! The documented API, `infra/openapi.yaml`: every request that a test makes and every answer that
//! it sees is held to the document, so that it cannot drift from what the functions do.
//!
//! | module | its one idea |
//! |---|---|
//! | `schema` | a value held to a schema |
//! | `example` | the document's own examples |

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

/// The methods that a path can have.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Headers of every answer: of these the document speaks once, in its introduction.
const OF_EVERY_ANSWER: [&str; 2] = ["cache-control", "content-type"];

static DOCUMENTED: LazyLock<Contract> = LazyLock::new(|| {
    let text = std::fs::read_to_string(workspace().join("infra/openapi.yaml"));
    let document = serde_saphyr::from_str(&text.expect("infra/openapi.yaml")).expect("YAML");
    Contract { document, schemas: Compiled::default() }
});

/// The document.
pub struct Contract {
    document: Value,
    schemas: Compiled,
}

/// What the document says of one route.
#[derive(Clone, Copy)]
struct Operation<'a> {
    contract: &'a Contract,
    path_item: &'a Value,
    operation: &'a Value,
}

impl Contract {
    /// The document of the repository.
    ///
    /// # Panics
    /// When it cannot be read.
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

    /// The routes that nobody has to sign in for.
    #[must_use]
    pub fn public_routes(&self) -> BTreeSet<String> {
        let mut routes = self.routes();
        routes.retain(|route| {
            let operation = self.operation(route).map(|operation| operation.operation);
            operation.is_some_and(|operation| operation["security"] == json!([]))
        });
        routes
    }

    /// Holds the answer to an HTTP event to the document, and the request if it was fulfilled.
    ///
    /// # Panics
    /// When one is not as documented.
    pub fn check(&self, event: &Value, answer: &Value) {
        let route = event["routeKey"].as_str().unwrap_or_default();
        let status = answer["statusCode"].to_string();
        let operation = self.operation(route);
        let response = match operation {
            Some(operation) => &operation.operation["responses"][&status],
            None if route == "$default" && status == "404" => {
                &self.document["components"]["responses"]["NotFound"]
            }
            None => panic!("{route} is not documented"),
        };
        let at = format!("{route}: {status}");
        assert!(!response.is_null(), "{at} is not documented: {answer}");
        let response = schema::resolved(&self.document, response);
        self.check_body(&at, response, answer);
        self.check_headers(&at, response, answer);
        if let Some(operation) = operation.filter(|_| is_fulfilled(answer)) {
            operation.check_request(&at, event);
        }
    }

    fn check_body(&self, at: &str, response: &Value, answer: &Value) {
        match (body_schema(response), answer["body"].as_str()) {
            (Some(schema), Some(text)) => {
                let body = serde_json::from_str(text).expect("a body of JSON");
                self.hold(&format!("{at}: the body"), schema, &body);
            }
            (None, None) => {}
            _ => panic!("{at}: a body is documented, or there is one, but not both: {answer}"),
        }
    }

    fn check_headers(&self, at: &str, response: &Value, answer: &Value) {
        let sent = answer["headers"].as_object().into_iter().flatten();
        let sent = sent.map(|(name, value)| (name.to_lowercase(), value.as_str()));
        let mut sent: HashMap<_, _> = sent.collect();
        sent.retain(|name, _| !OF_EVERY_ANSWER.contains(&name.as_str()));
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = schema::resolved(&self.document, header);
            let at = format!("{at}: the header {name}");
            match sent.remove(&name.to_lowercase()) {
                Some(value) => self.hold_text(&at, &header["schema"], value.unwrap_or_default()),
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

    fn hold(&self, at: &str, schema: &Value, value: &Value) {
        if let Some(complaint) = self.schemas.complaint(&self.document, schema, value) {
            panic!("{at} is not as documented: {complaint}\n{value:#}");
        }
    }

    /// Holds what stands in a header or a query, as the type that its schema names.
    fn hold_text(&self, at: &str, schema: &Value, text: &str) {
        let value = match schema::type_of(&self.document, schema) {
            Some("integer") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        };
        self.hold(at, schema, &value);
    }
}

impl<'a> Operation<'a> {
    /// The parameters of the route and its path, by where they stand.
    fn parameters(self, place: &str) -> impl Iterator<Item = &'a Value> {
        let of_path = self.path_item["parameters"].as_array().into_iter().flatten();
        let own = self.operation["parameters"].as_array().into_iter().flatten();
        let document = &self.contract.document;
        let all = of_path.chain(own).map(move |node| schema::resolved(document, node));
        all.filter(move |parameter| parameter["in"] == place)
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
                self.contract.hold_text(&at, &parameter["schema"], value);
            }
        }
        if let Some(body) = self.request_body() {
            let schema = body_schema(body).expect("a body has a schema");
            let at = format!("{at}: the request's body");
            self.contract.hold(&at, schema, &request_body(event));
        }
    }

    /// Holds one parameter of a query; of a list, one of its values, and of an object, one property.
    fn check_parameter(self, at: &str, name: &str, value: &str) {
        let at = format!("{at}: the parameter {name}");
        let known = self.parameters("query").find(|parameter| parameter["name"] == name);
        if let Some(parameter) = known {
            let schema = schema::resolved(&self.contract.document, &parameter["schema"]);
            let schema = schema.get("items").unwrap_or(schema);
            return self.contract.hold_text(&at, schema, value);
        }
        let mut schemas = self.parameters("query").map(|parameter| &parameter["schema"]);
        let free = schemas.find(|schema| schema["type"] == "object");
        let free = free.unwrap_or_else(|| panic!("{at} is not documented"));
        self.contract.hold(&at, free, &json!({ name: value }));
    }
}

/// Whether all of a request was done: of a batch, each row answers for itself.
fn is_fulfilled(answer: &Value) -> bool {
    let rejects = || {
        let body: Value =
            answer["body"].as_str().and_then(|text| serde_json::from_str(text).ok())?;
        Some(body["data"].as_array()?.iter().any(|row| row["status"] == "rejected"))
    };
    answer["statusCode"].as_u64().is_some_and(|status| status < 400) && !rejects().unwrap_or(false)
}

fn request_body(event: &Value) -> Value {
    let text = event["body"].as_str().unwrap_or_default();
    let bytes = match event["isBase64Encoded"] == true {
        true => STANDARD.decode(text).expect("base64"),
        false => text.as_bytes().to_vec(),
    };
    serde_json::from_slice(&bytes).expect("a body of JSON")
}

fn body_schema(node: &Value) -> Option<&Value> {
    node.pointer("/content/application~1json/schema")
}
