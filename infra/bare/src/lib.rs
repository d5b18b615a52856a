//! What a function costs that does next to nothing: the Lambda runtime, its default log, and the
//! clients of the functions that are held against it (`cargo run -- bench cold-start`), each of
//! which it calls once for an event.
//!
//! The clients are the same in the strictest sense, made by the same code from the same
//! configuration. What is left out is everything else: no connection is opened before the first
//! event, no event is read, and no rule of the service is linked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{
    directory::Directory,
    id::CompanyId,
    table::{Key, Table},
};

/// Answers every event with itself, after the calls of `work`.
///
/// # Errors
/// When the runtime ends.
pub async fn serve(work: impl AsyncFn() -> Result<(), Error>) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let work = &work;
    let answer = async |event: LambdaEvent<Value>| {
        work().await?;
        Ok::<_, Error>(event.payload)
    };
    lambda_runtime::run(service_fn(answer)).await
}

/// Reads an item.
///
/// # Errors
/// As the table says.
pub async fn read(table: &Table) -> Result<(), Error> {
    let company: CompanyId = "nobody".parse()?;
    table.get::<Value>(&Key::flags(&company), false).await?;
    Ok(())
}

/// Asks Launchpad for a company.
///
/// # Errors
/// As the directory says.
pub async fn ask(directory: &Directory) -> Result<(), Error> {
    directory.company(&"nobody".parse()?).await?;
    Ok(())
}
