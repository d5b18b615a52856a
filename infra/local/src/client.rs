//! A client of the API, as a person at a terminal would use it: what the import and the demo speak
//! through.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

/// How long one answer may take: as long as API Gateway waits, and a little more.
const TIMEOUT: Duration = Duration::from_secs(35);

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answers there.
    #[error(
        "nothing answers at {0}: start `cargo run` in another terminal, or name another address with --url"
    )]
    Unreachable(String),
    /// The connection broke, or the answer is none of ours.
    #[error("the answer to {call} cannot be used: {reason}")]
    Broken {
        /// The call.
        call: String,
        /// What is wrong.
        reason: String,
    },
    /// An answer that is not the expected one.
    #[error("{call} answered {status}: {body}")]
    Refused {
        /// The call.
        call: String,
        /// The status.
        status: StatusCode,
        /// The body.
        body: Value,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null where there is none.
    pub body: Value,
}

/// The API at one address, on behalf of one person or of nobody.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    /// The API at `url`, with no one signed in.
    ///
    /// # Errors
    /// [`ClientError::Broken`] when no HTTP client can be built.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let http = shared::http_client::builder().timeout(TIMEOUT).build().map_err(|error| {
            ClientError::Broken { call: "the client".to_owned(), reason: error.to_string() }
        })?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token: None })
    }

    /// The same API, signed in as a person of the simulated directory, by handle or SSO UUID.
    ///
    /// # Errors
    /// When nothing answers, or nobody goes by that name.
    pub async fn sign_in(&self, user: &str) -> Result<Self, ClientError> {
        let query: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
        let answer = self.fetch(Method::GET, &format!("/_local/token?user={query}"), None).await?;
        let token = answer["token"].as_str().map(str::to_owned);
        Ok(Self { token, ..self.clone() })
    }

    /// One call, whatever its answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let broken = |error: &reqwest::Error| ClientError::Broken {
            call: call.clone(),
            reason: error.to_string(),
        };
        let response = request.send().await.map_err(|error| {
            if error.is_connect() {
                ClientError::Unreachable(self.url.clone())
            } else {
                broken(&error)
            }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.map_err(|error| broken(&error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
    }

    /// One call whose answer must be a success; its body.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for any other answer.
    pub async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let call = format!("{method} {path}");
        let Answer { status, body, .. } = self.call(method, path, body).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(ClientError::Refused { call, status, body })
        }
    }

    /// Puts bytes as they are; the answer must be a success.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn put(&self, path: &str, body: Vec<u8>) -> Result<(), ClientError> {
        let call = format!("PUT {path}");
        let sent = self.http.put(format!("{}{path}", self.url)).body(body).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                ClientError::Unreachable(self.url.clone())
            } else {
                ClientError::Broken { call: call.clone(), reason: error.to_string() }
            }
        })?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            let body = response.json().await.unwrap_or(Value::Null);
            Err(ClientError::Refused { call, status, body })
        }
    }

    /// The bytes at an address anywhere, such as a presigned one; redirects are followed once.
    ///
    /// # Errors
    /// When there is no answer, or it is no success.
    pub async fn download(&self, url: &str) -> Result<Vec<u8>, ClientError> {
        let call = "the download".to_owned();
        let broken = |error: reqwest::Error| ClientError::Broken {
            call: "the download".to_owned(),
            reason: error.to_string(),
        };
        let mut response = self.http.get(url).send().await.map_err(broken)?;
        if response.status().is_redirection() {
            let location = response.headers().get("location").and_then(|to| to.to_str().ok());
            let location = location.unwrap_or_default().to_owned();
            response = self.http.get(location).send().await.map_err(broken)?;
        }
        let status = response.status();
        if !status.is_success() {
            return Err(ClientError::Refused { call, status, body: Value::Null });
        }
        Ok(response.bytes().await.map_err(broken)?.to_vec())
    }

    /// The address of the API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
