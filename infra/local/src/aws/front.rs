//! The common endpoint of all services. For each call it finds the caller and the service, checks
//! the caller's role, injects faults, counts the call and forwards it to the emulator.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;

use super::batches;
use super::credentials::{Credentials, OPERATOR};
use super::dynamodb::{Capacity, DynamoDb};
use super::fault_rule::{Call, Kind, Target, When};
use super::faults::{Effects, Faults};
use super::permissions;
use super::replica::Read;
use super::request::{Signature, likely_service, s3_action, target_action};
use super::response::{Service, lost_response};
use super::roles::{Denied, Roles};
use super::s3::ObjectStore;
use super::ses::{self, Mailer};
use super::sqs::Queues;
use crate::record::{AwsCall, Usage};

/// Largest request body in bytes, except for S3 objects. An SES message of 10 MB fits in it, in
/// base64 and percent-encoded.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// The function that a `kill` fault calls to kill a process, with the access key of the process.
pub type OnKill = Arc<dyn Fn(&str) + Send + Sync>;

/// The emulators, with the rules and records that apply to every call.
pub(crate) struct Front {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) objects: ObjectStore,
    pub(crate) queues: Queues,
    pub(crate) mailer: Mailer,
    pub(crate) credentials: Credentials,
    pub(crate) roles: Roles,
    pub(crate) usage: Usage,
    pub(crate) faults: Faults,
    pub(crate) on_kill: OnKill,
}

/// A call with its body. The body is streamed for S3 and is in memory for the other services.
struct Incoming {
    /// Logical id of the calling function.
    function: Arc<str>,
    signature: Signature,
    action: String,
    parts: Parts,
    body: Payload,
}

enum Payload {
    Whole(Bytes),
    Streamed(Body),
}

/// Handles a request to any of the services.
pub(crate) async fn handle(State(front): State<Arc<Front>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Some(signature) = Signature::from_parts(&parts) else {
        return unsigned(likely_service(&parts));
    };
    let service = signature.service;
    let Some(function) = front.credentials.function(&signature.access_key_id) else {
        drain(body).await;
        return service.unknown_key();
    };
    let incoming = match Incoming::read(function, signature, parts, body).await {
        Ok(incoming) => incoming,
        Err(error) => return error,
    };
    match front.check(&incoming) {
        Ok(()) => front.run(incoming).await,
        Err(denied) => {
            tracing::warn!(%denied, "a call was denied");
            incoming.body.drain().await;
            denied.response(service)
        }
    }
}

fn unsigned(service: Service) -> Response {
    match service {
        Service::DynamoDb => service.error(
            StatusCode::BAD_REQUEST,
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ),
        Service::S3 => service.error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        Service::Sqs | Service::Ses => service.error(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
    }
}

/// Reads an unused body to its end, so that the client receives the response.
async fn drain(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

impl Incoming {
    async fn read(
        function: Arc<str>,
        signature: Signature,
        parts: Parts,
        body: Body,
    ) -> Result<Self, Response> {
        let service = signature.service;
        if service == Service::S3 {
            let action = s3_action(&parts).to_owned();
            let body = Payload::Streamed(body);
            return Ok(Self { function, signature, action, parts, body });
        }
        let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            service.error(status, "RequestEntityTooLarge", "The request is too large.")
        })?;
        let action = match service {
            Service::Ses => ses::action(&body),
            _ => target_action(&parts.headers).map(str::to_owned),
        };
        let action = action.ok_or_else(|| {
            service.error(StatusCode::BAD_REQUEST, "MissingAction", "The action is missing.")
        })?;
        Ok(Self { function, signature, action, parts, body: Payload::Whole(body) })
    }

    fn read_kind(&self) -> Option<Read> {
        match (&self.body, self.signature.service) {
            (Payload::Whole(body), Service::DynamoDb) => Read::from_request(&self.action, body),
            _ => None,
        }
    }
}

impl Front {
    /// Checks that the function's role allows the call. The local cloud itself may make every call.
    fn check(&self, incoming: &Incoming) -> Result<(), Denied> {
        if &*incoming.function == OPERATOR {
            return Ok(());
        }
        let nothing = Bytes::new();
        let body = match &incoming.body {
            Payload::Whole(body) => body,
            Payload::Streamed(_) => &nothing,
        };
        let path = incoming.parts.uri.path();
        permissions::for_call(incoming.signature.service, &incoming.action, path, body)
            .iter()
            .try_for_each(|permission| self.roles.check(&incoming.function, permission))
    }

