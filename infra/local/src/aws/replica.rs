//! A copy of the table that hears of each write late: what `stale_read` and `gsi_lag` read from.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::resources::TableSpec;

/// The copy's file on its way from one database to the other.
const SNAPSHOT: &str = "snapshot.sqlite";

/// Why the table could not be copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplicaError {
    /// No place for the copy.
    #[error("no folder for the copy: {0}")]
    Folder(#[from] std::io::Error),
    /// The engine refused.
    #[error("the engine does not copy: {0}")]
    Engine(#[from] DynoxideError),
    /// What was written is not what the engine reads.
    #[error("an item does not fit: {0}")]
    Item(#[from] serde_json::Error),
}

/// How a call reads the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Eventually consistent, of the table itself.
    Eventual,
    /// Of an index, which is never more than eventually consistent.
    Index,
}

impl Read {
    /// How the call reads; `None` for a consistent read and for what does not read.
    pub(crate) fn of(action: &str, body: &[u8]) -> Option<Self> {
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

/// The copy. It is made when the first call after its rule arrives, takes over each later write
/// when the write is as old as the lag, and goes with its rule.
#[derive(Debug)]
pub struct Replica {
    /// How late writes arrive; never without one.
    lag: Option<Duration>,
    copy: Mutex<Option<Copy>>,
}

struct Copy {
    database: Database,
    table: String,
    /// Items as they were after a write, in the order of the writes.
    behind: VecDeque<Image>,
}

struct Image {
    written: Instant,
    key: Value,
    item: Option<Value>,
}

impl Replica {
    /// A copy yet to be made.
    pub(crate) fn new(lag: Option<Duration>) -> Self {
        Self { lag, copy: Mutex::new(None) }
    }

    /// Copies the table, unless that has been done.
    pub(crate) fn open(&self, source: &Database, spec: &TableSpec) -> Result<(), ReplicaError> {
        let mut copy = self.copy();
        if copy.is_none() {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join(SNAPSHOT);
            let file = file.to_string_lossy();
            source.vacuum_into(&file)?;
            let database = Database::memory()?;
            database.restore_from(&file)?;
            *copy = Some(Copy { database, table: spec.name.clone(), behind: VecDeque::new() });
        }
        Ok(())
    }

    /// Notes what a call left behind it in the source. Items are looked at under the copy's lock,
    /// so that their order here is that of the writes and the last one noted is the last state.
    pub(crate) fn follow(
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
            let mut answer = serde_json::to_value(source.get_item(serde_json::from_value(get)?)?)?;
            let item = Some(answer["Item"].take()).filter(|item| !item.is_null());
            copy.behind.push_back(Image { written: Instant::now(), key, item });
        }
        Ok(())
    }

    /// The answer of a read, as late as the copy is; `None` for one that fails, which the source
    /// can say better.
    pub(crate) fn read(&self, action: &str, body: &[u8]) -> Option<Bytes> {
        let mut copy = self.copy();
        let copy = copy.as_mut()?;
        if let Some(lag) = self.lag
            && let Err(error) = copy.catch_up(lag)
        {
            tracing::error!(%error, "the lagging replica lost a write");
        }
        let database = &copy.database;
        match action {
            "GetItem" => answer(body, |request| database.get_item(request)),
            "BatchGetItem" => answer(body, |request| database.batch_get_item(request)),
            "Query" => answer(body, |request| database.query(request)),
            "Scan" => answer(body, |request| database.scan(request)),
            _ => None,
        }
    }

    fn copy(&self) -> MutexGuard<'_, Option<Copy>> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy {
    fn catch_up(&mut self, lag: Duration) -> Result<(), ReplicaError> {
        while self.behind.front().is_some_and(|image| image.written.elapsed() >= lag) {
            let Some(Image { key, item, .. }) = self.behind.pop_front() else { break };
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
        formatter.debug_struct("Copy").field("behind", &self.behind.len()).finish_non_exhaustive()
    }
}

fn answer<Request: DeserializeOwned, Response: Serialize>(
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

/// `Put`, `Update`, `PutRequest` and the like, each in an object of its own. A condition check
/// comes along, and changes nothing.
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
