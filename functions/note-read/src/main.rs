//! Wires `note-read` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment, note::NoteReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let notes = NoteReader::new(environment.authority()?);
    environment.connect().await?;
    entry::http::serve(Arc::new(notes), note_read::handle).await
}
