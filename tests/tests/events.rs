//! What stands beside the code is true of it: every file in `events/` is understood by its function,
//! and every test that a table in `docs/` names exists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// The tests that the tables of a document name in a column headed “Test”.
fn named_tests(text: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut column = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            column = None;
        } else if let Some(column) = column {
            let cell: &str = cells.get(column).copied().unwrap_or_default();
            named.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
        } else {
            column = cells.iter().position(|cell| *cell == "Test");
        }
    }
    named
}

fn is_test(line: &str) -> bool {
    line.starts_with("#[") && (line.contains("test]") || line.contains("test("))
}

/// The names of all tests in the Rust files below a folder.
fn collect_tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let mut lines = source.lines().map(str::trim_start);
            while lines.by_ref().any(is_test) {
                let declared = lines.by_ref().find_map(|line| line.split_once("fn "));
                let name = declared.and_then(|(_, rest)| rest.split('(').next());
                found.extend(name.map(str::to_owned));
            }
        }
    }
}

fn all_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["functions", "shared", "infra", "tests"] {
        collect_tests(&workspace().join(folder), &mut found);
    }
    found
}

#[test]
fn every_test_that_a_document_names_exists() {
    let known = all_tests();
    let mut named = 0;
    for file in fs::read_dir(workspace().join("docs")).unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        for test in named_tests(&text) {
            assert!(known.contains(&test), "{}: there is no test {test}", file.display());
            named += 1;
        }
    }
    assert!(named > 50, "{named} tests are named");
}

#[test]
fn every_test_of_a_mention_story_is_in_its_document() {
    let text = fs::read_to_string(workspace().join("docs/mentions.md")).unwrap();
    let named = named_tests(&text);
    let of_stories = |name: &&String| {
        ["note_mention_s0", "note_mention_d", "note_mention_oq", "prd_"]
            .iter()
            .any(|lead| name.starts_with(lead))
    };
    for test in all_tests().iter().filter(of_stories) {
        assert!(named.contains(test), "docs/mentions.md does not name {test}");
    }
}
