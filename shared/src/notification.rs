//! The Unified Notification Service: what appears in a person's notification center (SPEC §1, §3,
//! §4).
//!
//! A call is made once, within the neighbors' budget: whoever calls counts its tries where they
//! survive the process. That a person sees a notification once rests, across a crash between the
//! call and the caller's own record, on the service honoring `Idempotency-Key`.

use std::{fmt, time::Duration};

use reqwest::{StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::id::UserId;

/// How long a service that asks for time is given at most: the longest that SQS hides a message.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(11);

/// Where the Unified Notification Service is and how to sign in.
#[derive(Clone)]
pub struct NotificationService {
    /// Base URL, without a slash at its end.
    pub url: String,
    /// Value of `X-Api-Key`.
    pub api_key: String,
    /// The budget of one answer.
    pub timeout: Duration,
}

/// Which of the service's routes a notification takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// `POST /api/v1/notifications/chat`.
    Mention,
    /// `POST /notif/v1/notifications`.
    Export,
}

impl Channel {
    fn path(self) -> &'static str {
        match self {
            Self::Mention => "/api/v1/notifications/chat",
            Self::Export => "/notif/v1/notifications",
        }
    }
}

/// One notification for one person (SPEC §3, §4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notification {
    /// The recipient.
    pub sso_id: UserId,
    /// First line.
    pub title: String,
    /// Second line; the service refuses an empty one.
    pub description: String,
    /// What a click does; always [`ClickAction::OpenUrl`].
    pub click_action: ClickAction,
    /// Where a click leads.
    pub click_action_url: String,
    /// What the mobile application routes by.
    pub extra: Extra,
    /// 1 is "general".
    pub notif_type: u8,
    /// The category's value as the service knows it.
    pub notif_category: String,
    /// The kind of event, where the route takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<&'static str>,
    /// Launchpad's UUID of the company.
    pub organization_id: Uuid,
    /// Whether phones are left out; absent where the route takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_fcm: Option<bool>,
}

/// What a click on a notification does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClickAction {
    /// Opens the URL.
    OpenUrl,
}

/// What the mobile application routes by: without the origin `external_url` it knows no way from a
/// notification to its URL (PRD D-10).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Extra {
    origin: &'static str,
}

impl Notification {
    /// A notification whose click opens `url`, of the general type and of the category `category`,
    /// without what only some routes take.
    #[must_use]
    pub fn opening(
        url: String,
        recipient: UserId,
        organization_id: Uuid,
        category: impl Into<String>,
        (title, description): (String, String),
    ) -> Self {
        Self {
            sso_id: recipient,
            title,
            description,
            click_action: ClickAction::OpenUrl,
            click_action_url: url,
            extra: Extra { origin: "external_url" },
            notif_type: 1,
            notif_category: category.into(),
            event_type: None,
            organization_id,
            skip_fcm: None,
        }
    }
}

/// The service's id of a notification that it accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NotificationId(String);

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NotificationId {
    /// The id in an accepting answer, at its top or in `data`. An answer without one is an
    /// acceptance all the same: nothing may be sent twice for want of an id.
    fn from_response(body: &[u8]) -> Self {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = [&answer["notification_id"], &answer["data"]["notification_id"]]
            .into_iter()
            .find_map(|id| match id {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
        Self(id.unwrap_or_else(|| "unknown".to_owned()))
    }
}

/// Why it is not known that a notification was accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotificationError {
    /// 429; the wait that the service asks for, if it does.
    #[error("the notification service throttled the request")]
    RateLimited {
        /// `Retry-After`, at most 11 hours.
        retry_after: Option<Duration>,
    },
    /// No answer within the budget: it may have been accepted.
    #[error("the notification service did not answer in time")]
    Timeout,
    /// No connection ever stood: it was surely not accepted.
    #[error("the notification service cannot be reached")]
    Unreachable,
    /// The connection broke: it may have been accepted.
    #[error("the connection to the notification service broke")]
    Broken,
    /// 5xx.
    #[error("the notification service answered with status {0}")]
    Unavailable(u16),
    /// Any other status: the service will not accept this notification.
    #[error("the notification service rejected the request with status {0}")]
    Rejected(u16),
}

impl NotificationError {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Rejected(_))
    }

    /// The wait that the service asks for, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Timeout
            | Self::Unreachable
            | Self::Broken
            | Self::Unavailable(_)
            | Self::Rejected(_) => None,
        }
    }
}

