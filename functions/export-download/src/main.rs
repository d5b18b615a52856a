//! Wires `export-download` to the Lambda runtime.

use std::sync::Arc;

use export_download::App;
use shared::{entry, environment::Environment, export::Jobs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load().await;
    let app = App {
        jobs: Jobs::new(environment.table()?),
        files: environment.files()?,
        clock: environment.clock(),
    };
    entry::http::serve(Arc::new(app), export_download::handle).await
}
