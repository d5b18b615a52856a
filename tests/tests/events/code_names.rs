//! Tests that the files and types that the documents for maintainers name exist.

use std::fs;

use tests::workspace;

use crate::{rust_files, sources};

/// The documents that name code.
const DOCUMENTS: [&str; 3] = ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"];

/// The texts in backticks in a document. Code blocks are ignored.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("\n```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// Whether a text is the path of a file or folder of the repository. A text with placeholders is
/// not.
fn is_path(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_elsewhere = text.starts_with('/') || text.starts_with("target/");
    text.chars().all(is_part) && !is_elsewhere && (text.ends_with(".rs") || text.contains('/'))
}

/// Whether a text is the name of a type, or a path to a function of a type or module.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let is_type = text.starts_with(char::is_uppercase) && text.contains(char::is_lowercase);
    text.chars().all(is_part) && (text.contains("::") || is_type)
}

/// Whether a path exists in the root folder of the repository or is a part of the path of a Rust
/// file. The part must be the end of the path, or a folder with a slash at its end.
fn exists(path: &str, rust_files: &[String]) -> bool {
    let part = format!("/{path}");
    let is_part = |file: &String| match path.ends_with('/') {
        true => file.contains(&part),
        false => file.ends_with(&part),
    };
    workspace().join(path).exists() || rust_files.iter().any(is_part)
}

/// Whether a text contains a word, and not only as a part of a longer word.
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
