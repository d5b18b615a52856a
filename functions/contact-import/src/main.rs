//! Runs `contact-import` on the Lambda runtime.

use contact_import::{App, handle};
use shared::entry::http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    http::run(App::from_env, handle).await
}
