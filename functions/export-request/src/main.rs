//! Wires `export-request` to the Lambda runtime.

use std::sync::Arc;

use export_request::App;
use shared::{entry, environment::Environment, export::Jobs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load().await;
    let authority = environment.authority()?;
    let app = App {
        jobs: Jobs::new(authority.table().clone()),
        authority,
        files: environment.files()?,
        outbox: environment.outbox(),
        defaults: environment.export_defaults()?,
    };
    entry::http::serve(Arc::new(app), export_request::handle).await
}
