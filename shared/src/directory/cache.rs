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

/// How long a failure is remembered, so that an outage does not cost every request its time-out.
const FAILURE_TTL: SignedDuration = SignedDuration::from_secs(3);
/// The most entries; past it the expired ones go.
const CAPACITY: usize = 10_000;

#[derive(Debug)]
enum Entry<V> {
    Empty,
    Known { value: V, until: Timestamp },
    Failed { error: DirectoryError, until: Timestamp },
}

type Slot<V> = Arc<tokio::sync::Mutex<Entry<V>>>;

/// Answers of one kind of call. Concurrent misses of a key make one call; a failure is remembered
/// for three seconds.
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

    /// The value of `key` and whether it was asked for just now. `ask` tells the value and until
    /// when it may be used.
    pub(super) async fn get(
        &self,
        key: K,
        ask: impl Future<Output = Result<(V, Timestamp), DirectoryError>>,
    ) -> Result<(V, bool), DirectoryError> {
        let slot = self.slot(key);
        let mut entry = slot.lock().await;
        let now = self.clock.now();
        match &*entry {
            Entry::Known { value, until } if now < *until => return Ok((value.clone(), false)),
            Entry::Failed { error, until } if now < *until => return Err(error.remembered()),
            _ => {}
        }
        match ask.await {
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

    /// Keeps a value that was learned elsewhere, in the place of what is not known, aged or failed;
    /// not while the key is being asked for.
    pub(super) fn keep(&self, key: K, value: V, until: Timestamp) {
        if let Ok(mut entry) = self.slot(key).try_lock() {
            *entry = Entry::Known { value, until };
        }
    }

    /// The value of `key`, if it is at hand; nothing is asked or waited for.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        self.known(key, |until| self.clock.now() < until)
    }

    /// The value that `key` had when it was last told, however long ago.
    pub(super) fn last(&self, key: &K) -> Option<V> {
        self.known(key, |_| true)
    }

    fn known(&self, key: &K, counts: impl Fn(Timestamp) -> bool) -> Option<V> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = slots.get(key)?.try_lock().ok()?;
        match &*entry {
            Entry::Known { value, until } => counts(*until).then(|| value.clone()),
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

/// Whether somebody waits for the entry, or it still answers.
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
        let ask = || async {
            tokio::task::yield_now().await;
            let until = clock.now() + SignedDuration::from_secs(60);
            Ok((calls.fetch_add(1, Ordering::SeqCst), until))
        };
        let answers = tokio::join!(cache.get(1, ask()), cache.get(1, ask()), cache.get(1, ask()));
        assert_eq!(answers, (Ok((0, true)), Ok((0, false)), Ok((0, false))));
    }

    #[tokio::test]
    async fn an_answer_is_used_until_its_time_and_never_past_it() {
        let (clock, cache, calls) = cache();
        let until = clock.now() + SignedDuration::from_secs(60);
        let ask = || async { Ok((calls.fetch_add(1, Ordering::SeqCst), until)) };
        assert_eq!(cache.get(1, ask()).await, Ok((0, true)));
        clock.advance(SignedDuration::from_millis(59_999));
        assert_eq!(cache.get(1, ask()).await, Ok((0, false)));
        clock.advance(SignedDuration::from_millis(1));
        assert_eq!(cache.get(1, ask()).await, Ok((1, true)));
    }

    #[tokio::test]
    async fn a_peek_sees_what_is_fresh_and_asks_nothing() {
        let (clock, cache, _) = cache();
        assert_eq!(cache.peek(&1), None);
        let until = clock.now() + SignedDuration::from_secs(60);
        assert_eq!(cache.get(1, async { Ok((7, until)) }).await, Ok((7, true)));
        assert_eq!(cache.peek(&1), Some(7));
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(cache.peek(&1), None);
    }

    #[tokio::test]
    async fn what_was_learned_elsewhere_counts_before_a_remembered_failure() {
        let (clock, cache, _) = cache();
        let failed = cache.get(1, async { Err(failure()) }).await;
        assert!(failed.is_err());
        cache.keep(1, 7, clock.now() + SignedDuration::from_secs(60));
        assert_eq!(cache.get(1, async { Err(failure()) }).await, Ok((7, false)));
    }

    #[tokio::test]
    async fn a_failure_is_remembered_for_three_seconds() {
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
