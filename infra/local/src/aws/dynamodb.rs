//! The DynamoDB emulator: an embedded database engine behind its own HTTP server on a loopback
//! port.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use dynoxide::Database;
use http::request::Parts;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::error::chain;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::error::StartError;
use super::layout::TABLE_FILE;
use super::replica::{Replica, ReplicaError};
use super::resources::TableSpec;
use super::response::Service;

/// How often the emulator deletes expired items. AWS only promises "within a few days".
const TTL_SWEEP: Duration = Duration::from_secs(60);
/// Longest time that the shutdown waits for calls in progress.
const STOP_LIMIT: Duration = Duration::from_secs(2);
const RETURN_CONSUMED: &str = "ReturnConsumedCapacity";
const CONSUMED: &str = "ConsumedCapacity";

#[derive(Clone, Copy)]
enum Unit {
    Read,
    Write,
}

/// Capacity units that one call consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// The running DynamoDB emulator.
pub(crate) struct DynamoDb {
    database: Database,
    spec: TableSpec,
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: Uri,
    running: Mutex<Option<Running>>,
}

struct Running {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: Option<JoinHandle<()>>,
}

impl DynamoDb {
    /// Opens the database, in memory or under `data`, and creates the table unless it exists.
    pub(crate) async fn start(
        spec: &TableSpec,
        data: Option<&Path>,
        deletes_expired_items: bool,
    ) -> Result<Self, StartError> {
        let database = open(data)?;
        create_table(&database, spec)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = Uri::try_from(format!("http://{}/", listener.local_addr()?))
            .map_err(|error| StartError::DynamoDb(error.to_string()))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = database.clone();
        let server = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            if let Err(error) =
                dynoxide::server::serve_with_shutdown(listener, served, stopped).await
            {
                tracing::error!(%error, "the DynamoDB emulator stopped");
            }
        });
        let sweeper = deletes_expired_items.then(|| tokio::spawn(sweep(database.clone())));
        Ok(Self {
            database,
            spec: spec.clone(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint,
            running: Mutex::new(Some(Running { stop, server, sweeper })),
        })
    }

    /// The database engine, for loading data in bulk without HTTP calls.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Copies the table into the lagging replicas that have no copy yet.
    ///
    /// # Errors
    /// Returns the error response for the caller if the table cannot be copied.
    pub(crate) async fn open(&self, replicas: Vec<Arc<Replica>>) -> Result<(), Response> {
        self.update(replicas, Replica::open)
            .await
            .map_err(|_| Service::DynamoDb.failure(StatusCode::INTERNAL_SERVER_ERROR))
    }

    /// Records the items that a call may have changed in each lagging replica.
    pub(crate) async fn replicate(&self, replicas: Vec<Arc<Replica>>, action: &str, body: Bytes) {
        let action = action.to_owned();
        let recorded = self.update(replicas, move |replica, database, spec| {
            replica.record(database, spec, &action, &body)
        });
        // `update` has logged an error already, and the write itself has succeeded.
        let _ = recorded.await;
    }

    /// Runs `work` for each replica on a thread for blocking work.
    async fn update(
        &self,
        replicas: Vec<Arc<Replica>>,
        work: impl Fn(&Replica, &Database, &TableSpec) -> Result<(), ReplicaError> + Send + 'static,
    ) -> Result<(), ReplicaError> {
        if replicas.is_empty() {
            return Ok(());
        }
        let (database, spec) = (self.database.clone(), self.spec.clone());
        let done = tokio::task::spawn_blocking(move || {
            replicas.iter().try_for_each(|replica| work(replica, &database, &spec))
        });
        let done = done.await.unwrap_or_else(|error| Err(std::io::Error::from(error).into()));
        done.inspect_err(
            |error| tracing::error!(error = %chain(error), "a lagging replica was not updated"),
        )
    }

    /// Runs a call and returns the response with the consumed capacity. The engine reports the
    /// capacity only on request, so each call requests it. If the caller did not request the
    /// capacity, it is removed from the response. If there is a `replica`, reads go to the replica.
    pub(crate) async fn call(
        &self,
        action: &str,
        parts: &Parts,
        body: Bytes,
        replica: Option<Arc<Replica>>,
    ) -> (Response, Capacity) {
        let unit = unit(action);
        let requesting = unit.and_then(|_| request_capacity(&body));
        let requested_by_caller = requesting.is_none();
        let body = requesting.unwrap_or(body);
        let stale = replica.and_then(|replica| replica.read(action, &body));
        let response = match stale {
            Some(stale) => Ok(http::Response::new(stale)),
            None => self.forward(parts, body).await,
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = %chain(&error), "the DynamoDB emulator did not respond");
                let failure = Service::DynamoDb.failure(StatusCode::INTERNAL_SERVER_ERROR);
                return (failure, Capacity::default());
            }
        };
        let (mut parts, body) = response.into_parts();
        let (capacity, rest) = unit
            .and_then(|unit| take_capacity(&body, unit))
            .unwrap_or_else(|| (Capacity::default(), body.clone()));
        // The checksum and the length belong to the unchanged response, so both are removed.
        parts.headers.remove("x-amz-crc32");
        parts.headers.remove(header::CONTENT_LENGTH);
        let body = if requested_by_caller { body } else { rest };
        (Response::from_parts(parts, Body::from(body)), capacity)
    }

    async fn forward(
        &self,
        parts: &Parts,
        body: Bytes,
    ) -> Result<http::Response<Bytes>, hyper_util::client::legacy::Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = parts.headers.clone();
        for name in [header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING] {
            request.headers_mut().remove(name);
        }
        let response = self.client.request(request).await?;
        let (parts, body) = response.into_parts();
        let body =
            body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(http::Response::from_parts(parts, body))
    }

    /// Stops the emulator. Calls in progress have two seconds to finish.
    pub(crate) async fn shutdown(&self) {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return;
        };
        let Running { stop, mut server, sweeper } = running;
        let _ = stop.send(());
        if let Some(sweeper) = sweeper {
            sweeper.abort();
        }
        if tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err() {
            server.abort();
        }
    }
}

