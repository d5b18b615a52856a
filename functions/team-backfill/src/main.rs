//! Runs `team-backfill` on the Lambda runtime.

use shared::entry::direct_or_queue;
use team_backfill::{App, QUEUE_URL, handle, resume};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    direct_or_queue::run(App::from_env, QUEUE_URL, handle, resume).await
}
