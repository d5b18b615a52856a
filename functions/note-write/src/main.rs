//! Wires `note-write` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let writer = Arc::new(environment.note_writer()?);
    environment.connect().await?;
    entry::http::serve(writer, note_write::handle).await
}
