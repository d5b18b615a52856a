//! The Lambda Runtime API (2018-06-01). A process gets its events from this API and sends its
//! responses to it.
//!
//! One server serves all processes. Each process has its own path prefix in its
//! `AWS_LAMBDA_RUNTIME_API` variable. The Rust runtime accepts a whole URL in this variable.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde_json::json;
use shared::error::chain;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::limits::MAX_PAYLOAD_BYTES;

/// An event that the service sends to a process.
pub(super) struct Delivery {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// The time when the invocation times out, in milliseconds since 1970.
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) trace_id: String,
}

/// A report that a process sends to the service.
#[derive(Debug, PartialEq)]
pub(super) enum Report {
    /// The process is initialized and requests an event.
    Ready,
    Response(Bytes),
    Error(Bytes),
    InitError(Bytes),
    ResponseTooLarge,
}

/// The HTTP server and the registered processes.
pub(super) struct RuntimeApi {
    address: SocketAddr,
    exchanges: Exchanges,
    server: AbortHandle,
}

type Exchanges = Arc<Mutex<HashMap<String, Arc<Exchange>>>>;

/// The server's end of the channels for one process.
struct Exchange {
    /// The request for the next event locks this receiver.
    deliveries: tokio::sync::Mutex<mpsc::Receiver<Delivery>>,
    reports: mpsc::Sender<Report>,
    /// Request id of the event that the process is handling; `None` if it handles no event.
    current: Mutex<Option<String>>,
}

/// The service's end of the channels for one process. When this value is dropped, the registration
/// of the process is removed.
pub(super) struct Endpoint {
    id: String,
    /// Value of `AWS_LAMBDA_RUNTIME_API` for the process.
    pub(super) url: String,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) reports: mpsc::Receiver<Report>,
    exchanges: Exchanges,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        lock(&self.exchanges).remove(&self.id);
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RuntimeApi {
    /// Starts the server on any free loopback port.
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let exchanges = Exchanges::default();
        let router = router(Arc::clone(&exchanges));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(error = %chain(&error), "the Lambda Runtime API stopped");
            }
        });
        Ok(Self { address, exchanges, server: server.abort_handle() })
    }

    /// Registers a new process with the id `id`.
    pub(super) fn register(&self, id: &str) -> Endpoint {
        let (deliveries, delivered) = mpsc::channel(1);
        let (reporting, reports) = mpsc::channel(4);
        let exchange = Exchange {
            deliveries: tokio::sync::Mutex::new(delivered),
            reports: reporting,
            current: Mutex::new(None),
        };
        lock(&self.exchanges).insert(id.to_owned(), Arc::new(exchange));
        Endpoint {
            id: id.to_owned(),
            url: format!("http://{}/{id}", self.address),
            deliveries,
            reports,
            exchanges: Arc::clone(&self.exchanges),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(exchanges: Exchanges) -> Router {
    Router::new()
        .route("/{environment}/2018-06-01/runtime/invocation/next", get(next))
        .route("/{environment}/2018-06-01/runtime/invocation/{request_id}/{kind}", post(complete))
        .route("/{environment}/2018-06-01/runtime/init/error", post(init_error))
        .with_state(exchanges)
}

/// An error response in the format of the Runtime API.
fn error(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body = json!({ "errorType": error_type, "errorMessage": message });
    (status, axum::Json(body)).into_response()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

fn unknown() -> Response {
    error(StatusCode::FORBIDDEN, "InvalidEnvironment", "unknown execution environment")
}

fn find(exchanges: &Exchanges, environment: &str) -> Option<Arc<Exchange>> {
    lock(exchanges).get(environment).cloned()
}

async fn next(State(exchanges): State<Exchanges>, Path(environment): Path<String>) -> Response {
    let Some(exchange) = find(&exchanges, &environment) else { return unknown() };
    drop(exchanges);
    let mut deliveries = exchange.deliveries.lock().await;
    if exchange.reports.send(Report::Ready).await.is_err() {
        return unknown();
    }
    let Some(delivery) = deliveries.recv().await else { return unknown() };
    *lock(&exchange.current) = Some(delivery.request_id.clone());
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", delivery.request_id)
        .header("lambda-runtime-deadline-ms", delivery.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", delivery.function_arn)
        .header("lambda-runtime-trace-id", delivery.trace_id)
        .body(Body::from(delivery.payload))
        .unwrap_or_else(|_| unknown())
}

async fn complete(
    State(exchanges): State<Exchanges>,
    Path((environment, request_id, kind)): Path<(String, String, String)>,
    body: Body,
) -> Response {
    let Some(exchange) = find(&exchanges, &environment) else { return unknown() };
    let expected = lock(&exchange.current).take_if(|current| *current == request_id);
    if expected.is_none() {
        return error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
    }
    let report = match (kind.as_str(), read(body).await) {
        ("response", Some(body)) => Report::Response(body),
        ("error", Some(body)) => Report::Error(body),
        (_, None) => Report::ResponseTooLarge,
        (_, Some(_)) => return error(StatusCode::NOT_FOUND, "NotFound", "unknown operation"),
    };
    let too_large = report == Report::ResponseTooLarge;
    if exchange.reports.send(report).await.is_err() {
        return unknown();
    }
    if too_large {
        let message = "Exceeded maximum allowed payload size (6291456 bytes).";
        return error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message);
    }
    accepted()
}

/// Reads a body; `None` if the body exceeds the limit. A body that is too large is also read to its
/// end. Otherwise the connection would break while the function is still sending: the function
/// would not receive the error response and would exit.
async fn read(body: Body) -> Option<Bytes> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut fits) = (BytesMut::new(), true);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        fits = fits && bytes.len() + chunk.len() <= MAX_PAYLOAD_BYTES;
        if fits {
            bytes.extend_from_slice(&chunk);
        }
    }
    fits.then(|| bytes.freeze())
}

async fn init_error(
    State(exchanges): State<Exchanges>,
    Path(environment): Path<String>,
    body: Body,
) -> Response {
    let Some(exchange) = find(&exchanges, &environment) else { return unknown() };
    let body = axum::body::to_bytes(body, MAX_PAYLOAD_BYTES).await.unwrap_or_default();
    match exchange.reports.send(Report::InitError(body)).await {
        Ok(()) => accepted(),
        Err(_) => unknown(),
    }
}
