//! The traces of the messages that wait in the queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::header::Trace;

/// The traces of the messages that wait in the queues. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MessageTraces(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// By the id of the message.
    messages: HashMap<String, Trace>,
    /// By the function, for functions that run inside of this process and send no header.
    functions: HashMap<String, Trace>,
}

impl MessageTraces {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the trace of the calls that `function` makes from now on without a trace header.
    pub fn invoked(&self, function: &str, trace: Trace) {
        self.known().functions.insert(function.to_owned(), trace);
    }

    /// The trace of a call that `function` makes with this trace header.
    pub(crate) fn of_call(&self, function: &str, header: Option<&str>) -> Trace {
        let own = || self.known().functions.get(function).cloned();
        header.map(Trace::from_header).or_else(own).unwrap_or_default()
    }

    /// Keeps the trace of the message with this id.
    pub(crate) fn keep(&self, id: &str, trace: Trace) {
        self.known().messages.insert(id.to_owned(), trace);
    }

    /// The trace of an invocation with these messages.
    #[must_use]
    pub fn of_batch<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Trace {
        let known = self.known();
        Trace::of_batch(ids.into_iter().filter_map(|id| known.messages.get(id).cloned()))
    }

    /// Forgets messages that were deleted.
    pub fn deleted<'i>(&self, ids: impl IntoIterator<Item = &'i str>) {
        let mut known = self.known();
        for id in ids {
            known.messages.remove(id);
        }
    }
}
