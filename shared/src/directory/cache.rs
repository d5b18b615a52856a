use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::DirectoryError;
use crate::clock::Clock;

/// How long the error of a call is returned without a new call, so that an outage of Launchpad does
/// not cost every request a time-out.
const FAILURE_TTL: SignedDuration = SignedDuration::from_secs(3);
/// The maximum number of entries of a cache. When it is full, expired entries are removed.
const CAPACITY: usize = 10_000;

#[derive(Debug)]
enum Entry<V> {
    Empty,
    Known { value: V, until: Timestamp },
    Failed { error: DirectoryError, until: Timestamp },
}

type Slot<V> = Arc<tokio::sync::Mutex<Entry<V>>>;

/// A cache of the results of one kind of Launchpad call. Concurrent requests for a missing key make
/// a single call. An error is cached for three seconds.
pub(super) struct Cache<K, V> {
    clock: Clock,
    slots: Mutex<HashMap<K, Slot<V>>>,
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, slots: Mutex::default() }
    }

    /// Returns the value of `key`, and whether this request called Launchpad for it. `fetch`
    /// returns the value and the time at which it expires.
    pub(super) async fn get(
        &self,
        key: K,
        fetch: impl Future<Output = Result<(V, Timestamp), DirectoryError>>,
    ) -> Result<(V, bool), DirectoryError> {
        let slot = self.slot(key);
        let mut entry = slot.lock().await;
        let now = self.clock.now();
        match &*entry {
            Entry::Known { value, until } if now < *until => return Ok((value.clone(), false)),
            Entry::Failed { error, until } if now < *until => return Err(error.remembered()),
            _ => {}
        }
        match fetch.await {
            Ok((value, until)) => {
                *entry = Entry::Known { value: value.clone(), until };
                Ok((value, true))
            }
            Err(error) => {
                let until = self.clock.now() + FAILURE_TTL;
                *entry = Entry::Failed { error: error.clone(), until };
                Err(error)
            }
        }
    }

    /// Stores a value that this process did not get from Launchpad itself, such as one from the
    /// table. The value replaces the cached value or error. Does nothing while a call for the key
    /// is running.
    pub(super) fn insert(&self, key: K, value: V, until: Timestamp) {
        if let Ok(mut entry) = self.slot(key).try_lock() {
            *entry = Entry::Known { value, until };
        }
    }

    /// Returns the value of `key` if it is cached and not expired, without a call and without
    /// waiting. Returns `None` while a call for the key is running.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        self.cached(key, |until| self.clock.now() < until)
    }

    /// Returns the last value of `key`, even if it is expired.
    pub(super) fn last(&self, key: &K) -> Option<V> {
        self.cached(key, |_| true)
    }

    fn cached(&self, key: &K, is_valid: impl Fn(Timestamp) -> bool) -> Option<V> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = slots.get(key)?.try_lock().ok()?;
        match &*entry {
            Entry::Known { value, until } => is_valid(*until).then(|| value.clone()),
            Entry::Failed { .. } | Entry::Empty => None,
        }
    }

    fn slot(&self, key: K) -> Slot<V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= CAPACITY && !slots.contains_key(&key) {
            let now = self.clock.now();
            slots.retain(|_, slot| is_in_use(slot, now));
            if slots.len() >= CAPACITY {
                slots.clear();
            }
        }
        Arc::clone(
            slots.entry(key).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(Entry::Empty))),
        )
    }
}

/// Whether a request is waiting for the entry, or the entry has not expired.
fn is_in_use<V>(slot: &Slot<V>, now: Timestamp) -> bool {
    slot.try_lock().map_or(true, |entry| match &*entry {
        Entry::Empty => false,
        Entry::Known { until, .. } | Entry::Failed { until, .. } => now < *until,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::upstream::CallFailure;

    fn failure() -> DirectoryError {
        DirectoryError::new("teams", CallFailure::Status(503))
    }

    fn cache() -> (Clock, Cache<u8, usize>, AtomicUsize) {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        (clock.clone(), Cache::new(clock), AtomicUsize::new(0))
    }

    #[tokio::test]
    async fn concurrent_misses_make_one_call() {
        let (clock, cache, calls) = cache();
        let fetch = || async {
            tokio::task::yield_now().await;
            let until = clock.now() + SignedDuration::from_secs(60);
            Ok((calls.fetch_add(1, Ordering::SeqCst), until))
        };
        let answers =
            tokio::join!(cache.get(1, fetch()), cache.get(1, fetch()), cache.get(1, fetch()));
        assert_eq!(answers, (Ok((0, true)), Ok((0, false)), Ok((0, false))));
    }

    #[tokio::test]
    async fn a_value_is_used_until_it_expires() {
        let (clock, cache, calls) = cache();
        let until = clock.now() + SignedDuration::from_secs(60);
        let fetch = || async { Ok((calls.fetch_add(1, Ordering::SeqCst), until)) };
        assert_eq!(cache.get(1, fetch()).await, Ok((0, true)));
        clock.advance(SignedDuration::from_millis(59_999));
        assert_eq!(cache.get(1, fetch()).await, Ok((0, false)));
        clock.advance(SignedDuration::from_millis(1));
        assert_eq!(cache.get(1, fetch()).await, Ok((1, true)));
    }

    #[tokio::test]
    async fn a_peek_returns_only_values_that_have_not_expired_and_makes_no_call() {
        let (clock, cache, _) = cache();
        assert_eq!(cache.peek(&1), None);
        let until = clock.now() + SignedDuration::from_secs(60);
        assert_eq!(cache.get(1, async { Ok((7, until)) }).await, Ok((7, true)));
        assert_eq!(cache.peek(&1), Some(7));
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(cache.peek(&1), None);
    }

    #[tokio::test]
    async fn an_inserted_value_replaces_a_cached_error() {
        let (clock, cache, _) = cache();
        let failed = cache.get(1, async { Err(failure()) }).await;
        assert!(failed.is_err());
        cache.insert(1, 7, clock.now() + SignedDuration::from_secs(60));
        assert_eq!(cache.get(1, async { Err(failure()) }).await, Ok((7, false)));
    }

    #[tokio::test]
    async fn an_error_is_cached_for_three_seconds() {
        let (clock, cache, calls) = cache();
        let fail = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            Err(failure())
        };
        assert_eq!(cache.get(1, fail()).await, Err(failure()));
        clock.advance(SignedDuration::from_millis(2_999));
        let remembered = DirectoryError { remembered: true, ..failure() };
        assert_eq!(cache.get(1, fail()).await, Err(remembered));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        clock.advance(SignedDuration::from_millis(1));
        assert!(cache.get(1, fail()).await.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
