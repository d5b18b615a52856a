//! The structured events that functions logged.

use serde_json::{Value, json};

use super::log::Log;

/// The log lines that contain an event, each with the function that wrote it. Clones share the
/// list.
#[derive(Clone, Debug, Default)]
pub struct Events(Log<(String, Value)>);

impl Events {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a JSON log line that `function` wrote.
    pub fn push(&self, function: &str, line: Value) {
        self.0.push((function.to_owned(), line));
    }

    /// Waits until the logged lines satisfy a condition.
    pub async fn wait_until(&self, is_met: impl Fn(&Self) -> bool) {
        self.0.wait_until(|| is_met(self)).await;
    }

    /// The logged lines, oldest first, each with its `function`. If `name` is given, only the
    /// events with this name.
    #[must_use]
    pub fn list(&self, name: Option<&str>) -> Vec<Value> {
        self.0
            .entries()
            .iter()
            .filter(|(_, line)| name.is_none_or(|name| event_name(line) == Some(name)))
            .map(|(function, line)| with_function(function, line))
            .collect()
    }
}

/// The name of an event. It is at the top level of a flattened line, or otherwise in the `fields`
/// object.
fn event_name(line: &Value) -> Option<&str> {
    line.get("event_name").or_else(|| line.get("fields")?.get("event_name"))?.as_str()
}

fn with_function(function: &str, line: &Value) -> Value {
    match line {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            fields.entry("function").or_insert_with(|| json!(function));
            Value::Object(fields)
        }
        other => json!({ "function": function, "line": other }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_line_that_satisfies_it() {
        let events = Events::new();
        let has_two = |events: &Events| events.list(Some("done")).len() == 2;
        let write = async {
            for _ in 0..2 {
                tokio::task::yield_now().await;
                events.push("ExportGenerate", json!({"event_name": "done"}));
            }
        };
        tokio::join!(events.wait_until(has_two), write);
        assert!(has_two(&events));
    }

    #[test]
    fn events_are_found_by_name_whether_flattened_or_not() {
        let events = Events::new();
        events
            .push("NoteWrite", json!({"event_name": "cdp_note_mention_added", "mention_count": 2}));
        events
            .push("ContactList", json!({"fields": {"event_name": "cdp_team_permission_fallback"}}));

        assert_eq!(events.list(None).len(), 2);
        assert_eq!(
            events.list(Some("cdp_note_mention_added")),
            [
                json!({"event_name": "cdp_note_mention_added", "mention_count": 2, "function": "NoteWrite"})
            ]
        );
        assert_eq!(events.list(Some("cdp_team_permission_fallback")).len(), 1);
        assert!(events.list(Some("other")).is_empty());
    }
}
