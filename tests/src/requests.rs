use std::collections::HashMap;

use bytes::Bytes;
use http::Method;
use local::gateway;
use serde_json::{Map, Value, json};

use crate::World;

/// An HTTP response, as the caller receives it.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// The JSON body; null if there is none.
    pub body: Value,
}

impl Response {
    /// The `data` of a successful response.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The error code; empty if the request succeeded.
    #[must_use]
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// The ids of the records in a list response, in the order of the list. Empty if `data` is not
    /// a list.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let records = self.data().as_array().into_iter().flatten();
        records.filter_map(|record| record["id"].as_str().map(str::to_owned)).collect()
    }
}

/// Requests through the gateway.
impl World {
    /// Sends `GET` as a demo user.
    pub async fn get(&self, user: &str, path: &str) -> Response {
        self.call(user, Method::GET, path, None).await
    }

    /// Sends `POST` with a JSON body as a demo user.
    pub async fn post(&self, user: &str, path: &str, body: &Value) -> Response {
        self.call(user, Method::POST, path, Some(body)).await
    }

    /// Sends one request as a demo user, with a JSON body if there is one. If `user` is empty, the
    /// request has no user identity.
    pub async fn call(
        &self,
        user: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Response {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        self.send(user, method, path, &[("content-type", "application/json")], body).await
    }

    /// Sends one request with these headers and bytes.
    pub async fn send(
        &self,
        user: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Response {
        let (function, event) = self.event(user, method, path, headers, &body);
        let response = self.invoke(&function, event).await;
        let headers = response["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| {
            (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned())
        });
        let text = response["body"].as_str().unwrap_or("null");
        Response {
            status: u16::try_from(response["statusCode"].as_u64().unwrap_or(0)).unwrap_or(0),
            headers: headers.collect(),
            body: serde_json::from_str(text).unwrap_or(Value::Null),
        }
    }

    /// Returns the function that serves a request, and the event that the gateway creates for it.
    #[must_use]
    pub fn event(
        &self,
        user: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> (String, Value) {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("the request is valid").into_parts();
        let (claims, now) = (self.claims(user), self.clock.now());
        let id = "test-request";
        gateway::event::for_request(&self.template, &parts, body, claims.as_ref(), id, now)
            .expect("the template has the route")
    }

    fn claims(&self, user: &str) -> Option<Map<String, Value>> {
        let person = self.directory.find(user)?;
        let claims = json!({
            "sub": person.sso_id,
            "company_sso_id": person.company_sso_id,
            "name": person.full_name.clone().unwrap_or_default(),
            "email": person.email,
        });
        claims.as_object().cloned()
    }
}