fn open(data: Option<&Path>) -> Result<Database, StartError> {
    let database = match data {
        None => Database::memory(),
        Some(folder) => {
            let path = folder.join(TABLE_FILE);
            let path = path.to_str().ok_or_else(|| {
                StartError::DynamoDb(format!("{} is not valid Unicode", path.display()))
            })?;
            Database::new(path)
        }
    };
    database.map_err(|error| StartError::DynamoDb(error.to_string()))
}

fn create_table(database: &Database, spec: &TableSpec) -> Result<(), StartError> {
    let failed = |error: dynoxide::DynoxideError| StartError::DynamoDb(error.to_string());
    if database.get_table_metadata(&spec.name).map_err(failed)?.is_some() {
        return Ok(());
    }
    database.create_table(from_json(spec.to_create_table())?).map_err(failed)?;
    if let Some(attribute) = &spec.ttl_attribute {
        let request = json!({
            "TableName": spec.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        });
        database.update_time_to_live(from_json(request)?).map_err(failed)?;
    }
    Ok(())
}

fn from_json<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, StartError> {
    serde_json::from_value(json).map_err(|error| StartError::DynamoDb(error.to_string()))
}

async fn sweep(database: Database) {
    let mut ticks = tokio::time::interval(TTL_SWEEP);
    loop {
        ticks.tick().await;
        let database = database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "expired items could not be deleted");
            }
            Err(_) => return,
        }
    }
}

/// The kind of capacity units that an action consumes; `None` if it consumes none.
fn unit(action: &str) -> Option<Unit> {
    match action {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Some(Unit::Read),
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
            Some(Unit::Write)
        }
        _ => None,
    }
}

/// A JSON object whose values are not parsed.
type Shallow = BTreeMap<String, Box<RawValue>>;

/// The request body with `ReturnConsumedCapacity` added; `None` if the request has it already.
fn request_capacity(body: &Bytes) -> Option<Bytes> {
    let mut request: Shallow = serde_json::from_slice(body).ok()?;
    if request.get(RETURN_CONSUMED).is_some_and(|mode| mode.get() != "\"NONE\"") {
        return None;
    }
    let total = serde_json::value::to_raw_value("TOTAL").ok()?;
    request.insert(RETURN_CONSUMED.to_owned(), total);
    serde_json::to_vec(&request).ok().map(Bytes::from)
}

/// The consumed capacity in a response body, and the body without the capacity.
fn take_capacity(body: &Bytes, unit: Unit) -> Option<(Capacity, Bytes)> {
    let mut response: Shallow = serde_json::from_slice(body).ok()?;
    let consumed: Value = serde_json::from_str(response.remove(CONSUMED)?.get()).ok()?;
    let tables = match &consumed {
        Value::Array(tables) => tables.as_slice(),
        table => std::slice::from_ref(table),
    };
    let capacity = tables.iter().fold(Capacity::default(), |sum, table| sum.add(table, unit));
    serde_json::to_vec(&response).ok().map(|rest| (capacity, rest.into()))
}

impl Capacity {
    /// Adds the capacity of one table. The response of a transaction contains the kind of the
    /// units, because a repeated write transaction consumes read units. Other responses do not
    /// contain it, so `unit` is the kind that the action consumes.
    fn add(self, table: &Value, unit: Unit) -> Self {
        let units = |name| table.get(name).and_then(Value::as_f64);
        let (read, write) = match (units("ReadCapacityUnits"), units("WriteCapacityUnits"), unit) {
            (None, None, Unit::Read) => (units("CapacityUnits"), None),
            (None, None, Unit::Write) => (None, units("CapacityUnits")),
            (read, write, _) => (read, write),
        };
        Self {
            read_units: self.read_units + read.unwrap_or(0.0),
            write_units: self.write_units + write.unwrap_or(0.0),
        }
    }
}
