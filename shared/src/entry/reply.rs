use std::fmt::Write as _;

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use aws_lambda_events::{apigw::ApiGatewayV2httpResponse, encodings::Body};
use serde::Serialize;
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    Failure,
    failure::{FALLBACK_HEADER, FALLBACK_SCOPE},
};
use crate::{
    access::Session,
    contact::ReadPlan,
    identity::{Level, Permission},
};

/// A warning in a successful response. It means that a part of the request had a different effect
/// than the client may expect (SPEC §5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Warning {
    /// The warning's code, which clients can compare.
    pub code: &'static str,
    /// An explanation in English, for developers.
    pub message: String,
    /// Additional fields, which depend on the code.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A successful response: `{"data":…, "meta"?:{…}, "warnings"?:[…]}`, or a redirect.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    /// The JSON text of the field `data`, serialized once.
    body: Option<Box<RawValue>>,
    page: Option<String>,
    meta: Map<String, Value>,
    warnings: Vec<Warning>,
    headers: HeaderMap,
    scope: Option<ReplyScope>,
    plan: Option<&'static str>,
}

/// The scope in which a request was handled, for the log and the metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyScope {
    /// The viewer's access level.
    pub(super) level: Level,
    /// The size of the viewer's expanded team set.
    pub(super) team_count: usize,
    /// Whether the scope was narrowed because Launchpad failed.
    pub(super) fell_back: bool,
}

impl Reply {
    /// Creates a response with this status and data.
    ///
    /// # Errors
    /// 503 if the data cannot be serialized.
    pub fn new(status: u16, data: &impl Serialize) -> Result<Self, Failure> {
        let data = to_raw_value(data).map_err(|error| {
            Failure::new(super::Code::Unavailable, "the response could not be created; try again")
                .with_source(error)
        })?;
        Ok(Self::from_parts(status, Some(data)))
    }

    /// Creates a response with status 200 and this data.
    ///
    /// # Errors
    /// 503 if the data cannot be serialized.
    pub fn ok(data: &impl Serialize) -> Result<Self, Failure> {
        Self::new(200, data)
    }

    /// Creates a redirect (302) to this URL.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::from_parts(302, None).with_header(header::LOCATION, to)
    }

    /// Creates a response with an HTML page for a browser. The page is complete in itself: it may
    /// load and run nothing, and is neither cached nor named to other sites.
    #[must_use]
    pub fn page(status: u16, html: String) -> Self {
        let page = Self { page: Some(html), ..Self::from_parts(status, None) };
        page.with_header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
            .with_header(header::REFERRER_POLICY, "no-referrer")
            .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    /// Creates an empty response with status 204.
    #[must_use]
    pub(super) fn no_content() -> Self {
        Self::from_parts(204, None)
    }

    fn from_parts(status: u16, body: Option<Box<RawValue>>) -> Self {
        Self {
            status,
            body,
            page: None,
            meta: Map::new(),
            warnings: Vec::new(),
            headers: HeaderMap::new(),
            scope: None,
            plan: None,
        }
    }

    /// Adds a field to the object `meta`.
    #[must_use]
    pub fn with_meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(name.to_owned(), value.into());
        self
    }

    /// Adds warnings to the list `warnings`. The response has this list only if there is at least
    /// one warning.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Adds a header. A value that is not a valid header value is ignored.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the scope in which the request was handled. The scope is written to the log and the
    /// metrics. If the scope was narrowed because Launchpad failed, the response reports it in
    /// `meta` and in a header (SPEC §2).
    #[must_use]
    pub fn with_scope(mut self, session: &Session, permission: Permission) -> Self {
        let fell_back = session.is_narrowed_by_fallback(permission);
        self.scope = Some(ReplyScope {
            level: session.level(permission),
            team_count: session.team_count(),
            fell_back,
        });
        if fell_back {
            let (name, value) = FALLBACK_HEADER;
            self.headers.insert(name, value);
            return self.with_meta("team_scope", FALLBACK_SCOPE);
        }
        self
    }

    /// Sets the plan with which a list was read. The plan is written to the log.
    #[must_use]
    pub fn with_read_plan(mut self, plan: ReadPlan) -> Self {
        self.plan = Some(plan.as_str());
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn scope(&self) -> Option<ReplyScope> {
        self.scope
    }

    pub(super) fn plan(&self) -> Option<&'static str> {
        self.plan
    }

    pub(super) fn into_response(self) -> ApiGatewayV2httpResponse {
        if let Some(page) = self.page {
            let mut response = response(self.status, self.headers, None);
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers.insert(header::CONTENT_TYPE, html);
            response.body = Some(Body::Text(page));
            return response;
        }
        let body = self.body.map(|data| {
            let mut body = format!("{{\"data\":{data}");
            if !self.meta.is_empty() {
                let _ = write!(body, ",\"meta\":{}", Value::Object(self.meta));
            }
            if !self.warnings.is_empty() {
                let _ = write!(body, ",\"warnings\":{}", json!(self.warnings));
            }
            body.push('}');
            body
        });
        response(self.status, self.headers, body)
    }
}

pub(super) fn response(
    status: u16,
    mut headers: HeaderMap,
    body: Option<String>,
) -> ApiGatewayV2httpResponse {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    if let Some(body) = body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.body = Some(Body::Text(body));
    }
    response.headers = headers;
    response
}
