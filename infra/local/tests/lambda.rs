//! Tests of the emulated Lambda service with real processes.

// The helper functions of tests may panic like the tests. The setting in clippy.toml covers only
// test functions.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use local::cargo::Binaries;
use local::lambda::{FunctionError, InvokeError, InvokeOutcome, Lambda};
use serde_json::{Value, json};
use support::{eventually, fixture, options, template};
use tower::ServiceExt;

/// Starts the service with the fixture as its function. The function has these properties in the
/// template.
async fn lambda(properties: &str) -> Lambda {
    Lambda::start(options(&template("", properties))).await.unwrap()
}

async fn invoke(lambda: &Lambda, event: Value) -> InvokeOutcome {
    lambda.invoke("Fixture", event.to_string().into()).await.unwrap()
}

fn body(outcome: &InvokeOutcome) -> Value {
    serde_json::from_slice(&outcome.payload).unwrap()
}

#[tokio::test]
async fn a_process_is_started_by_the_first_event_and_kept_warm() {
    let lambda = lambda("").await;
    let first = invoke(&lambda, json!({"do": "count"})).await;
    let second = invoke(&lambda, json!({"do": "count"})).await;
    assert_eq!((body(&first), body(&second)), (json!(1), json!(2)));
    assert!(first.init.is_some() && second.init.is_none());
    assert_eq!(first.function_error, None);
    if cfg!(target_os = "linux") {
        assert!(second.peak_memory_bytes > 100_000);
    }
    lambda.shutdown().await;
}

