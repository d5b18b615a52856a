//! A table in an embedded database, for tests of reads and writes.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use serde_json::json;
use tokio::net::TcpListener;

use super::{BY_NAME, NAME_KEY, PK, SK, Table};
use crate::http_client;

/// Creates an empty table with the keys and the index that `template.yaml` defines.
pub(crate) async fn table() -> Table {
    let database = dynoxide::Database::memory().unwrap();
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let keys = |sort: &str| {
        json!([
            { "AttributeName": PK, "KeyType": "HASH" },
            { "AttributeName": sort, "KeyType": "RANGE" },
        ])
    };
    let table = json!({
        "TableName": "table", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text(PK), text(SK), text(NAME_KEY)],
        "KeySchema": keys(SK),
        "GlobalSecondaryIndexes": [{
            "IndexName": BY_NAME, "KeySchema": keys(NAME_KEY),
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["o"] },
        }],
    });
    database.create_table(serde_json::from_value::<_>(table).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = dynoxide::server::serve_with_shutdown(listener, database, std::future::pending());
    tokio::spawn(server);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("ap-southeast-3"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(http_client::for_sdk(http_client::builder().build().unwrap()))
        .build();
    Table::new(aws_sdk_dynamodb::Client::from_conf(config), "table")
}
