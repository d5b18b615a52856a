//! Wires `export-request` to the Lambda runtime.

use std::sync::Arc;

use export_request::App;
use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let app = Arc::new(App::new(&environment)?);
    environment.connect().await?;
    entry::http::serve(app, export_request::handle).await
}
