//! Functions that do almost nothing, as the base line of `cargo run -- bench cold-start`: the
//! Lambda runtime, its default log, and the same clients as the functions that are compared with
//! them. For an event they call each client once.
//!
//! The clients are created by the same code from the same configuration. Everything else is left
//! out: no connection is opened before the first event, no event is parsed, and no business logic
//! is linked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{
    directory::Directory,
    id::CompanyId,
    table::{Key, Table},
};

/// Runs the calls in `work` for each event and returns the event as the response.
pub async fn serve(work: impl AsyncFn() -> Result<(), Error>) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let work = &work;
    let response = async |event: LambdaEvent<Value>| {
        work().await?;
        Ok::<_, Error>(event.payload)
    };
    lambda_runtime::run(service_fn(response)).await
}

/// Reads an item of the table.
pub async fn read(table: &Table) -> Result<(), Error> {
    let company: CompanyId = "unknown".parse()?;
    table.get::<Value>(&Key::flags(&company), false).await?;
    Ok(())
}

/// Requests a company from Launchpad.
pub async fn request(directory: &Directory) -> Result<(), Error> {
    directory.company(&"unknown".parse()?).await?;
    Ok(())
}
