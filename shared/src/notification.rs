//! The client of the Unified Notification Service, which shows notifications in a user's
//! notification center (SPEC §1, §3, §4).
//!
//! The client makes each call once, without retries, and with the time-out of upstream services.
//! The caller must store the number of its attempts, so that the number is not lost when the
//! process ends. If the process crashes after the call and before the caller has stored its result,
//! the next attempt does not create a second notification, because the service honors
//! `Idempotency-Key`.

use std::{fmt, time::Duration};

use reqwest::{StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{bidi::without_bidi_controls, id::UserId, upstream::CallFailure};

/// The longest `Retry-After` that is respected. SQS can delay a message by 12 hours at most, so the
/// limit is a little shorter than that.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(11);

/// The address of the Unified Notification Service and the credentials for it.
#[derive(Clone)]
pub struct NotificationService {
    /// The base URL, without a slash at the end.
    pub url: String,
    /// The value of `X-Api-Key`.
    pub api_key: String,
    /// The time-out of one call, including the response body.
    pub timeout: Duration,
}

/// The route of the service to which a notification is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotificationRoute {
    /// `POST /api/v1/notifications/chat`.
    Mention,
    /// `POST /notif/v1/notifications`.
    Export,
}

impl NotificationRoute {
    fn path(self) -> &'static str {
        match self {
            Self::Mention => "/api/v1/notifications/chat",
            Self::Export => "/notif/v1/notifications",
        }
    }
}

/// One notification for one user (SPEC §3, §4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notification {
    /// The SSO UUID of the recipient.
    pub sso_id: UserId,
    /// The first line of the notification.
    pub title: String,
    /// The second line of the notification. The service refuses an empty text.
    pub description: String,
    /// The action that a click on the notification starts. It is always [`ClickAction::OpenUrl`].
    pub click_action: ClickAction,
    /// The URL that a click opens.
    pub click_action_url: String,
    /// The data with which the mobile application opens the URL.
    pub extra: Extra,
    /// The type of the notification; 1 is "general".
    pub notif_type: u8,
    /// The category of the notification, one of the values that the service defines.
    pub notif_category: String,
    /// The kind of event; `None` on routes that do not accept one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<&'static str>,
    /// The UUID of the company in Launchpad.
    pub organization_id: Uuid,
    /// True if mobile phones must not receive the notification. `None` on routes that do not accept
    /// this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_fcm: Option<bool>,
}

/// The action of a click on a notification.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClickAction {
    /// Opens the URL.
    OpenUrl,
}

/// The data with which the mobile application opens the URL. The application opens the URL of a
/// notification only if the origin is `external_url` (PRD D-10).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Extra {
    origin: &'static str,
}

