//! Wires `mention-notify` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let (worker, source) = mention_notify::wire(&Environment::load().await)?;
    entry::queue::serve(Arc::new(worker), source, mention_notify::handle).await
}
