//! Runs `set-flags` on the Lambda runtime.

use set_flags::{App, handle};
use shared::entry::direct;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    direct::run(App::from_env, handle).await
}
