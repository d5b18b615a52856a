//! Functions that are invoked directly and continue their work through their own queue.

use std::{error::Error, future::Future, sync::Arc};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Failure,
    direct::{self, Invocation},
    event::unexpected_format,
    queue::{self, Message, QueueSource},
    start::start,
};
use crate::environment::{Environment, StartError};

/// Whether an event is a batch of queue messages.
#[must_use]
pub fn is_batch(event: &Value) -> bool {
    event.get("Records").is_some_and(Value::is_array)
}

/// Runs a function that is invoked directly and continues its work through its own queue.
/// `on_message` handles the messages of a queue event, and `on_request` handles every other event.
pub async fn run<A, T, R, D, F, M, Q, W, E>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
    queue_url: &'static str,
    on_request: D,
    on_message: Q,
) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    R: Serialize,
    D: Fn(Arc<A>, T, Invocation) -> F + Copy,
    F: Future<Output = Result<R, Failure>>,
    M: DeserializeOwned,
    Q: Fn(Arc<A>, Message<M>) -> W + Copy,
    W: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let (app, environment) = start(wire).await?;
    let source = QueueSource::from_env(&environment, queue_url)?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let (app, source) = (Arc::clone(&app), source.clone());
        // Boxed, because a handler's future is deeply nested and the runtime nests it further.
        Box::pin(async move {
            if is_batch(&event.payload) {
                let batch: SqsEvent = serde_json::from_value(event.payload)
                    .map_err(|error| unexpected_format(&error))?;
                let work = |message| on_message(Arc::clone(&app), message);
                let response = queue::handle_batch(batch, &event.context, &source, work).await?;
                serde_json::to_value(response).map_err(|error| unexpected_format(&error))
            } else {
                let work = |request, invocation| on_request(app, request, invocation);
                let response = direct::respond(event, work).await?;
                serde_json::to_value(response).map_err(|error| unexpected_format(&error))
            }
        })
    }))
    .await
}
