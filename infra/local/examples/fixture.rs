//! A function that fails on request, for the tests of the Lambda service.
//!
//! The field `do` of an event selects the behavior. In a batch of queue messages, those with the
//! body `bad` fail, and one with the body `again 3` is sent to the queue again as `again 2`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use shared::environment::Environment;

static INVOCATIONS: AtomicU32 = AtomicU32::new(0);

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    if let Some(records) = event["Records"].as_array() {
        send_again(records).await?;
        return Ok(batch(records));
    }
    let number = event["n"].as_u64().unwrap_or_default();
    match event["do"].as_str().unwrap_or_default() {
        "count" => Ok(json!(INVOCATIONS.fetch_add(1, Ordering::Relaxed) + 1)),
        "sleep" => {
            println!("{}", json!({ "level": "INFO", "event_name": "fixture_sleeps" }));
            tokio::time::sleep(Duration::from_millis(number)).await;
            Ok(Value::Null)
        }
        "exit" => std::process::exit(i32::try_from(number)?),
        "error" => Err("on demand".into()),
        "panic" => Err(panicking(number).to_string().into()),
        "allocate" => Ok(json!("x".repeat(usize::try_from(number)?))),
        "environment" => Ok(std::env::vars().map(|(name, value)| (name, json!(value))).collect()),
        "context" => Ok(json!({
            "pid": std::process::id(),
            "arn": context.invoked_function_arn,
            "deadline": context.deadline,
            "request_id": context.request_id,
        })),
        _ => Ok(event),
    }
}

/// Panics for 0. The runtime turns the panic into an error.
fn panicking(number: u64) -> u64 {
    1 / number
}

/// Sends the messages that count down, with the clients that the functions use.
async fn send_again(records: &[Value]) -> Result<(), Error> {
    for record in records {
        let counter = record["body"].as_str().and_then(|body| body.strip_prefix("again "));
        let counter: u32 = counter.map_or(Ok(0), str::parse)?;
        if counter > 0 {
            let environment = Environment::load()?;
            let body = format!("again {}", counter - 1);
            let queue = environment.text("JOBS_URL")?;
            environment.sqs().send_message().queue_url(queue).message_body(body).send().await?;
        }
    }
    Ok(())
}

fn batch(records: &[Value]) -> Value {
    let failures: Vec<Value> = records
        .iter()
        .filter(|record| record["body"] == "bad")
        .map(|record| json!({ "itemIdentifier": record["messageId"] }))
        .collect();
    let bodies: Vec<&Value> = records.iter().map(|record| &record["body"]).collect();
    let group = |record: &Value| record["attributes"]["MessageGroupId"].clone();
    let groups: Vec<Value> = records.iter().map(group).collect();
    let line = json!({
        "level": "INFO", "event_name": "fixture_batch", "bodies": bodies, "groups": groups,
    });
    println!("{line}");
    json!({ "batchItemFailures": failures })
}
