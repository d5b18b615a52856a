//! Wires `mention-notify` to the Lambda runtime.

use std::sync::Arc;

use mention_notify::MentionWorker;
use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let source = environment.source("MENTION_QUEUE_URL")?;
    let worker = Arc::new(MentionWorker::new(&environment)?);
    environment.connect().await?;
    entry::queue::serve(worker, source, mention_notify::handle).await
}
