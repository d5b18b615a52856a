//! What the emulators hold: the resources of the template, reduced to what they can do.

use serde_json::{Value, json};

/// Everything to create at start.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The single table.
    pub table: TableSpec,
    /// Names of the buckets.
    pub buckets: Vec<String>,
    /// The queues, dead-letter queues among them, in any order.
    pub queues: Vec<QueueSpec>,
}

/// A DynamoDB table with string keys, paid per request.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Name, as `!Ref` gives it.
    pub name: String,
    /// The table's own key.
    pub key: KeySpec,
    /// Global secondary indexes, each projecting everything.
    pub indexes: Vec<IndexSpec>,
    /// Attribute that holds an item's expiry in epoch seconds.
    pub ttl_attribute: Option<String>,
}

/// Attributes of a key, all of them strings.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Partition key.
    pub partition: String,
    /// Sort key.
    pub sort: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug)]
pub struct IndexSpec {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: KeySpec,
}

/// An SQS queue.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Logical id, which is its name too.
    pub name: String,
    /// Visibility time-out in seconds, AWS's default being 30.
    pub visibility_seconds: u32,
    /// Retention in seconds, AWS's default being four days.
    pub retention_seconds: u32,
    /// Where messages go that were received too often.
    pub redrive: Option<RedriveSpec>,
}

/// A redrive policy.
#[derive(Clone, Debug)]
pub struct RedriveSpec {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Receives after which a message moves there.
    pub max_receive_count: u32,
}

impl KeySpec {
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        [Some(self.partition.as_str()), self.sort.as_deref()].into_iter().flatten()
    }

    fn to_json(&self) -> Value {
        self.attributes()
            .zip(["HASH", "RANGE"])
            .map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }))
            .collect()
    }
}

impl TableSpec {
    /// The body of `CreateTable`.
    pub(crate) fn to_create_table(&self) -> Value {
        let keys = || std::iter::once(&self.key).chain(self.indexes.iter().map(|index| &index.key));
        let mut attributes: Vec<&str> = keys().flat_map(KeySpec::attributes).collect();
        attributes.sort_unstable();
        attributes.dedup();
        let mut request = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": self.key.to_json(),
            "AttributeDefinitions": attributes
                .into_iter()
                .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }))
                .collect::<Value>(),
        });
        if !self.indexes.is_empty() {
            request["GlobalSecondaryIndexes"] =
                self.indexes.iter().map(IndexSpec::to_json).collect();
        }
        request
    }
}

impl IndexSpec {
    fn to_json(&self) -> Value {
        json!({
            "IndexName": self.name,
            "KeySchema": self.key.to_json(),
            "Projection": { "ProjectionType": "ALL" },
        })
    }
}
