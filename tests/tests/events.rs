//! Every file in `events/` is understood by its function.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::Value;
use tests::{World, workspace};

/// Every sample: the function that it is for, and the event.
fn samples() -> Vec<(String, PathBuf, Value)> {
    let mut samples = Vec::new();
    for folder in std::fs::read_dir(workspace().join("events")).unwrap() {
        let folder = folder.unwrap().path();
        let binary = folder.file_name().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            let event = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            samples.push((binary.clone(), file, event));
        }
    }
    samples
}

/// The files that the samples name.
async fn put_files(world: &World) {
    let files = world.files().await;
    let folder = format!("private/backfill/{}", local::demo_company::id("company", "kopi"));
    let people = "id,crm_team_hierarchy_id\n1,1\n";
    for (name, content) in [("people", people), ("teams", "id,name\n1,Sales\n")] {
        let put = files.client().put_object().bucket(files.bucket());
        let put = put.key(format!("{folder}/{name}.csv")).body(content.as_bytes().to_vec().into());
        put.send().await.unwrap();
    }
}

#[tokio::test]
async fn every_sample_event_is_answered_by_its_function() {
    for (binary, file, event) in samples() {
        let world = World::with_flags().await;
        put_files(&world).await;
        let function = world.function_of(&binary);
        let shown = file.display();
        let answer = world.invoke(&function, event).await;
        if let Some(status) = answer["statusCode"].as_u64() {
            // A sample may name what is not there, but nothing that is not understood.
            assert!([200, 201, 202, 404].contains(&status), "{shown}: {answer}");
        } else {
            assert!(answer["error"].is_null(), "{shown}: {answer}");
            assert!(answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty), "{shown}");
        }
    }
}

#[tokio::test]
async fn every_function_of_the_template_has_a_sample() {
    let world = World::start().await;
    let sampled: Vec<String> = samples().into_iter().map(|(binary, ..)| binary).collect();
    for binary in world.binaries() {
        assert!(sampled.contains(&binary), "events/{binary} is missing");
    }
}
