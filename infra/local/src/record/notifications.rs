//! The notifications that the simulated Notification Service accepted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::clock::Clock;
use uuid::Uuid;

use super::log::Log;

/// An accepted notification, as `GET /_local/notifications` shows it (SPEC §6).
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// The id of the notification, which is in the response of the service.
    pub notification_id: Uuid,
    /// Path of the request.
    pub path: String,
    /// Headers of the first request, with names in lower case and without the API key.
    pub headers: BTreeMap<String, String>,
    /// Body of the first request.
    pub body: Value,
    /// Number of further requests to the same path with the same `Idempotency-Key`.
    pub duplicates: u64,
    /// Time of the first request.
    pub received_at: Timestamp,
    /// The time when the person read the notification in the web console; `None` if it is unread.
    pub read_at: Option<Timestamp>,
}

/// All notifications of a run of the local cloud. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    list: Log<Notification>,
    clock: Clock,
}

impl Notifications {
    /// Creates an empty list. The times of the notifications come from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { list: Log::default(), clock }
    }

    /// Records a request and returns the id of its notification. If an earlier request to the same
    /// path had the same `Idempotency-Key`, returns the id of the earlier notification and
    /// increases its `duplicates`.
    #[must_use]
    pub fn accept(&self, path: &str, headers: BTreeMap<String, String>, body: Value) -> Uuid {
        if let Some(key) = headers.get(IDEMPOTENCY_KEY)
            && let Some(id) = self.count_duplicate(path, key)
        {
            return id;
        }
        let notification = Notification {
            notification_id: Uuid::new_v4(),
            path: path.to_owned(),
            headers,
            body,
            duplicates: 0,
            received_at: self.clock.now(),
            read_at: None,
        };
        let id = notification.notification_id;
        self.list.push(notification);
        id
    }

    fn count_duplicate(&self, path: &str, key: &str) -> Option<Uuid> {
        let mut list = self.list.entries();
        let known = list.iter_mut().rev().find(|known| {
            known.path == path && known.headers.get(IDEMPOTENCY_KEY).is_some_and(|has| has == key)
        })?;
        known.duplicates += 1;
        Some(known.notification_id)
    }

    /// All notifications, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<Notification> {
        self.list.entries().iter().cloned().collect()
    }

    /// The notifications that are addressed to the person with this SSO id, oldest first.
    #[must_use]
    pub fn addressed_to(&self, sso_id: &str) -> Vec<Notification> {
        let list = self.list.entries();
        list.iter().filter(|one| one.body["sso_id"] == sso_id).cloned().collect()
    }

    /// Marks a notification as read or unread and returns it; `None` if it does not exist. A
    /// notification that is read again keeps its first time.
    #[must_use]
    pub fn mark(&self, id: Uuid, is_read: bool) -> Option<Notification> {
        let mut list = self.list.entries();
        let found = list.iter_mut().find(|one| one.notification_id == id)?;
        found.read_at = is_read.then(|| found.read_at.unwrap_or_else(|| self.clock.now()));
        Some(found.clone())
    }
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keyed(key: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(IDEMPOTENCY_KEY.to_owned(), key.to_owned())])
    }

    #[test]
    fn one_idempotency_key_makes_one_notification() {
        let notifications = Notifications::new(Clock::System);
        let first = notifications.accept("/chat", keyed("a"), json!({"n": 1}));
        assert_eq!(notifications.accept("/chat", keyed("a"), json!({"n": 2})), first);
        assert_ne!(notifications.accept("/chat", keyed("b"), json!({"n": 3})), first);
        assert_ne!(notifications.accept("/other", keyed("a"), json!({"n": 4})), first);

        let list = notifications.list();
        assert_eq!(list.len(), 3);
        assert_eq!((list[0].duplicates, &list[0].body), (1, &json!({"n": 1})));
    }

    #[test]
    fn without_a_key_every_request_makes_a_notification() {
        let notifications = Notifications::new(Clock::System);
        let first = notifications.accept("/chat", BTreeMap::new(), json!({}));
        assert_ne!(notifications.accept("/chat", BTreeMap::new(), json!({})), first);
    }

    #[test]
    fn a_person_has_the_notifications_that_are_addressed_to_them() {
        let notifications = Notifications::new(Clock::System);
        for person in ["a", "b", "a"] {
            let _ = notifications.accept("/chat", BTreeMap::new(), json!({ "sso_id": person }));
        }
        assert_eq!(notifications.addressed_to("a").len(), 2);
        assert!(notifications.addressed_to("c").is_empty());
    }

    #[test]
    fn a_notification_that_is_read_again_keeps_its_first_time() {
        let clock = Clock::manual("2026-11-21T08:00:00Z".parse().unwrap());
        let notifications = Notifications::new(clock.clone());
        let id = notifications.accept("/chat", BTreeMap::new(), json!({}));
        assert_eq!(notifications.list()[0].read_at, None);
        let first = notifications.mark(id, true).unwrap().read_at;
        assert!(first.is_some());
        clock.advance(jiff::SignedDuration::from_mins(1));
        assert_eq!(notifications.mark(id, true).unwrap().read_at, first);
        assert_eq!(notifications.mark(id, false).unwrap().read_at, None);
        assert!(notifications.mark(Uuid::nil(), true).is_none());
    }
}
