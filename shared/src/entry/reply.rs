use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Failure;
use crate::{
    access::Session,
    contact::ReadPlan,
    identity::{Level, Permission},
};

/// Something that went otherwise than the caller may think, beside a success (SPEC §5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Warning {
    /// The code.
    pub code: &'static str,
    /// In plain words.
    pub message: String,
    /// What a program can read.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A success: `{"data":…, "meta"?:{…}, "warnings"?:[…]}`, or a redirection.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    body: Option<Value>,
    meta: Map<String, Value>,
    warnings: Vec<Warning>,
    headers: HeaderMap,
    scope: Option<Scoped>,
    plan: Option<&'static str>,
}

/// Under which scope a request was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scoped {
    /// The viewer's level.
    pub(super) level: Level,
    /// The size of the viewer's expanded team set.
    pub(super) team_count: usize,
    /// Whether Launchpad's trouble narrowed it.
    pub(super) fell_back: bool,
}

impl Reply {
    /// An answer with this status and data.
    ///
    /// # Errors
    /// A [`Failure`] when the data does not serialize.
    pub fn new(status: u16, data: &impl Serialize) -> Result<Self, Failure> {
        let data = serde_json::to_value(data).map_err(|error| {
            Failure::new(super::Code::Unavailable, "the response could not be created; try again")
                .with_source(error)
        })?;
        Ok(Self::bare(status, Some(data)))
    }

    /// 200 with data.
    ///
    /// # Errors
    /// As [`Reply::new`].
    pub fn ok(data: &impl Serialize) -> Result<Self, Failure> {
        Self::new(200, data)
    }

    /// 302 to another address.
    ///
    /// # Errors
    /// A [`Failure`] when the address is no header value.
    pub fn redirect(to: &str) -> Result<Self, Failure> {
        Ok(Self::bare(302, None).with_header(header::LOCATION, to))
    }

    fn bare(status: u16, body: Option<Value>) -> Self {
        Self {
            status,
            body,
            meta: Map::new(),
            warnings: Vec::new(),
            headers: HeaderMap::new(),
            scope: None,
            plan: None,
        }
    }

    /// Adds to `meta`.
    #[must_use]
    pub fn with_meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(name.to_owned(), value.into());
        self
    }

    /// Adds warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Adds a header; a value that is none is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Says under which scope the request was answered: to the log and the metrics, and to the
    /// client where Launchpad's trouble narrowed it (SPEC §2).
    #[must_use]
    pub fn with_scope(mut self, session: &Session, permission: Permission) -> Self {
        let fell_back = session.is_narrowed_by_fallback(permission);
        self.scope = Some(Scoped {
            level: session.level(permission),
            team_count: session.team_count(),
            fell_back,
        });
        if fell_back {
            return self
                .with_meta("team_scope", "owned_only_fallback")
                .with_header(HeaderName::from_static("x-team-permission-fallback"), "owned-only");
        }
        self
    }

    /// Says to the log what a list was read from.
    #[must_use]
    pub fn with_read_plan(mut self, plan: ReadPlan) -> Self {
        self.plan = Some(plan.as_str());
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn scope(&self) -> Option<Scoped> {
        self.scope
    }

    pub(super) fn plan(&self) -> Option<&'static str> {
        self.plan
    }

    pub(super) fn into_response(self) -> ApiGatewayV2httpResponse {
        let body = self.body.map(|data| {
            let mut body = json!({ "data": data });
            if !self.meta.is_empty() {
                body["meta"] = Value::Object(self.meta);
            }
            if !self.warnings.is_empty() {
                body["warnings"] = json!(self.warnings);
            }
            body
        });
        response(self.status, self.headers, body)
    }
}

pub(super) fn response(
    status: u16,
    mut headers: HeaderMap,
    body: Option<Value>,
) -> ApiGatewayV2httpResponse {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    if let Some(body) = body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.body = Some(Body::Text(body.to_string()));
    }
    response.headers = headers;
    response
}
