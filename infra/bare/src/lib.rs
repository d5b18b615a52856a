//! What a function costs that does nothing: the Lambda runtime, its default log, and the clients
//! of the functions that are held against it (`cargo run -- bench cold-start`).
//!
//! The clients are the same in the strictest sense, made by the same code from the same
//! configuration. What is left out is everything else: no connection is opened before the first
//! event, no event is read, and no other line of the service is linked.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// Keeps the clients and answers every event with itself.
///
/// # Errors
/// When the runtime ends.
pub async fn serve<C>(clients: C) -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let answer = async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload);
    lambda_runtime::run(service_fn(answer)).await?;
    drop(clients);
    Ok(())
}
