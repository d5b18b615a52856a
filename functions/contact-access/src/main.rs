//! Wires `contact-access` to the Lambda runtime.

use std::sync::Arc;

use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let authority = Arc::new(environment.authority()?);
    environment.connect().await?;
    entry::http::serve(authority, contact_access::handle).await
}
