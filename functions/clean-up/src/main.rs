//! Runs `clean-up` on the Lambda runtime.

use clean_up::{App, handle};
use shared::entry::direct;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    direct::run(App::from_env, handle).await
}
