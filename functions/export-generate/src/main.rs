//! Wires `export-generate` to the Lambda runtime.

use std::sync::Arc;

use export_generate::App;
use shared::{
    entry::{self, queue::Source},
    environment::Environment,
    export::Jobs,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load().await;
    let authority = environment.authority()?;
    let source = Source {
        sqs: environment.sqs(),
        url: environment.text("EXPORT_QUEUE_URL")?,
        table: authority.table().clone(),
    };
    let app = App {
        jobs: Jobs::new(authority.table().clone()),
        authority,
        files: environment.files()?,
        outbox: environment.outbox(),
    };
    entry::queue::serve(Arc::new(app), source, export_generate::handle).await
}
