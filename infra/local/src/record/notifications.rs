//! Notifications that the simulated Notification Service accepted.

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
    /// What the service answered.
    pub notification_id: Uuid,
    /// Path it was posted to.
    pub path: String,
    /// Headers of the first request, lower-case, without the API key.
    pub headers: BTreeMap<String, String>,
    /// Body of the first request.
    pub body: Value,
    /// How many further requests bore the same `Idempotency-Key`.
    pub duplicates: u64,
    /// When it came first.
    pub received_at: Timestamp,
}

/// All notifications of a run.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    list: Log<Notification>,
    clock: Clock,
}

impl Notifications {
    /// An empty list whose times come from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { list: Log::default(), clock }
    }

    /// Records a request and returns its notification's id. A second request to the same path
    /// with the same `Idempotency-Key` is counted on the first one and gets its id.
    #[must_use]
    pub fn accept(&self, path: &str, headers: BTreeMap<String, String>, body: Value) -> Uuid {
        if let Some(key) = headers.get(IDEMPOTENCY_KEY)
            && let Some(id) = self.repeat(path, key)
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

    fn repeat(&self, path: &str, key: &str) -> Option<Uuid> {
        let mut list = self.list.entries();
        let known = list.iter_mut().rev().find(|known| {
            known.path == path && known.headers.get(IDEMPOTENCY_KEY).is_some_and(|has| has == key)
        })?;
        known.duplicates += 1;
        Some(known.notification_id)
    }

    /// Every notification, oldest first.
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
    fn without_a_key_every_request_counts() {
        let notifications = Notifications::new(Clock::System);
        let first = notifications.accept("/chat", BTreeMap::new(), json!({}));
        assert_ne!(notifications.accept("/chat", BTreeMap::new(), json!({})), first);
    }
}
