//! Functions that are invoked directly or by a schedule.

use std::{future::Future, sync::Arc};

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::{Instrument, info_span};

use super::{Failure, log, start::start};
use crate::{
    environment::{Environment, StartError},
    error::chain,
    json, metric,
};

/// Runs a function that is invoked directly or by a schedule. If the function fails, the invocation
/// returns an error: its type is the API's error code, and its message is the message that an HTTP
/// client would get.
pub async fn run<A, T, R, H, F>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
    handler: H,
) -> Result<(), lambda_runtime::Error>
where
    T: DeserializeOwned,
    R: Serialize,
    H: Fn(Arc<A>, T, Invocation) -> F + Copy,
    F: Future<Output = Result<R, Failure>>,
{
    let (app, _) = start(wire).await?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        // Boxed, because a handler's future is deeply nested and the runtime nests it further.
        Box::pin(respond(event, move |request, invocation| handler(app, request, invocation)))
    }))
    .await
}

/// Handles one direct invocation. [`run`] calls it for each event.
pub(super) async fn respond<T, R, F>(
    event: LambdaEvent<Value>,
    handler: impl FnOnce(T, Invocation) -> F,
) -> Result<R, Diagnostic>
where
    T: DeserializeOwned,
    F: Future<Output = Result<R, Failure>>,
{
    let span = info_span!("invocation", request_id = event.context.request_id);
    let invocation = Invocation { deadline_ms: event.context.deadline };
    metric::cold_start(log::is_cold_start());
    let work = async {
        if !event.payload.is_object() {
            return Err(Failure::invalid("event", "must be a JSON object"));
        }
        let request = serde_path_to_error::deserialize(event.payload).map_err(|error| {
            let (field, reason) = json::explain(&error);
            Failure::invalid(&field, reason)
        })?;
        handler(request, invocation).await
    };
    let response = async {
        work.await.map_err(|failure| {
            tracing::warn!(error = %chain(&failure), "the invocation failed");
            diagnostic(&failure)
        })
    };
    response.instrument(span).await
}

/// The data that the Lambda runtime sends about an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// The time at which Lambda stops the invocation, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
}

impl Invocation {
    /// The time at which Lambda stops the invocation; [`Timestamp::MAX`] if the value is out of
    /// range.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        let millis = i64::try_from(self.deadline_ms).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}

fn diagnostic(failure: &Failure) -> Diagnostic {
    Diagnostic {
        error_type: failure.code().parts().0.to_owned(),
        error_message: failure.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Request {
        company: String,
        on: bool,
    }

    async fn invoke(payload: Value) -> Result<Value, Diagnostic> {
        let event = LambdaEvent::new(payload, lambda_runtime::Context::default());
        let handler = |request: Request, _| async move {
            Ok(json!({ "company": request.company, "on": request.on }))
        };
        respond(event, handler).await
    }

    #[tokio::test]
    async fn an_event_must_be_an_object_with_named_fields() {
        let named = json!({ "company": "acme", "on": true });
        assert_eq!(invoke(named.clone()).await.unwrap(), named);
        for payload in [json!(["acme", true]), json!([]), json!("acme"), json!(null)] {
            let refused = invoke(payload.clone()).await.unwrap_err();
            assert_eq!(refused.error_type, "INVALID_REQUEST", "{payload}");
            assert_eq!(refused.error_message, "event: must be a JSON object");
        }
    }
}