#[tokio::test]
async fn an_event_has_its_context() {
    let lambda = lambda("").await;
    let outcome = invoke(&lambda, json!({"do": "context"})).await;
    let context = body(&outcome);
    assert_eq!(context["arn"], "arn:aws:lambda:us-east-1:000000000000:function:Fixture");
    assert_eq!(context["request_id"], outcome.request_id);
    let left = context["deadline"].as_i64().unwrap() - jiff::Timestamp::now().as_millisecond();
    assert!((15_000..=20_000).contains(&left), "{left}");
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_process_has_only_the_environment_variables_of_the_template_and_of_lambda() {
    let properties =
        "      MemorySize: 512\n      Environment: { Variables: { RUST_LOG: info, TABLE: t } }\n";
    let lambda = lambda(properties).await;
    let environment = body(&invoke(&lambda, json!({"do": "environment"})).await);
    assert_eq!(environment["TABLE"], "t");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "Fixture");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "512");
    assert_eq!(environment["AWS_ENDPOINT_URL"], "http://127.0.0.1:1");
    for inherited in ["HOME", "CARGO", "CARGO_MANIFEST_DIR", "USER"] {
        assert_eq!(environment.get(inherited), None, "{inherited}");
    }
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_time_out_kills_the_process() {
    let lambda = lambda("      Timeout: 1\n").await;
    let outcome = invoke(&lambda, json!({"do": "sleep", "n": 60_000})).await;
    assert_eq!(outcome.function_error, Some(FunctionError::TimedOut));
    let error = body(&outcome);
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    assert!(invoke(&lambda, json!({})).await.init.is_some());
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_process_that_exits_returns_an_exit_error() {
    let lambda = lambda("").await;
    let outcome = invoke(&lambda, json!({"do": "exit", "n": 3})).await;
    assert_eq!(outcome.function_error, Some(FunctionError::Exited));
    assert_eq!(body(&outcome)["errorType"], "Runtime.ExitError");
    assert!(body(&outcome)["errorMessage"].as_str().unwrap().ends_with("exit status: 3"));
    assert!(invoke(&lambda, json!({})).await.init.is_some());
    lambda.shutdown().await;
}

#[tokio::test]
async fn an_error_and_a_panic_keep_the_process_warm() {
    let lambda = lambda("").await;
    let error = invoke(&lambda, json!({"do": "error"})).await;
    assert_eq!(error.function_error, Some(FunctionError::Handler));
    assert_eq!(body(&error)["errorMessage"], "on demand");
    let panic = invoke(&lambda, json!({"do": "panic"})).await;
    assert_eq!(panic.function_error, Some(FunctionError::Handler));
    assert_eq!(panic.init, None);
    assert_eq!(invoke(&lambda, json!({})).await.init, None);
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_response_over_the_limit_is_a_function_error() {
    let lambda = lambda("").await;
    let outcome = invoke(&lambda, json!({"do": "allocate", "n": 7_000_000})).await;
    assert_eq!(outcome.function_error, Some(FunctionError::ResponseTooLarge));
    assert_eq!(body(&outcome)["errorType"], "Function.ResponseSizeTooLarge");
    let fits = invoke(&lambda, json!({"do": "allocate", "n": 6_000_000})).await;
    assert_eq!((fits.function_error, fits.init), (None, None));
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_program_that_cannot_start_is_an_init_error() {
    let mut options = options(&template("", ""));
    options.binaries = Binaries::default();
    let lambda = Lambda::start(options.clone()).await.unwrap();
    let outcome = invoke(&lambda, json!({})).await;
    assert_eq!(outcome.function_error, Some(FunctionError::Init));
    assert_eq!(body(&outcome)["errorType"], "Runtime.InvalidEntrypoint");

    options.binaries = Binaries::from_iter([("fixture".to_owned(), PathBuf::from("/bin/false"))]);
    let lambda = Lambda::start(options).await.unwrap();
    let outcome = invoke(&lambda, json!({})).await;
    assert_eq!(outcome.function_error, Some(FunctionError::Exited));
}

#[tokio::test]
async fn a_function_is_throttled_beyond_its_concurrency_limit() {
    let lambda = lambda("      ReservedConcurrentExecutions: 2\n").await;
    let sleep = || {
        let event = json!({"do": "sleep", "n": 1_000});
        lambda.invoke("Fixture", event.to_string().into())
    };
    let (first, second, third) = tokio::join!(sleep(), sleep(), sleep());
    let throttled = [first, second, third]
        .iter()
        .filter(|outcome| matches!(outcome, Err(InvokeError::Throttled(_))))
        .count();
    assert_eq!(throttled, 1);
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_process_can_be_killed_by_its_access_key() {
    let options = options(&template("", ""));
    let events = options.events.clone();
    let lambda = Lambda::start(options).await.unwrap();
    let environment = body(&invoke(&lambda, json!({"do": "environment"})).await);
    let kill = async {
        eventually(|| !events.list(Some("fixture_sleeps")).is_empty()).await;
        lambda.kill(environment["AWS_ACCESS_KEY_ID"].as_str().unwrap());
    };
    let (outcome, ()) = tokio::join!(invoke(&lambda, json!({"do": "sleep", "n": 15_000})), kill);
    assert_eq!(outcome.function_error, Some(FunctionError::Exited));
    assert!(outcome.duration < Duration::from_secs(10));
    lambda.shutdown().await;
}

#[tokio::test]
async fn a_failed_asynchronous_event_is_retried_twice() {
    let options = options(&template("", ""));
    let usage = options.usage.clone();
    let lambda = Lambda::start(options).await.unwrap();
    lambda.invoke_later("Fixture", Bytes::from_static(br#"{"do":"error"}"#)).unwrap();
    eventually(|| usage.snapshot()["Fixture"]["statuses"]["error"] == 3).await;
    lambda.shutdown().await;
    assert_eq!(usage.snapshot()["Fixture"]["invocations"], 3);
}

/// Copies the fixture with a separate process. If this process opened the program for writing,
/// another test that starts a process at the same time could get the error that the file is busy.
/// The modification time is set because two copies may have the same time in the file system.
fn place_fixture(program: &Path, built_at: SystemTime) {
    let copied = Command::new("cp").args([fixture(), program]).status().unwrap();
    assert!(copied.success());
    File::open(program).unwrap().set_modified(built_at).unwrap();
}

#[tokio::test]
async fn a_warm_process_is_replaced_when_its_program_was_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("fixture");
    place_fixture(&program, UNIX_EPOCH);
    let mut options = options(&template("", ""));
    options.binaries = Binaries::from_iter([("fixture".to_owned(), program.clone())]);
    let lambda = Lambda::start(options).await.unwrap();
    invoke(&lambda, json!({})).await;
    assert_eq!(invoke(&lambda, json!({})).await.init, None);
    // As Cargo does, remove the file of the running program and create a new one, instead of
    // writing into it.
    std::fs::remove_file(&program).unwrap();
    place_fixture(&program, UNIX_EPOCH + Duration::from_secs(1));
    assert!(invoke(&lambda, json!({})).await.init.is_some());
    lambda.shutdown().await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_shutdown_ends_every_process() {
    let lambda = lambda("").await;
    let context = body(&invoke(&lambda, json!({"do": "context"})).await);
    let process = PathBuf::from(format!("/proc/{}", context["pid"]));
    assert!(process.exists());
    let busy = invoke(&lambda, json!({"do": "sleep", "n": 15_000}));
    let (outcome, ()) = tokio::join!(busy, async {
        tokio::task::yield_now().await;
        lambda.shutdown().await;
    });
    assert_eq!(outcome.function_error, Some(FunctionError::Exited));
    assert!(!process.exists());
    let refused = lambda.invoke("Fixture", Bytes::new()).await;
    assert!(matches!(refused, Err(InvokeError::ShuttingDown)));
}

async fn call(lambda: &Lambda, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut request = Request::post(format!("/2015-03-31/functions/{path}/invocations"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    local::lambda::router(lambda.clone()).oneshot(request).await.unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn the_invoke_api_responds_like_lambda() {
    let lambda = lambda("").await;
    let tail = [("x-amz-log-type", "Tail")];
    let response = call(&lambda, "Fixture", &tail, r#"{"a":1}"#).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-amz-executed-version"], "$LATEST");
    assert!(response.headers().contains_key("x-amz-log-result"));
    assert_eq!(json_of(response).await, json!({"a": 1}));

    let failed = call(&lambda, "Fixture", &[], r#"{"do":"error"}"#).await;
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");

    let kind = |kind| [("x-amz-invocation-type", kind)];
    assert_eq!(call(&lambda, "Fixture", &kind("Event"), "{}").await.status(), 202);
    assert_eq!(call(&lambda, "Fixture", &kind("DryRun"), "{}").await.status(), 204);
    assert_eq!(call(&lambda, "Fixture", &kind("Other"), "{}").await.status(), 400);
    assert_eq!(call(&lambda, "Fixture", &[], "{").await.status(), 400);

    let missing = call(&lambda, "Nothing", &[], "{}").await;
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["x-amzn-errortype"], "ResourceNotFoundException");
    let large = "1".repeat(2 * 1024 * 1024);
    assert_eq!(call(&lambda, "Fixture", &kind("Event"), &large).await.status(), 413);
    lambda.shutdown().await;
}

#[tokio::test]
async fn the_invoke_api_returns_429_beyond_the_concurrency_limit() {
    let lambda = lambda("      ReservedConcurrentExecutions: 0\n").await;
    let response = call(&lambda, "Fixture", &[], "{}").await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["x-amzn-errortype"], "TooManyRequestsException");
}
