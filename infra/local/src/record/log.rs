//! A bounded list that several tasks append to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, futures::Notified};

/// Largest number of entries in a list. It is enough for a load test.
pub(crate) const MAX_ENTRIES: usize = 100_000;

/// A list, oldest entry first. When it is full, a new entry replaces the oldest one. Clones share
/// the list.
#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: Arc<Mutex<VecDeque<T>>>,
    added: Arc<Notify>,
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), added: Arc::clone(&self.added) }
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: Arc::default(), added: Arc::default() }
    }
}

impl<T> Log<T> {
    pub(crate) fn push(&self, entry: T) {
        let mut entries = self.entries();
        if entries.len() == MAX_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry);
        drop(entries);
        self.added.notify_waiters();
    }

    /// A future that ends when an entry is added after this call.
    pub(crate) fn added(&self) -> Notified<'_> {
        self.added.notified()
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
