//! Functions that do almost nothing. `cargo run -- bench cold-start` compares the start of the
//! service's functions with the start of these bare functions. A bare function has the Lambda
//! runtime, its default log, and the same clients as the functions that are compared with it. For
//! each event, it calls each client once.
//!
//! The clients are created by the same code from the same configuration, except that a bare function
//! trusts the certificates of the system, as functions with the AWS SDK usually do. A bare function
//! leaves out everything else: it opens no connection before the first event, parses no event, and
//! links no business logic.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{
    directory::Directory,
    environment::{Environment, StartError},
    http_client,
    id::CompanyId,
    table::{Key, Table},
};

/// Reads the environment of this process. The clients trust the certificates of the system.
pub fn environment() -> Result<Environment, StartError> {
    Ok(Environment::load_with(http_client::builder_with_system_roots().build()?))
}

/// Starts a bare function. For each event, it runs the calls in `work` and returns the event as the
/// response.
pub async fn serve(work: impl AsyncFn() -> Result<(), Error>) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let work = &work;
    let response = async |event: LambdaEvent<Value>| {
        work().await?;
        Ok::<_, Error>(event.payload)
    };
    lambda_runtime::run(service_fn(response)).await
}

/// Reads an item of the table. The item does not exist.
pub async fn read(table: &Table) -> Result<(), Error> {
    let company: CompanyId = "unknown".parse()?;
    table.get::<Value>(&Key::flags(&company), false).await?;
    Ok(())
}

/// Requests a company that does not exist from Launchpad.
pub async fn request(directory: &Directory) -> Result<(), Error> {
    directory.company(&"unknown".parse()?).await?;
    Ok(())
}
