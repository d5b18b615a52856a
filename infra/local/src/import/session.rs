//! Sends parts of a file to `POST /cdp/customers/import`, and repeats what failed for a time.

use std::{path::PathBuf, time::Duration};

use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use tokio::sync::watch;

use crate::client::{ApiResponse, Client, ClientError};
use crate::loopback::is_loopback;

const PATH: &str = "/cdp/customers/import";

/// The number of times that a request is sent before the import stops.
pub(super) const ATTEMPTS: u32 = 8;
/// The longest pause before a request is sent again.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Where the token of the user comes from. It is never an argument of the command, because other
/// users of the machine can read the arguments.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user of the simulated Launchpad: a handle, an email address or an SSO UUID.
    User(String),
    /// A file with the token. It is read again when the token has expired.
    TokenFile(PathBuf),
    /// The token itself, from the environment.
    Token(String),
}

/// Why requests cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The URL is not safe for a token.
    #[error(
        "--url must begin with https://; http:// is allowed for this machine only (localhost, 127.0.0.1, [::1])"
    )]
    Url,
    /// A user of the simulated Launchpad can sign in to a local cloud only.
    #[error(
        "--user works with a local cloud only; for another API set CONTACTS_TOKEN or --token-file"
    )]
    User,
    /// The token file cannot be read.
    #[error("the token file {0} cannot be read: {1}")]
    TokenFile(PathBuf, std::io::Error),
    /// The token contains characters that a header cannot contain.
    #[error("the token is empty or contains characters other than letters, digits and punctuation")]
    Token,
    /// The user could not be signed in.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A signed-in user.
#[derive(Debug)]
pub struct Session {
    credentials: Credentials,
    client: Client,
    stop: watch::Receiver<bool>,
}

/// The outcome of a request.
pub(super) enum Sent {
    /// The response has status 200.
    Ok(Value),
    /// The part is too large.
    TooLarge,
    /// The API refuses the part, and would refuse it again.
    Refused(String),
    /// The import cannot go on at present.
    Stopped(String),
}

impl Session {
    /// Signs in. `stop` becomes true when the user interrupts the command.
    ///
    /// # Errors
    /// [`SessionError`] if the URL is not safe, or if there is no valid token.
    pub async fn start(
        url: &str,
        credentials: Credentials,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, SessionError> {
        let parsed = url::Url::parse(url).map_err(|_| SessionError::Url)?;
        let is_local = is_loopback(&parsed);
        match parsed.scheme() {
            "https" => {}
            "http" if is_local => {}
            _ => return Err(SessionError::Url),
        }
        if !is_local && matches!(credentials, Credentials::User(_)) {
            return Err(SessionError::User);
        }
        let client = Client::new(url)?;
        let client = signed_in(&client, &credentials).await?;
        Ok(Self { credentials, client, stop })
    }

    /// Creates a session with a client that is signed in already.
    #[must_use]
    pub fn from_client(client: &Client, user: &str, stop: watch::Receiver<bool>) -> Self {
        Self { credentials: Credentials::User(user.to_owned()), client: client.clone(), stop }
    }

    /// Whether the user has interrupted the command.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits before another attempt. Returns false if the user interrupts the command.
    pub(super) async fn pause(&mut self, attempt: u32, retry_after: Option<Duration>) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause(attempt, retry_after)) => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }

    /// Sends a part of a file. An interruption does not end a request that is sent: its response
    /// contains what was written.
    pub(super) async fn send(&mut self, query: &str, part: &str) -> Sent {
        let mut signed_in_again = false;
        let mut last = String::new();
        for attempt in 1..=ATTEMPTS {
            let sent = self.client.post_bytes(&format!("{PATH}?{query}"), part.to_owned()).await;
            let response = match sent {
                Ok(response) => response,
                Err(error) => {
                    last = error.to_string();
                    if attempt < ATTEMPTS && !self.pause(attempt, None).await {
                        return Sent::Stopped("interrupted".to_owned());
                    }
                    continue;
                }
            };
            match response.status.as_u16() {
                200 => return Sent::Ok(response.body["data"].clone()),
                413 => return Sent::TooLarge,
                400 if response.body["details"]["field"] == "body" => return Sent::TooLarge,
                401 if !signed_in_again => {
                    signed_in_again = true;
                    match signed_in(&self.client, &self.credentials).await {
                        Ok(client) => self.client = client,
                        Err(error) => return Sent::Stopped(error.to_string()),
                    }
                    continue;
                }
                401 => {
                    return Sent::Stopped("the token is not valid or has expired".to_owned());
                }
                300..400 => {
                    return Sent::Stopped(
                        "the API answered with a redirect, which is not followed; give its final address with --url".to_owned(),
                    );
                }
                429 | 500.. => {
                    last = described(&response);
                    let pause = retry_after(&response);
                    if attempt < ATTEMPTS && !self.pause(attempt, pause).await {
                        return Sent::Stopped("interrupted".to_owned());
                    }
                }
                _ => return Sent::Refused(described(&response)),
            }
        }
        Sent::Stopped(last)
    }
}

