//! Wires `export-read` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    entry::http::serve(Arc::new(environment.export_store()?), export_read::handle).await
}
