//! Runs `export-download` on the Lambda runtime.

use export_download::{App, handle};
use shared::entry::http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    http::run(App::from_env, handle).await
}
