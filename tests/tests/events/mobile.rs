//! The contract of the mobile client. This test sends the requests in `docs/mobile.md` in their
//! order and compares the answers and the sent notifications with the document, field by field.
//! `UPDATE_DOCS=1` writes the document again; the names in braces stay.

use std::{env, fs};

use http::Method;
use serde_json::Value;
use tests::{Log, Response, World, workspace};

use super::recorded::{Message, Names, messages, written};

const DOCUMENT: &str = "docs/mobile.md";
/// The headers of an answer that a client has to read.
const ANSWER_HEADERS: [&str; 2] = ["X-Team-Permission-Fallback", "Retry-After"];

/// What the recorded messages are compared with.
struct Recording {
    world: World,
    names: Names,
    /// The answer to the last request.
    answer: Option<Response>,
    /// The number of notifications that were compared.
    notified: usize,
}

impl Recording {
    /// Sends a recorded request, or returns the actual text of an answer or a notification.
    async fn replay(&mut self, message: &Message) -> Option<String> {
        if message.line.starts_with("HTTP/1.1 ") {
            return Some(self.answer(message));
        }
        let target = self.names.fill(&message.line);
        let (method, path) = target.split_once(' ').unwrap();
        if path == "/_local/faults" {
            self.world.fault(&serde_json::from_str(&message.body).unwrap());
        } else if let Some(token) = message.headers.get("authorization") {
            self.send(message, token, method, path).await;
        } else {
            return Some(self.notification(message).await);
        }
        None
    }

    async fn send(&mut self, message: &Message, token: &str, method: &str, path: &str) {
        let user = token.strip_prefix("Bearer <").and_then(|user| user.strip_suffix('>')).unwrap();
        let headers: Vec<(&str, &str)> =
            message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let body = self.names.fill(&message.body).into_bytes().into();
        self.answer = Some(self.world.send(user, method, path, &headers, body).await);
    }

    fn answer(&mut self, message: &Message) -> String {
        let answer = self.answer.take().expect("an answer follows its request");
        self.learn(message, &answer.body);
        let header =
            |name: &'static str| Some((name, answer.headers.get(&name.to_lowercase())?.as_str()));
        let headers: Vec<_> = ANSWER_HEADERS.into_iter().filter_map(header).collect();
        let status = http::StatusCode::from_u16(answer.status).unwrap();
        written(&format!("HTTP/1.1 {status}"), &headers, &answer.body)
    }

    async fn notification(&mut self, message: &Message) -> String {
        self.world.process_queues().await;
        let sent = &self.world.notifications.list()[self.notified];
        self.notified += 1;
        self.learn(message, &sent.body);
        let key = ("Idempotency-Key", sent.headers["idempotency-key"].as_str());
        written(&format!("POST {}", sent.path), &[key], &sent.body)
    }

    fn learn(&mut self, message: &Message, actual: &Value) {
        self.names.learn(&serde_json::from_str(&message.body).unwrap_or_default(), actual);
    }
}

#[tokio::test]
async fn the_recorded_messages_of_the_mobile_client_are_what_happens() {
    let log = Log::capture();
    let path = workspace().join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let update = env::var_os("UPDATE_DOCS").is_some();
    let (world, names) = (World::with_flags().await, Names::default());
    let mut recording = Recording { world, names, answer: None, notified: 0 };
    let (mut updated, mut written_to, mut compared) = (String::new(), 0, 0);
    for message in messages(&document) {
        let Some(actual) = recording.replay(&message).await else { continue };
        let (recorded, actual) = (&document[message.place.clone()], recording.names.hide(&actual));
        assert!(update || recorded == actual, "recorded:\n{recorded}\nactual:\n{actual}");
        updated += &document[written_to..message.place.start];
        updated += &actual;
        written_to = message.place.end;
        compared += 1;
    }
    updated += &document[written_to..];
    assert!(compared > 15, "{compared} answers and notifications");
    assert_eq!(recording.world.notifications.list().len(), recording.notified);
    if update {
        fs::write(&path, updated).unwrap();
    }
    let lines = log.lines();
    let platforms = lines.iter().map(|line| &line["platform"]).filter(|named| !named.is_null());
    let platforms: Vec<&Value> = platforms.collect();
    assert!(platforms.len() > 3 && platforms.iter().all(|named| *named == "mobile"));
}
