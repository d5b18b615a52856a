use std::{
    io::{self, Write},
    sync::{Arc, Mutex, Once, PoisonError},
};

use serde_json::Value;
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

/// Captures the log lines that functions write in the test's own thread while this value exists.
pub struct Log {
    bytes: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

/// Installs a global subscriber that receives every event of the process and drops it. Without it,
/// an event without a subscriber is disabled at its first use, and it can stay disabled if another
/// thread installs a subscriber at that moment.
pub(crate) fn keep_events_on() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO);
        // An error means that another global subscriber exists, which serves the same purpose.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

impl Log {
    /// Starts to capture log lines.
    #[must_use]
    pub fn capture() -> Self {
        keep_events_on();
        let bytes = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(bytes.clone())
            .finish();
        Self { bytes, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The text of all log lines that were captured so far.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.bytes.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The log lines with this event name, in the order in which they were written.
    #[must_use]
    pub fn events(&self, name: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event_name"] == name).collect()
    }

    /// The log lines about responses to HTTP requests, in the order in which they were written.
    #[must_use]
    pub fn responses(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["message"] == "request answered").collect()
    }

    /// All log lines, in the order in which they were written.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
