//! A client that calls the API on behalf of a user, for the import, the demo and the benchmarks.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use shared::error::chain;

/// Longest time to wait for a response: a little longer than API Gateway waits for a function.
const TIMEOUT: Duration = Duration::from_secs(35);

/// Longest time for making a connection to an API that may be far away.
const CONNECT: Duration = Duration::from_secs(5);

/// The reason why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server listens at the address.
    #[error(
        "no server is running at {0}. Start one with `cargo run` in another terminal, or give its address with --url."
    )]
    Unreachable(String),
    /// The connection broke, or the response is invalid.
    #[error("{call} failed: {reason}")]
    Broken {
        /// Method and path of the request.
        call: String,
        /// Description of the failure.
        reason: String,
    },
    /// The server returned an error response.
    #[error("{call} returned {status}: {body}")]
    Refused {
        /// Method and path of the request.
        call: String,
        /// Status of the response.
        status: StatusCode,
        /// Body of the response.
        body: Value,
    },
}

/// A response.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is empty or not JSON.
    pub body: Value,
}

/// A client for the API at one address. It sends the token of a signed-in user, or no token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    /// Creates a client for the API at `url`, without a token.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let http = shared::http_client::builder_with_system_roots()
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT);
        let http = http.build().map_err(|error| {
            let call = "creating the HTTP client".to_owned();
            ClientError::Broken { call, reason: chain(&error).to_string() }
        })?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token: None })
    }

    /// Creates a client for the same API with the token of a user of the simulated Launchpad.
    /// `user` is a handle, an email address or an SSO UUID.
    ///
    /// # Errors
    /// Returns [`ClientError::Refused`] if there is no such user.
    pub async fn sign_in(&self, user: &str) -> Result<Self, ClientError> {
        let query: String = url::form_urlencoded::byte_serialize(user.as_bytes()).collect();
        let response =
            self.fetch(Method::GET, &format!("/_local/token?user={query}"), None).await?;
        let token = response["token"].as_str().map(str::to_owned);
        Ok(Self { token, ..self.clone() })
    }

    /// Creates a client for the same API with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends bytes with a `POST` request and returns the response, even if its status is an error.
    ///
    /// # Errors
    /// Returns an error if there is no response.
    pub async fn post_bytes(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Result<ApiResponse, ClientError> {
        let request = self.http.post(format!("{}{path}", self.url)).body(body);
        let request = request.header("content-type", "application/octet-stream");
        let path = path.split('?').next().unwrap_or_default();
        self.response(format!("POST {path}"), request).await
    }

    /// Sends a request and returns the response, even if its status is an error.
    ///
    /// # Errors
    /// Returns an error if there is no response.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<ApiResponse, ClientError> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.response(call, request).await
    }

    async fn response(
        &self,
        call: String,
        mut request: reqwest::RequestBuilder,
    ) -> Result<ApiResponse, ClientError> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let broken = |error: &reqwest::Error| ClientError::Broken {
            call: call.clone(),
            reason: chain(error).to_string(),
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
        Ok(ApiResponse { status, headers, body })
    }

    /// Sends a request and returns the body of the response.
    ///
    /// # Errors
    /// Returns [`ClientError::Refused`] if the status is not a success.
    pub async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let call = format!("{method} {path}");
        let ApiResponse { status, body, .. } = self.call(method, path, body).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(ClientError::Refused { call, status, body })
        }
    }

    /// Uploads bytes with a `PUT` request.
    ///
    /// # Errors
    /// Returns [`ClientError::Refused`] if the status is not a success.
    pub async fn put(&self, path: &str, body: Vec<u8>) -> Result<(), ClientError> {
        let call = format!("PUT {path}");
        let sent = self.http.put(format!("{}{path}", self.url)).body(body).send().await;
        let response = sent.map_err(|error| {
            if error.is_connect() {
                ClientError::Unreachable(self.url.clone())
            } else {
                ClientError::Broken { call: call.clone(), reason: chain(&error).to_string() }
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

    /// Downloads the bytes at any URL, such as a presigned URL. Follows at most one redirect.
    ///
    /// # Errors
    /// Returns [`ClientError::Refused`] if the status is not a success.
    pub async fn download(&self, url: &str) -> Result<Vec<u8>, ClientError> {
        let call = "the download".to_owned();
        let broken = |error: reqwest::Error| ClientError::Broken {
            call: "the download".to_owned(),
            reason: chain(&error).to_string(),
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

    /// The base URL of the API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
