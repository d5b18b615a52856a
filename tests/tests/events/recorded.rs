//! Documents with recorded messages: requests to the service with their answers, and the
//! notifications that the service sends. The messages are in code blocks of the kind `http`.
//!
//! `{name}` in a message stands for a value that is different in each run, such as the id of a new
//! note. The first message that has the name sets the value, and all later ones must have the same.

use std::{collections::BTreeMap, fmt::Write as _, ops::Range};

use serde_json::Value;

const START: &str = "```http\n";
const END: &str = "```";

/// One message of a document.
pub(super) struct Message {
    /// Where its text is in the document.
    pub(super) place: Range<usize>,
    /// The first line: a method and a path, or a version and a status.
    pub(super) line: String,
    /// The headers, with names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// The text of the JSON body; empty if there is none.
    pub(super) body: String,
}

impl Message {
    fn parse(text: &str, place: Range<usize>) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header is `name: value`");
            (name.to_lowercase(), value.to_owned())
        };
        Self { place, line, headers: lines.map(header).collect(), body: body.to_owned() }
    }
}

/// The messages of a document, in their order.
pub(super) fn messages(document: &str) -> Vec<Message> {
    let starts = document.match_indices(START).map(|(at, _)| at + START.len());
    let place = |start: usize| {
        let length = document[start..].find(END).expect("each code block has an end");
        start..start + length
    };
    starts.map(|start| Message::parse(&document[place(start)], place(start))).collect()
}

/// The text of a message. Only these headers are written, with the names as they are given.
pub(super) fn written(line: &str, headers: &[(&str, &str)], body: &Value) -> String {
    let mut text = format!("{line}\n");
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    if !body.is_null() {
        let _ = writeln!(text, "\n{body:#}");
    }
    text
}

/// The values of the names that occurred so far.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// The text with the values of all known names.
    pub(super) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// The text with names instead of their values. A value can be a part of another one, so the
    /// longest is replaced first.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut known: Vec<_> = self.0.iter().collect();
        known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        known.into_iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(value.as_str(), &format!("{{{name}}}"))
        })
    }

    /// Sets the values of new names in a recorded body from the same places of the actual one.
    pub(super) fn learn(&mut self, recorded: &Value, actual: &Value) {
        match (recorded, actual) {
            (Value::Object(recorded), Value::Object(actual)) => {
                for (field, recorded) in recorded {
                    self.learn(recorded, actual.get(field).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(recorded), Value::Array(actual)) => {
                for (recorded, actual) in recorded.iter().zip(actual) {
                    self.learn(recorded, actual);
                }
            }
            (Value::String(recorded), Value::String(actual)) => {
                self.0.extend(new_name(&self.fill(recorded), actual));
            }
            _ => {}
        }
    }
}

/// The name in a recorded text and its value in the actual text.
fn new_name(recorded: &str, actual: &str) -> Option<(String, String)> {
    let (before, rest) = recorded.split_once('{')?;
    let (name, behind) = rest.split_once('}')?;
    let value = actual.strip_prefix(before)?.strip_suffix(behind)?;
    Some((name.to_owned(), value.to_owned()))
}

#[test]
fn a_name_has_the_value_of_its_first_occurrence() {
    let mut names = Names::default();
    let recorded = serde_json::json!({ "id": "{note}", "url": ["/d/{token}?x"] });
    names.learn(&recorded, &serde_json::json!({ "id": "7", "url": ["/d/abc?x"] }));
    names.learn(&recorded, &serde_json::json!({ "id": "8", "url": ["/d/abc?x"] }));
    assert_eq!(names.fill("{note} {token} {other}"), "7 abc {other}");
    assert_eq!(names.hide("/notes/7/abc"), "/notes/{note}/{token}");
}
