//! Runs `contact-read` on the Lambda runtime.

use contact_read::{App, handle};
use shared::entry::http;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    http::run(App::from_env, handle).await
}
