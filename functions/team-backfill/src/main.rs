//! Wires `team-backfill` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment};
use team_backfill::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let source = environment.source("BACKFILL_QUEUE_URL")?;
    let app = Arc::new(App::new(&environment)?);
    environment.connect().await?;
    entry::direct_or_queue::serve(app, source, team_backfill::handle, team_backfill::resume).await
}