/// Sends notifications. Cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    http: reqwest::Client,
    service: NotificationService,
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("url", &self.service.url).finish_non_exhaustive()
    }
}

impl Notifications {
    /// Calls this service through `http`.
    #[must_use]
    pub fn new(http: reqwest::Client, service: NotificationService) -> Self {
        Self { http, service }
    }

    /// Sends one notification, once. The service makes one notification of all calls with the same
    /// `idempotency_key`.
    ///
    /// # Errors
    /// What became of it, as far as that can be known; never tried again inside.
    pub async fn send(
        &self,
        channel: Channel,
        idempotency_key: &str,
        body: &Notification,
    ) -> Result<NotificationId, NotificationError> {
        let answer = self
            .http
            .post(format!("{}{}", self.service.url, channel.path()))
            .header("x-api-key", &self.service.api_key)
            .header("idempotency-key", idempotency_key)
            .json(body)
            .timeout(self.service.timeout)
            .send()
            .await
            .map_err(|error| send_error(&error))?;
        let status = answer.status();
        if status.is_success() {
            // The status says all that matters; a body that broke off takes nothing back.
            return Ok(NotificationId::from_response(&answer.bytes().await.unwrap_or_default()));
        }
        let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Err(refusal(status, header))
    }
}

fn refusal(status: StatusCode, retry_after: Option<&str>) -> NotificationError {
    match status {
        StatusCode::TOO_MANY_REQUESTS => NotificationError::RateLimited {
            retry_after: retry_after
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER)),
        },
        // The service itself gave up waiting.
        StatusCode::REQUEST_TIMEOUT => NotificationError::Timeout,
        status if status.is_server_error() => NotificationError::Unavailable(status.as_u16()),
        status => NotificationError::Rejected(status.as_u16()),
    }
}

fn send_error(error: &reqwest::Error) -> NotificationError {
    // The time-out of connecting is both.
    if error.is_connect() {
        NotificationError::Unreachable
    } else if error.is_timeout() {
        NotificationError::Timeout
    } else {
        NotificationError::Broken
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn server_errors_throttling_and_time_outs_are_transient_and_nothing_else() {
        for (status, transient) in
            [(500, true), (503, true), (429, true), (408, true), (400, false), (401, false)]
                .into_iter()
                .chain([(404, false), (422, false), (302, false)])
        {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refusal(status, None).is_transient(), transient, "{status}");
        }
        assert!(NotificationError::Timeout.is_transient());
    }

    #[test]
    fn retry_after_is_honored_in_seconds_and_up_to_eleven_hours() {
        let asked = |header| refusal(StatusCode::TOO_MANY_REQUESTS, header).retry_after();
        assert_eq!(asked(Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(asked(Some("999999999")), Some(MAX_RETRY_AFTER));
        assert_eq!(asked(Some("Fri, 31 Dec 1999 23:59:59 GMT")), None);
        assert_eq!(asked(None), None);
    }

    #[test]
    fn an_acceptance_without_a_readable_id_is_an_acceptance() {
        let id = |body: &str| NotificationId::from_response(body.as_bytes()).to_string();
        assert_eq!(id(r#"{"notification_id": "n-1"}"#), "n-1");
        assert_eq!(id(r#"{"data": {"notification_id": 12}}"#), "12");
        assert_eq!(id("<html>"), "unknown");
    }

    #[test]
    fn the_body_is_the_one_that_the_service_documents() {
        let person = UserId::from_uuid(Uuid::from_u128(1));
        let text = ("title".to_owned(), "description".to_owned());
        let url = "https://app.example.com/customers/1".to_owned();
        let mut notification =
            Notification::opening(url.clone(), person, Uuid::from_u128(2), "2", text);
        let mut expected = json!({
            "sso_id": person, "title": "title", "description": "description",
            "click_action": "OPEN_URL", "click_action_url": url,
            "extra": { "origin": "external_url" }, "notif_type": 1, "notif_category": "2",
            "organization_id": Uuid::from_u128(2),
        });
        assert_eq!(serde_json::to_value(&notification).unwrap(), expected);
        notification.event_type = Some("cdp_note_mention");
        notification.skip_fcm = Some(false);
        expected["event_type"] = json!("cdp_note_mention");
        expected["skip_fcm"] = json!(false);
        assert_eq!(serde_json::to_value(&notification).unwrap(), expected);
    }
}
