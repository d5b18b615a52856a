//! The output of function processes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::console::Console;
use crate::record::Events;

/// Largest size of the `X-Amz-Log-Result` header before its encoding, in bytes.
const TAIL_BYTES: usize = 4096;

/// Handles the lines that one process prints. Structured events are recorded; warnings and errors
/// are shown.
#[derive(Clone)]
pub(super) struct Output {
    function: Arc<str>,
    events: Events,
    console: Console,
    tail: Arc<Mutex<String>>,
}

impl Output {
    pub(super) fn new(function: &str, events: Events, console: Console) -> Self {
        Self { function: function.into(), events, console, tail: Arc::default() }
    }

    /// Starts a task that reads `stream` to its end.
    pub(super) fn capture(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let output = self.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
                output.line(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        });
    }

    fn line(&self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.append(line);
        let quiet = match serde_json::from_str::<Value>(line) {
            Ok(value) if has_event(&value) => {
                self.events.push(&self.function, value);
                true
            }
            Ok(value) => value.is_object() && !is_warning_or_error(&value),
            Err(_) => false,
        };
        if !quiet || self.console.is_verbose() {
            self.console.function_line(&self.function, line);
        }
    }

    fn append(&self, line: &str) {
        let mut tail = self.tail();
        tail.push_str(line);
        tail.push('\n');
        if tail.len() > TAIL_BYTES {
            let excess = tail.len() - TAIL_BYTES;
            let cut = (excess..tail.len()).find(|at| tail.is_char_boundary(*at));
            tail.drain(..cut.unwrap_or(0));
        }
    }

    /// Removes and returns the last part of the output since the previous call of this method.
    pub(super) fn take_tail(&self) -> String {
        std::mem::take(&mut *self.tail())
    }

    fn tail(&self) -> MutexGuard<'_, String> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a log line is a structured event. Its fields may be flattened or in a `fields` object.
fn has_event(line: &Value) -> bool {
    line.get("event_name")
        .or_else(|| line.get("fields")?.get("event_name"))
        .is_some_and(Value::is_string)
}

fn is_warning_or_error(line: &Value) -> bool {
    matches!(line.get("level").and_then(Value::as_str), Some("WARN" | "ERROR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_recorded_and_errors_are_shown() {
        let (console, shown) = Console::buffered();
        let events = Events::default();
        let output = Output::new("NoteWrite", events.clone(), console);
        output.line(r#"{"level":"INFO","event_name": "cdp_note_mention_added"}"#);
        output.line(r#"{"level":"INFO","message":"fine"}"#);
        output.line(r#"{"level":"ERROR","message":"bad"}"#);
        output.line("thread 'main' panicked");
        assert_eq!(events.list(Some("cdp_note_mention_added")).len(), 1);
        let shown = shown.text();
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("bad") && shown.contains("panicked"));
    }

    #[test]
    fn a_verbose_console_shows_every_line() {
        let (console, shown) = Console::buffered();
        let output = Output::new("NoteWrite", Events::default(), console.verbose(true));
        output.line(r#"{"level":"INFO","event_name": "cdp_note_mention_added"}"#);
        output.line(r#"{"level":"INFO","message":"fine"}"#);
        assert_eq!(shown.text().lines().count(), 2);
    }

    #[test]
    fn the_tail_keeps_the_last_4_kilobytes() {
        let output = Output::new("F", Events::default(), Console::silent());
        for number in 0..1000 {
            output.append(&format!("é{number}"));
        }
        let tail = output.take_tail();
        assert!(tail.len() <= TAIL_BYTES && tail.ends_with("é999\n"));
        assert!(output.take_tail().is_empty());
    }
}
