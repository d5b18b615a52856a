//! A copy of the table that receives each write with a delay. The faults `stale_read` and `gsi_lag`
//! read from this copy.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::error::chain;

use super::resources::TableSpec;

/// Name of the temporary file that is used to copy the table from one database to the other.
const SNAPSHOT: &str = "snapshot.sqlite";

/// The reason why the copy could not be made or updated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplicaError {
    /// The temporary folder could not be created.
    #[error("the temporary folder cannot be created: {0}")]
    Folder(#[from] std::io::Error),
    /// The database engine failed.
    #[error("the database engine failed: {0}")]
    Engine(#[from] DynoxideError),
    /// A written item could not be converted to the types of the engine.
    #[error("an item cannot be converted: {0}")]
    Item(#[from] serde_json::Error),
}

/// The two kinds of eventually consistent reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// An eventually consistent read of the table itself.
    Eventual,
    /// A read of an index, which is always eventually consistent.
    Index,
}

impl Read {
    /// How a request reads the table; `None` if it is a consistent read or reads nothing.
    pub(crate) fn from_request(action: &str, body: &[u8]) -> Option<Self> {
        if !matches!(action, "GetItem" | "BatchGetItem" | "Query" | "Scan") {
            return None;
        }
        let request: Value = serde_json::from_slice(body).ok()?;
        let tables = request["RequestItems"].as_object().into_iter().flatten();
        let mut parts = tables.map(|(_, table)| table).chain([&request]);
        if parts.any(|part| part["ConsistentRead"] == true) {
            None
        } else if request["IndexName"].is_string() {
            Some(Self::Index)
        } else {
            Some(Self::Eventual)
        }
    }
}

/// A copy of the table that lags behind it. The copy is made when the first call after its rule
/// arrives. Each later write is applied when it is as old as the lag. The copy is removed together
/// with its rule.
#[derive(Debug)]
pub struct Replica {
    /// The delay after which a write is applied; with `None`, no write is applied.
    lag: Option<Duration>,
    copy: Mutex<Option<Copy>>,
}

struct Copy {
    database: Database,
    table: String,
    /// Changed items whose writes are not applied yet. Each image has the item after its write. The
    /// images are in the order of the writes.
    pending: VecDeque<Image>,
}

struct Image {
    written: Instant,
    key: Value,
    item: Option<Value>,
}

impl Replica {
    /// Creates a replica without a copy. `open` makes the copy.
    pub(crate) fn new(lag: Option<Duration>) -> Self {
        Self { lag, copy: Mutex::new(None) }
    }

    /// Copies the table, unless the copy exists already.
    pub(crate) fn open(&self, source: &Database, spec: &TableSpec) -> Result<(), ReplicaError> {
        let mut copy = self.copy();
        if copy.is_none() {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join(SNAPSHOT);
            let file = file.to_string_lossy();
            source.vacuum_into(&file)?;
            let database = Database::memory()?;
            database.restore_from(&file)?;
            *copy = Some(Copy { database, table: spec.name.clone(), pending: VecDeque::new() });
        }
        Ok(())
    }

    /// Records the items that a call may have changed, with their current state in the source. The
    /// items are read while the copy is locked. Therefore the records are in the order of the
    /// writes, and the last record of an item has its latest state.
    pub(crate) fn record(
        &self,
        source: &Database,
        spec: &TableSpec,
        action: &str,
        body: &[u8],
    ) -> Result<(), ReplicaError> {
        let mut copy = self.copy();
        let Some(copy) = copy.as_mut() else { return Ok(()) };
        for key in written_keys(spec, action, body) {
            let get = json!({ "TableName": spec.name, "Key": key, "ConsistentRead": true });
            let mut found = serde_json::to_value(source.get_item(serde_json::from_value(get)?)?)?;
            let item = Some(found["Item"].take()).filter(|item| !item.is_null());
            copy.pending.push_back(Image { written: Instant::now(), key, item });
        }
        Ok(())
    }

    /// Reads from the copy and returns the response. Returns `None` if the read fails: the caller
    /// then reads from the source, which returns a better error.
    pub(crate) fn read(&self, action: &str, body: &[u8]) -> Option<Bytes> {
        let mut copy = self.copy();
        let copy = copy.as_mut()?;
        if let Some(lag) = self.lag
            && let Err(error) = copy.apply_due(lag)
        {
            tracing::error!(error = %chain(&error), "the lagging replica could not apply a write");
        }
        let database = &copy.database;
        match action {
            "GetItem" => respond(body, |request| database.get_item(request)),
            "BatchGetItem" => respond(body, |request| database.batch_get_item(request)),
            "Query" => respond(body, |request| database.query(request)),
            "Scan" => respond(body, |request| database.scan(request)),
            _ => None,
        }
    }

    fn copy(&self) -> MutexGuard<'_, Option<Copy>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy {
    /// Applies the writes that are at least as old as the lag.
    fn apply_due(&mut self, lag: Duration) -> Result<(), ReplicaError> {
        while self.pending.front().is_some_and(|image| image.written.elapsed() >= lag) {
            let Some(Image { key, item, .. }) = self.pending.pop_front() else { break };
            if let Some(item) = item {
                let put = json!({ "TableName": self.table, "Item": item });
                self.database.put_item(serde_json::from_value(put)?)?;
            } else {
                let delete = json!({ "TableName": self.table, "Key": key });
                self.database.delete_item(serde_json::from_value(delete)?)?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Copy").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

fn respond<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    read: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Option<Bytes> {
    let response = read(serde_json::from_slice(body).ok()?).ok()?;
    serde_json::to_vec(&response).ok().map(Bytes::from)
}

/// The keys of the items that a call may have changed.
fn written_keys(spec: &TableSpec, action: &str, body: &[u8]) -> Vec<Value> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes: Vec<&Value> = match action {
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![&request],
        "TransactWriteItems" => nested(request["TransactItems"].as_array()),
        "BatchWriteItem" => nested(request["RequestItems"][&spec.name].as_array()),
        _ => Vec::new(),
    };
    writes.into_iter().filter_map(|write| key_of(spec, write)).collect()
}

/// The objects under `Put`, `Update`, `PutRequest` and similar keys. They include condition checks.
/// It does no harm to record the items of a condition check, because they did not change.
fn nested(entries: Option<&Vec<Value>>) -> Vec<&Value> {
    let entries = entries.into_iter().flatten();
    entries.filter_map(Value::as_object).flat_map(serde_json::Map::values).collect()
}

fn key_of(spec: &TableSpec, write: &Value) -> Option<Value> {
    if let Some(key) = write.get("Key") {
        return Some(key.clone());
    }
    let item = write.get("Item")?;
    let attributes = spec.key.attributes();
    attributes.map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}
