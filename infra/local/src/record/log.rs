//! A bounded list that several tasks append to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Largest number of entries in a list. It is enough for a load test.
pub(crate) const MAX_ENTRIES: usize = 100_000;

/// A list, oldest entry first. When it is full, a new entry replaces the oldest one. Clones share
/// the list.
#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: Arc<Mutex<VecDeque<T>>>,
    max: usize,
    changed: Arc<Notify>,
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        let (entries, changed) = (Arc::clone(&self.entries), Arc::clone(&self.changed));
        Self { entries, max: self.max, changed }
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self::with_max(MAX_ENTRIES)
    }
}

impl<T> Log<T> {
    /// Creates an empty list with at most `max` entries.
    pub(crate) fn with_max(max: usize) -> Self {
        Self { entries: Arc::default(), max, changed: Arc::default() }
    }

    pub(crate) fn push(&self, entry: T) {
        let mut entries = self.entries();
        if entries.len() == self.max {
            entries.pop_front();
        }
        entries.push_back(entry);
        drop(entries);
        self.changed.notify_waiters();
    }

    /// Changes the first entry that `is_wanted` accepts.
    pub(crate) fn change(&self, is_wanted: impl Fn(&T) -> bool, change: impl FnOnce(&mut T)) {
        if let Some(entry) = self.entries().iter_mut().find(|entry| is_wanted(entry)) {
            change(entry);
        }
        self.changed.notify_waiters();
    }

    /// Waits until `is_met` returns true. It is called again after each addition and change.
    pub(crate) async fn wait_until(&self, is_met: impl Fn() -> bool) {
        loop {
            // Created before the check, so that a change in between is not missed.
            let changed = self.changed.notified();
            if is_met() {
                return;
            }
            changed.await;
        }
    }

    /// Locks the entries. The caller can read the entries or change an entry in place.
    pub(crate) fn entries(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_is_dropped_when_the_list_is_full() {
        let log = Log::default();
        for entry in 0..=MAX_ENTRIES {
            log.push(entry);
        }
        assert_eq!(log.entries().len(), MAX_ENTRIES);
        assert_eq!(log.entries().front(), Some(&1));
    }
}
