//! Tests that log lines about an error contain the error and its causes. The code must use
//! `shared::error::chain` for this.

use tests::workspace;

use crate::rust_files;

/// The arguments of every call of a `tracing` macro in a source file, each with the number of the
/// line in which the call begins.
fn log_calls(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("tracing::") {
        let rest = &source[at..];
        let Some(open) = rest.find("!(").filter(|open| *open < 20) else { continue };
        let mut depth = 0;
        let close = rest[open + 1..].char_indices().find_map(|(at, character)| {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        let end = open + 1 + close.expect("a macro ends");
        found.push((source[..at].lines().count() + 1, rest[open + 2..end].to_owned()));
    }
    found
}

/// The fields of a log call that contain an error without its causes.
fn outermost_only(arguments: &str) -> Vec<String> {
    // Ignore the string literals of the call, because their text may contain any of these words.
    let code: String = arguments.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    let fields = code.split(',').map(str::trim).filter(|field| {
        let name =
            field.split('=').next().unwrap_or_default().trim().trim_start_matches(['%', '?']);
        ["error", "cause", "failure", "err", "e"].contains(&name)
    });
    let whole = ["%chain(", "aws::explanation(", "failure.code()"];
    let is_whole = |field: &&str| {
        let value = field.split_once('=').map_or("", |(_, value)| value.trim());
        value.starts_with("\"\"") || whole.iter().any(|way| value.starts_with(way))
    };
    fields.filter(|field| !is_whole(field)).map(str::to_owned).collect()
}

#[test]
fn every_log_line_about_an_error_prints_its_causes() {
    let mut calls = 0;
    for path in rust_files(&["shared/src", "functions"]) {
        let source = std::fs::read_to_string(&path).unwrap();
        for (line, arguments) in log_calls(&source) {
            calls += 1;
            let wrong = outermost_only(&arguments);
            let place = path.strip_prefix(workspace()).unwrap().display();
            assert!(wrong.is_empty(), "{place}:{line} prints only the outermost error: {wrong:?}");
        }
    }
    assert!(calls > 40, "{calls} log calls were read");
}

#[test]
fn a_log_line_with_only_the_outermost_error_is_found() {
    for wrong in ["%error, \"x\"", "error = %error", "error = error.to_string()", "?error, a = 1"] {
        assert_eq!(outermost_only(wrong).len(), 1, "{wrong}");
    }
    for right in ["error = %chain(&error), \"an error, %error\"", "error = \"late\"", "id, \"e\""] {
        assert!(outermost_only(right).is_empty(), "{right}");
    }
}