impl Notification {
    /// Creates a notification of the general type. A click on it opens `url`. The fields that only
    /// some routes accept are not set. Characters that change the direction of text are removed
    /// from the title and the description, because both contain names.
    #[must_use]
    pub fn open_url(
        url: String,
        recipient: UserId,
        organization_id: Uuid,
        category: impl Into<String>,
        (title, description): (String, String),
    ) -> Self {
        Self {
            sso_id: recipient,
            title: without_bidi_controls(&title),
            description: without_bidi_controls(&description),
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

/// The id that the service gave to a notification when it accepted it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NotificationId(String);

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NotificationId {
    /// Parses the id in a successful response, which has it at the top level or in `data`. A
    /// response without an id is also a success, because a missing id is not a reason to send the
    /// notification again.
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

/// The reason why a notification was not accepted, or may not have been accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotificationError {
    /// The status was 429.
    #[error("the notification service throttled the request")]
    RateLimited {
        /// The value of `Retry-After`, at most 11 hours.
        retry_after: Option<Duration>,
    },
    /// There was no response within the time-out, so the notification may have been accepted.
    #[error("the notification service did not answer in time")]
    Timeout(#[source] CallFailure),
    /// No connection was made, so the notification was certainly not accepted.
    #[error("the notification service cannot be reached")]
    Unreachable(#[source] CallFailure),
    /// The connection failed, so the notification may have been accepted.
    #[error("the connection to the notification service broke")]
    Broken(#[source] CallFailure),
    /// The status was 5xx.
    #[error("the notification service answered with status {0}")]
    Unavailable(u16),
    /// The response had any other status. The service does not accept this notification.
    #[error("the notification service rejected the request with status {0}")]
    Rejected(u16),
}

impl NotificationError {
    /// Whether a retry can succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Rejected(_))
    }

    /// Whether the service has certainly not accepted the notification: it answered with an error,
    /// or no connection was made.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Timeout(_) | Self::Broken(_))
    }

    /// The time to wait before a retry; `None` if the service did not return one.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Timeout(_)
            | Self::Unreachable(_)
            | Self::Broken(_)
            | Self::Unavailable(_)
            | Self::Rejected(_) => None,
        }
    }
}

/// A client that sends notifications. It is cheap to clone.
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
    /// Creates a client that calls this service through `http`.
    #[must_use]
    pub fn new(http: reqwest::Client, service: NotificationService) -> Self {
        Self { http, service }
    }

    /// Sends one notification, without retries. The service creates a single notification for all
    /// calls with the same `idempotency_key`.
    ///
    /// # Errors
    /// [`NotificationError`] shows whether the notification may have been accepted and whether a
    /// retry can succeed.
    pub async fn send(
        &self,
        route: NotificationRoute,
        idempotency_key: &str,
        body: &Notification,
    ) -> Result<NotificationId, NotificationError> {
        let answer = self
            .http
            .post(format!("{}{}", self.service.url, route.path()))
            .header("x-api-key", &self.service.api_key)
            .header("idempotency-key", idempotency_key)
            .json(body)
            .timeout(self.service.timeout)
            .send()
            .await
            .map_err(|error| send_error(&error))?;
        let status = answer.status();
        if status.is_success() {
            // The status already shows that the notification was accepted, even if the body is
            // incomplete.
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
        // With this status, the service reports that it waited too long.
        StatusCode::REQUEST_TIMEOUT => {
            NotificationError::Timeout(CallFailure::Status(status.as_u16()))
        }
        status if status.is_server_error() => NotificationError::Unavailable(status.as_u16()),
        status => NotificationError::Rejected(status.as_u16()),
    }
}

fn send_error(error: &reqwest::Error) -> NotificationError {
    let failure = CallFailure::from_reqwest(error);
    match failure {
        _ if failure.never_sent() => NotificationError::Unreachable(failure),
        CallFailure::Timeout(_) => NotificationError::Timeout(failure),
        _ => NotificationError::Broken(failure),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{error::chain, http_client, upstream::Phase};

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
        assert!(NotificationError::Timeout(CallFailure::Timeout(Phase::Waiting)).is_transient());
    }

    #[test]
    fn retry_after_is_honored_in_seconds_and_up_to_eleven_hours() {
        let retry_after = |header| refusal(StatusCode::TOO_MANY_REQUESTS, header).retry_after();
        assert_eq!(retry_after(Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("999999999")), Some(MAX_RETRY_AFTER));
        assert_eq!(retry_after(Some("Fri, 31 Dec 1999 23:59:59 GMT")), None);
        assert_eq!(retry_after(None), None);
    }

    #[test]
    fn a_successful_response_without_a_valid_id_is_a_success() {
        let id = |body: &str| NotificationId::from_response(body.as_bytes()).to_string();
        assert_eq!(id(r#"{"notification_id": "n-1"}"#), "n-1");
        assert_eq!(id(r#"{"data": {"notification_id": 12}}"#), "12");
        assert_eq!(id("<html>"), "unknown");
    }

    const URL: &str = "https://app.example.com/customers/1";

    fn notification(person: UserId) -> Notification {
        let text = ("title".to_owned(), "description".to_owned());
        Notification::open_url(URL.to_owned(), person, Uuid::from_u128(2), "2", text)
    }

    #[tokio::test]
    async fn an_unreachable_service_is_an_error_with_its_cause() {
        let service = NotificationService {
            url: "http://127.0.0.1:9".to_owned(),
            api_key: "key".to_owned(),
            timeout: Duration::from_secs(1),
        };
        let http = http_client::builder().build().unwrap();
        let body = notification(UserId::from_uuid(Uuid::from_u128(1)));
        let notifications = Notifications::new(http, service);
        let sent = notifications.send(NotificationRoute::Mention, "1", &body).await;
        let error = sent.unwrap_err();
        assert!(matches!(error, NotificationError::Unreachable(_)), "{error:?}");
        let text = chain(&error).to_string();
        assert!(text.contains(": cannot connect: ") && text.contains("refused"), "{text}");
    }

    #[test]
    fn the_body_has_the_format_that_the_service_documents() {
        let person = UserId::from_uuid(Uuid::from_u128(1));
        let mut notification = notification(person);
        let mut expected = json!({
            "sso_id": person, "title": "title", "description": "description",
            "click_action": "OPEN_URL", "click_action_url": URL,
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
