//! The documents for maintainers name files and types that exist.

use std::fs;

use tests::workspace;

use crate::{rust_files, sources};

/// The documents that name code.
const DOCUMENTS: [&str; 3] = ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"];

/// The texts in backticks of a document, outside of code blocks.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("\n```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// Whether a text is the path of a file or folder of the repository, without placeholders.
fn is_path(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_elsewhere = text.starts_with('/') || text.starts_with("target/");
    text.chars().all(is_part) && !is_elsewhere && (text.ends_with(".rs") || text.contains('/'))
}

/// Whether a text is a type, or a function of a type or module.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let is_type = text.starts_with(char::is_uppercase) && text.contains(char::is_lowercase);
    text.chars().all(is_part) && (text.contains("::") || is_type)
}

/// Whether a path leads to something from the root, or is a part of a Rust file's path: its end, or
/// a folder, which ends with a slash.
fn exists(path: &str, rust_files: &[String]) -> bool {
    let part = format!("/{path}");
    let is_part = |file: &String| match path.ends_with('/') {
        true => file.contains(&part),
        false => file.ends_with(&part),
    };
    workspace().join(path).exists() || rust_files.iter().any(is_part)
}

/// Whether a text contains a word as a whole.
fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[test]
fn files_and_types_in_the_documents_for_maintainers_exist() {
    let folders = ["functions", "shared", "infra", "tests"];
    let files = rust_files(&folders).into_iter();
    let files: Vec<String> = files.map(|path| path.display().to_string()).collect();
    let code = sources(&folders).concat();
    let (mut checked, mut missing) = (0, Vec::new());
    for document in DOCUMENTS {
        let text = fs::read_to_string(workspace().join(document)).unwrap();
        for quoted in quoted(&text) {
            let is_there = if is_path(quoted) {
                exists(quoted, &files)
            } else if is_name(quoted) {
                quoted.split("::").all(|part| contains_word(&code, part))
            } else {
                continue;
            };
            checked += 1;
            missing.extend((!is_there).then(|| format!("{document} names {quoted}")));
        }
    }
    assert!(checked > 100, "{checked} names");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn paths_and_names_are_distinguished_from_other_quotations() {
    let text =
        "`a.rs` and `x/y`\n```sh\n`no`\n```\n`Scope::admits`, `Walk`, `FLAGS`, `a b`, `{id}/x`";
    let quoted = quoted(text);
    assert_eq!(quoted.iter().filter(|text| is_path(text)).collect::<Vec<_>>(), [&"a.rs", &"x/y"]);
    let names: Vec<_> = quoted.iter().filter(|text| is_name(text)).collect();
    assert_eq!(names, [&"Scope::admits", &"Walk"]);
    assert!(contains_word("a Walk.", "Walk") && !contains_word("Walker", "Walk"));
}
