//! The last requests to the API, each with the invocations that it caused (SPEC §6).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cost::ActionCosts;
use super::log::Log;
use super::price;
use super::usage::milliseconds;

/// Number of requests that are kept.
pub const MAX_REQUESTS: usize = 200;

/// A request that the gateway received.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The id of the trace that the request started.
    pub id: String,
    /// The method, such as `GET`.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The time when it was received.
    pub started_at: Timestamp,
}

/// An invocation that a request caused.
#[derive(Clone, Debug)]
pub struct CausedInvocation {
    /// Logical id of the function.
    pub function: String,
    /// Whether a queue message caused the invocation, and not the request directly.
    pub by_message: bool,
    /// How the invocation ended: `ok`, `error`, `timeout` and so on.
    pub status: String,
    /// The time when it began, including the initialization.
    pub started_at: Timestamp,
    /// Time of the initialization; `None` if a warm process handled the event.
    pub init: Option<Duration>,
    /// Time from the delivery of the event to the response.
    pub duration: Duration,
    /// Memory size of the function in MiB.
    pub memory_mib: u32,
    /// The calls to AWS services.
    pub calls: ActionCosts,
}

#[derive(Debug)]
struct Request {
    received: ReceivedRequest,
    /// The person of the token; `None` without a valid token.
    sso_id: Option<String>,
    /// The status of the answer and the time until it; `None` while there is no answer.
    answer: Option<(u16, Duration)>,
    /// In the order in which they began.
    invocations: Vec<CausedInvocation>,
}

/// The last requests to the API. Clones share them.
#[derive(Clone, Debug)]
pub struct Requests(Log<Request>);

impl Default for Requests {
    fn default() -> Self {
        Self::new()
    }
}

impl Requests {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self(Log::with_max(MAX_REQUESTS))
    }

    /// Adds a request. It is listed when it has an answer.
    pub fn receive(&self, received: ReceivedRequest) {
        let (sso_id, answer, invocations) = (None, None, Vec::new());
        self.0.push(Request { received, sso_id, answer, invocations });
    }

    /// Sets the person who made the request with this id.
    pub fn sign_in(&self, id: &str, sso_id: &str) {
        self.change(id, |request| request.sso_id = Some(sso_id.to_owned()));
    }

    /// Sets the answer to the request with this id.
    pub fn answer(&self, id: &str, status: u16, duration: Duration) {
        self.change(id, |request| request.answer = Some((status, duration)));
    }

    /// Adds an invocation to each of the requests with these ids. Other ids are ignored: they belong
    /// to older requests, or to invocations that no request caused.
    pub fn add_invocation<'i>(
        &self,
        ids: impl Iterator<Item = &'i str>,
        invocation: &CausedInvocation,
    ) {
        for id in ids {
            self.change(id, |request| {
                request.invocations.push(invocation.clone());
                request.invocations.sort_by_key(|invocation| invocation.started_at);
            });
        }
    }

    /// The newest `limit` requests with an answer, newest first. If `user` is given, only the
    /// requests of the person with this SSO id.
    #[must_use]
    pub fn list(&self, user: Option<&str>, limit: usize) -> Vec<Value> {
        let requests = self.0.entries();
        let wanted = requests
            .iter()
            .rev()
            .filter(|request| user.is_none_or(|user| request.sso_id.as_deref() == Some(user)));
        wanted.filter_map(Request::to_json).take(limit).collect()
    }

    /// Removes all requests.
    pub fn clear(&self) {
        self.0.entries().clear();
    }

    /// Waits until the requests satisfy a condition.
    pub async fn wait_until(&self, is_met: impl Fn(&Self) -> bool) {
        self.0.wait_until(|| is_met(self)).await;
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Request)) {
        self.0.change(|request| request.received.id == id, change);
    }
}

impl Request {
    /// The request in the list; `None` while it has no answer.
    fn to_json(&self) -> Option<Value> {
        let ReceivedRequest { id, method, path, started_at } = &self.received;
        let (status, duration) = self.answer?;
        let invocations = self.invocations.iter();
        Some(json!({
            "id": id,
            "method": method,
            "path": path,
            "status": status,
            "sso_id": self.sso_id,
            "started_at": started_at,
            "duration_ms": milliseconds(duration),
            "invocations": invocations.clone().map(CausedInvocation::to_json).collect::<Vec<_>>(),
            "cost_usd": price::api_request() + invocations.map(CausedInvocation::price).sum::<f64>(),
        }))
    }
}

impl CausedInvocation {
    fn price(&self) -> f64 {
        let duration = self.init.unwrap_or_default() + self.duration;
        price::invocation(self.memory_mib, duration, &self.calls)
    }

    fn to_json(&self) -> Value {
        let total = self.calls.total();
        json!({
            "function": self.function,
            "source": if self.by_message { "queue" } else { "http" },
            "status": self.status,
            "started_at": self.started_at,
            "cold": self.init.is_some(),
            "init_ms": self.init.map(milliseconds),
            "duration_ms": milliseconds(self.duration),
            "memory_mb": self.memory_mib,
            "actions": self.calls,
            "calls": total.calls,
            "read_units": total.read_units,
            "write_units": total.write_units,
            "cost_usd": self.price(),
        })
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
