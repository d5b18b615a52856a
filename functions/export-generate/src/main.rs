//! Wires `export-generate` to the Lambda runtime.

use std::sync::Arc;

use export_generate::{App, file};
use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    if let Err(error) = file::clear(&std::env::temp_dir()) {
        tracing::warn!(%error, "could not delete the temporary files of an earlier process");
    }
    let environment = Environment::load()?;
    let source = environment.source("EXPORT_QUEUE_URL")?;
    let app = Arc::new(App::new(&environment)?);
    environment.connect().await?;
    entry::queue::serve(app, source, export_generate::handle).await
}
