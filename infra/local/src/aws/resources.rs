//! The resources that the emulators create: the resources of the template, with only the features
//! that the emulators support.

use serde_json::{Value, json};

/// All resources that the emulators create at start.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The only table.
    pub table: TableSpec,
    /// Names of the buckets.
    pub buckets: Vec<String>,
    /// The queues, including dead-letter queues, in any order.
    pub queues: Vec<QueueSpec>,
}

/// A DynamoDB table with string keys and on-demand capacity.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// The table name, which is the value of `!Ref`.
    pub name: String,
    /// The primary key of the table.
    pub key: KeySpec,
    /// Global secondary indexes.
    pub indexes: Vec<IndexSpec>,
    /// The name of the attribute that contains an item's expiry time, in seconds since 1970.
    pub ttl_attribute: Option<String>,
}

/// The attributes of a key; all of them are strings.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Name of the partition key.
    pub partition: String,
    /// Name of the sort key, if there is one.
    pub sort: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug)]
pub struct IndexSpec {
    /// The name that a query gives as `IndexName`.
    pub name: String,
    /// The key attributes of the index.
    pub key: KeySpec,
    /// The attributes that the index contains besides the keys; `None` if it contains all.
    pub attributes: Option<Vec<String>>,
}

/// An SQS queue.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Logical id, which is also the queue's name.
    pub name: String,
    /// Visibility time-out in seconds; the default on AWS is 30.
    pub visibility_seconds: u32,
    /// Retention in seconds; the default on AWS is four days.
    pub retention_seconds: u32,
    /// The redrive policy; `None` if the queue has no dead-letter queue.
    pub redrive: Option<RedriveSpec>,
}

/// The redrive policy of a queue: which dead-letter queue receives messages, and when.
#[derive(Clone, Debug)]
pub struct RedriveSpec {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// Number of receives after which a message moves to the dead-letter queue.
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
    /// The request body of `CreateTable` for this table.
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
        let projection = match &self.attributes {
            None => json!({ "ProjectionType": "ALL" }),
            Some(names) => json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names }),
        };
        json!({
            "IndexName": self.name,
            "KeySchema": self.key.to_json(),
            "Projection": projection,
        })
    }
}
