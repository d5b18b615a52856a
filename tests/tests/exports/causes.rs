//! The log line about a failed export contains the cause of the failure: the error code of AWS, the
//! kind of the I/O error or the HTTP status of Launchpad.

use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Log, World};

use super::steps::{deliver, order, requested};

/// Fails all attempts of a job and returns the `error` fields of the log: one for each attempt that
/// is retried, and one for the failed export.
async fn errors_of_all_attempts(world: &World, job: &str, log: &Log) -> Vec<String> {
    for attempt in 1..=5 {
        let done = deliver(world, "ExportGenerate", "sinta", job, attempt).await;
        assert_eq!(done, attempt == 5, "{attempt}");
        world.advance(SignedDuration::from_mins(1));
    }
    let lines = log.lines();
    let failed: Vec<&Value> = lines.iter().filter(|line| line["attempt"] == 5).collect();
    assert!(failed.iter().all(|line| line["job_id"] == job), "{failed:?}");
    let errors = lines.iter().filter_map(|line| line["error"].as_str());
    // The test delivers messages that are not in a queue, so the queue refuses to change their
    // visibility. These errors are not counted.
    let is_about_queue = |error: &&str| error.starts_with("MessageNotInflight");
    errors.filter(|error| !is_about_queue(error)).map(str::to_owned).collect()
}

/// The errors that the log contains after five attempts that failed with the same cause.
fn expected(cause: &str) -> Vec<String> {
    let attempts = (1..5).map(|attempt| format!("attempt {attempt} failed: {cause}"));
    attempts.chain([cause.to_owned()]).collect()
}

#[tokio::test]
async fn a_refused_part_is_logged_with_the_code_of_aws() {
    let world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    world.fault(&json!({ "target": "s3", "action": "UploadPart", "status": 403 }));
    let log = Log::capture();
    let errors = errors_of_all_attempts(&world, &job, &log).await;
    assert_eq!(errors, expected("part 1 could not be uploaded: AccessDenied"));
    assert!(!log.text().contains("contacts.csv"), "the name of the file is logged: {}", log.text());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_logged_with_the_kind_of_the_io_error() {
    let not_a_directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    for format in ["csv", "xlsx"] {
        let world = World::with_flags().await;
        world.write_exports_to(not_a_directory.clone());
        let job = requested(&world, "sinta", &order(format)).await;
        let log = Log::capture();
        let errors = errors_of_all_attempts(&world, &job, &log).await;
        assert_eq!(errors, expected("the export file could not be written: not a directory"));
        assert!(!log.text().contains("Cargo.toml"), "the path is logged: {}", log.text());
    }
}

#[tokio::test]
async fn a_scope_that_cannot_be_resolved_is_logged_with_the_status_of_launchpad() {
    let mut world = World::with_flags().await;
    let job = requested(&world, "sinta", &order("csv")).await;
    world.restart_functions();
    world.fault(&json!({ "target": "launchpad.teams", "status": 500 }));
    // Move the clock past the expiry of the cached team set.
    world.advance(SignedDuration::from_secs(61));
    let log = Log::capture();
    let errors = errors_of_all_attempts(&world, &job, &log).await;
    assert_eq!(errors, expected("the Launchpad call `teams` failed: HTTP status 500"));
}

#[tokio::test]
async fn a_default_language_is_logged_with_its_cause() {
    let world = World::with_flags().await;
    world.fault(&json!({ "target": "launchpad.companies", "status": 503 }));
    let log = Log::capture();
    assert_eq!(world.get("sinta", "/cdp/export-fields").await.status, 200);
    let cause = "the Launchpad call `companies` failed: HTTP status 503";
    assert!(log.lines().iter().any(|line| line["error"] == cause), "{}", log.text());
}