/// The time before the next attempt: what the API asks for, or else a time that grows.
fn pause(attempt: u32, retry_after: Option<Duration>) -> Duration {
    let backoff = Duration::from_millis(500 << attempt.min(6));
    retry_after.unwrap_or(backoff).min(MAX_PAUSE)
}

fn described(response: &ApiResponse) -> String {
    let status = response.status;
    match response.body["message"].as_str() {
        Some(message) => format!("{message} ({status})"),
        None => status.to_string(),
    }
}

fn retry_after(response: &ApiResponse) -> Option<Duration> {
    let seconds = response.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn signed_in(client: &Client, credentials: &Credentials) -> Result<Client, SessionError> {
    let token = match credentials {
        Credentials::User(user) => return Ok(client.sign_in(user).await?),
        Credentials::Token(token) => token.clone(),
        Credentials::TokenFile(path) => tokio::fs::read_to_string(path)
            .await
            .map_err(|error| SessionError::TokenFile(path.clone(), error))?,
    };
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SessionError::Token);
    }
    Ok(client.with_token(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_sent_again_after_the_time_in_retry_after_or_after_a_growing_pause() {
        let response = |retry_after: Option<&str>| ApiResponse {
            status: reqwest::StatusCode::TOO_MANY_REQUESTS,
            headers: retry_after
                .map(|value| (RETRY_AFTER, value.parse().unwrap()))
                .into_iter()
                .collect(),
            body: Value::Null,
        };
        let asked = |value| pause(1, retry_after(&response(Some(value)))).as_secs();
        assert_eq!([asked("7"), asked("0"), asked("86400")], [7, 0, 300]);
        let grown = |attempt| pause(attempt, retry_after(&response(None))).as_millis();
        assert_eq!([1, 2, 3, 8].map(grown), [1_000, 2_000, 4_000, 32_000]);
    }

    #[tokio::test]
    async fn a_token_is_sent_over_https_or_to_this_machine_only() {
        let start = async |url: &str, credentials| {
            let (_sender, stop) = watch::channel(false);
            Session::start(url, credentials, stop).await
        };
        let token = || Credentials::Token("abc".to_owned());
        for url in [
            "http://api.example.com",
            "ftp://127.0.0.1",
            "api.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert!(matches!(start(url, token()).await, Err(SessionError::Url)), "{url}");
        }
        for url in [
            "https://api.example.com",
            "http://127.0.0.1:3000",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(start(url, token()).await.is_ok(), "{url}");
        }
        let user = Credentials::User("maya".to_owned());
        assert!(matches!(start("https://api.example.com", user).await, Err(SessionError::User)));
        let broken = Credentials::Token("a b".to_owned());
        assert!(matches!(start("https://api.example.com", broken).await, Err(SessionError::Token)));
    }
}
