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
}
