//! Runs `mention-notify` on the Lambda runtime.

use mention_notify::{App, QUEUE_URL, handle};
use shared::entry::queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    queue::run(App::from_env, QUEUE_URL, handle).await
}
