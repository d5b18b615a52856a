//! Wires `set-flags` to the Lambda runtime.

use std::sync::Arc;

use set_flags::App;
use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let app = App { table: environment.table()?, directory: environment.directory()? };
    environment.connect().await?;
    entry::direct::serve(Arc::new(app), set_flags::handle).await
}
