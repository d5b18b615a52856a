//! Tests that files outside the code match the code: the API document, the sample events in
//! `events/`, the alarms, and the names of tests in the tables of `docs/`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod events {
    mod api;
    mod code_names;
    mod deploys;
    mod documents;
    mod error_logs;
    mod layers;
    mod mobile;
    mod observability;
    mod recorded;
    mod runbook;
    mod samples;
    mod scene;
    mod template_text;
}

use std::{collections::BTreeSet, fs, path::PathBuf};

use tests::workspace;

/// The names of tests in the tables of a document. They are in the columns with the heading “Test”.
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

/// The paths of the Rust files in these folders of the workspace and their subfolders.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| workspace().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

/// The text of each Rust file in these folders of the workspace and their subfolders.
fn sources(folders: &[&str]) -> Vec<String> {
    let files = rust_files(folders).into_iter();
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The names of all test functions in the workspace.
fn all_tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources(&["functions", "shared", "infra", "tests"]) {
        let mut lines = source.lines().map(str::trim_start);
        while lines.by_ref().any(is_test) {
            let declared = lines.by_ref().find_map(|line| line.split_once("fn "));
            let name = declared.and_then(|(_, rest)| rest.split('(').next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_test_named_in_a_document_exists() {
    let known = all_tests();
    let mut named = 0;
    let entries = fs::read_dir(workspace().join("docs")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for test in named_tests(&text) {
            assert!(known.contains(&test), "{}: there is no test {test}", file.display());
            named += 1;
        }
    }
    assert!(named > 50, "{named} tests are named");
}

#[test]
fn every_test_of_a_mention_story_is_listed_in_its_document() {
    let text = fs::read_to_string(workspace().join("docs/mentions.md")).unwrap();
    let named = named_tests(&text);
    let is_story_test = |name: &&String| {
        ["note_mention_s0", "note_mention_d", "note_mention_oq", "prd_"]
            .iter()
            .any(|lead| name.starts_with(lead))
    };
    for test in all_tests().iter().filter(is_story_test) {
        assert!(named.contains(test), "docs/mentions.md does not name {test}");
    }
}
