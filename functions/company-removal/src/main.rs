//! Runs `company-removal` on the Lambda runtime.

use company_removal::{App, handle};
use shared::entry::direct;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    direct::run(App::from_env, handle).await
}