    async fn run(&self, incoming: Incoming) -> Response {
        let service = incoming.signature.service;
        let function = Arc::clone(&incoming.function);
        let access_key_id = incoming.signature.access_key_id.clone();
        let action = incoming.action.clone();
        let effects = self.faults.decide(&Call {
            target: target(service),
            function: Some(&*function),
            action: &action,
            read: incoming.read_kind(),
        });
        effects.delay_before().await;
        let (response, capacity) = self.call(incoming, &effects).await;
        // The local cloud's own calls are not counted.
        if &*function != OPERATOR {
            self.usage.count(&AwsCall {
                access_key_id: &access_key_id,
                function: &function,
                service: service.name(),
                action: &action,
                read_units: capacity.read_units,
                write_units: capacity.write_units,
            });
        }
        response
    }

    /// Makes the call, with the effects of the faults that apply to it.
    async fn call(&self, incoming: Incoming, effects: &Effects) -> (Response, Capacity) {
        let service = incoming.signature.service;
        if effects.kind == Some(Kind::Kill) && effects.when == When::Before {
            (self.on_kill)(&incoming.signature.access_key_id);
            return (lost_response(), Capacity::default());
        }
        if let Some(error) = injected_error(service, &incoming, effects) {
            incoming.body.drain().await;
            return (error, Capacity::default());
        }
        let access_key_id = incoming.signature.access_key_id.clone();
        let (response, capacity) = self.forward(incoming, effects).await;
        match effects.kind {
            Some(Kind::Kill) => {
                (self.on_kill)(&access_key_id);
                (lost_response(), capacity)
            }
            Some(Kind::CommitThenTimeout) => {
                drain(response.into_body()).await;
                effects.delay_after().await;
                (lost_response(), capacity)
            }
            _ => (response, capacity),
        }
    }

    async fn forward(&self, incoming: Incoming, effects: &Effects) -> (Response, Capacity) {
        let Incoming { function, signature, action, parts, body } = incoming;
        let kind = effects.kind;
        match (signature.service, body) {
            (Service::DynamoDb, Payload::Whole(body)) => {
                self.table(&action, &parts, body, effects).await
            }
            (Service::Sqs, Payload::Whole(body)) => {
                (self.send(&function, &parts, body, kind).await, Capacity::default())
            }
            (_, Payload::Whole(body)) => (self.mailer.call(&action, &body), Capacity::default()),
            (_, Payload::Streamed(body)) => {
                let request = Request::from_parts(parts, body);
                (self.objects.call(request).await, Capacity::default())
            }
        }
    }

    /// Calls the table, or a replica that lags behind it. The replicas of all rules in force record
    /// the writes of the call.
    async fn table(
        &self,
        action: &str,
        parts: &Parts,
        body: Bytes,
        effects: &Effects,
    ) -> (Response, Capacity) {
        let mut replicas = self.faults.replicas();
        // The list does not contain the rule of this call if this call used the last of its
        // `times`.
        replicas.extend(effects.replica.clone());
        if let Err(failure) = self.dynamodb.open(replicas).await {
            return (failure, Capacity::default());
        }
        if effects.kind == Some(Kind::Unprocessed) {
            let response =
                batches::process_first_half(&self.dynamodb, action, parts, body.clone()).await;
            self.dynamodb.replicate(self.faults.replicas(), action, body).await;
            return response;
        }
        let replica = effects.replica.clone();
        let response = self.dynamodb.call(action, parts, body.clone(), replica).await;
        self.dynamodb.replicate(self.faults.replicas(), action, body).await;
        response
    }

    async fn send(
        &self,
        function: &str,
        parts: &Parts,
        body: Bytes,
        kind: Option<Kind>,
    ) -> Response {
        let call = |body| self.queues.call(function, &parts.headers, body);
        match kind {
            Some(Kind::BatchPartial) => {
                self.queues.call_partially(function, &parts.headers, body).await
            }
            Some(Kind::Duplicate) => {
                drain(call(body.clone()).await.into_body()).await;
                call(body).await
            }
            _ => call(body).await,
        }
    }
}

impl Payload {
    async fn drain(self) {
        if let Self::Streamed(body) = self {
            drain(body).await;
        }
    }
}

/// The error that a fault injects instead of making the call; `None` if the call is to be made.
fn injected_error(service: Service, incoming: &Incoming, effects: &Effects) -> Option<Response> {
    if let Some(status) = effects.status {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Some(service.failure(status));
    }
    match (effects.kind?, &incoming.body) {
        (Kind::Throttle, _) => Some(service.throttled()),
        (Kind::Conflict, Payload::Whole(body)) => Some(batches::conflict(body)),
        _ => None,
    }
}

fn target(service: Service) -> Target {
    match service {
        Service::DynamoDb => Target::DynamoDb,
        Service::S3 => Target::S3,
        Service::Sqs => Target::Sqs,
        Service::Ses => Target::Ses,
    }
}
