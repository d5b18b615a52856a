//! Parses the output of `cargo build`: JSON messages on standard output, progress and compiler
//! messages on standard error.

use std::path::PathBuf;

use serde::Deserialize;

/// Width of the column in which Cargo right-aligns the first word of a status line.
const STATUS_WIDTH: usize = 12;

/// A part of Cargo's standard error, up to a line feed or a carriage return.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The progress bar: `Building [====>   ] 12/57: serde, tokio`.
    Progress(Progress<'a>),
    /// A status line, such as `Compiling serde v1.0.0` or `Blocking waiting for file lock`.
    Status(&'a str),
    /// A line of a warning or an error.
    Diagnostic(&'a str),
}

/// The progress of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress<'a> {
    /// Number of finished units. Most crates have one unit; crates with a build script have three.
    pub(super) done: u64,
    /// Number of all units of the build, including units that were built before.
    pub(super) total: u64,
    /// The units that are being compiled now, separated by commas.
    pub(super) current: &'a str,
}

/// Parses a part of Cargo's standard error; `None` if it is empty.
pub(super) fn parse(line: &str) -> Option<Line<'_>> {
    let line = line.trim_end();
    if line.is_empty() {
        return None;
    }
    if let Some(progress) = progress(line) {
        return Some(Line::Progress(progress));
    }
    Some(if is_status(line) { Line::Status(line.trim_start()) } else { Line::Diagnostic(line) })
}

fn progress(line: &str) -> Option<Progress<'_>> {
    let bar = line.trim_start().strip_prefix("Building [")?;
    let (_, numbers) = bar.split_once(']')?;
    let (numbers, current) = numbers.split_once(':').unwrap_or((numbers, ""));
    let (done, total) = numbers.trim().split_once('/')?;
    let (done, total) = (done.parse().ok()?, total.parse().ok()?);
    Some(Progress { done, total, current: current.trim() })
}

/// Whether the line begins with a single right-aligned word, such as `   Compiling`.
fn is_status(line: &str) -> bool {
    let Some((column, rest)) = line.split_at_checked(STATUS_WIDTH) else { return false };
    let word = column.trim_start();
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphabetic())
        && rest.starts_with(' ')
}

/// A JSON message about a finished executable. Other messages do not have these fields.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// The executables in Cargo's JSON messages, by the name of their target.
pub(super) fn executables(messages: &[u8]) -> impl Iterator<Item = (String, PathBuf)> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok())
        .filter(|artifact| artifact.target.kind.iter().any(|kind| kind == "bin"))
        .map(|artifact| (artifact.target.name, artifact.executable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_among_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"shared","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"clean-up","kind":["bin"]},"executable":"/t/debug/clean-up"}
{"reason":"build-finished","success":true}
"#;
        let found: Vec<_> = executables(messages).collect();
        assert_eq!(found, [("clean-up".to_owned(), PathBuf::from("/t/debug/clean-up"))]);
    }

    #[test]
    fn the_progress_bar_is_parsed() {
        let line = "    Building [==>          ] 123/574: aws-sdk-s3, serde(build)       ";
        let progress = Progress { done: 123, total: 574, current: "aws-sdk-s3, serde(build)" };
        assert_eq!(parse(line), Some(Line::Progress(progress)));
        let line = "    Building [============>] 574/574";
        let progress = Progress { done: 574, total: 574, current: "" };
        assert_eq!(parse(line), Some(Line::Progress(progress)));
    }

    #[test]
    fn status_lines_are_recognized_by_their_first_word() {
        for line in [
            "   Compiling shared v0.1.0 (/project/shared)",
            "    Blocking waiting for file lock on build directory",
            " Downloading crates ...",
            "    Finished `dev` profile [unoptimized + debuginfo] target(s) in 2.49s",
        ] {
            assert_eq!(parse(line), Some(Line::Status(line.trim_start())));
        }
    }

    #[test]
    fn all_other_lines_belong_to_compiler_messages() {
        for line in [
            "error[E0425]: cannot find value `x` in this scope",
            " --> shared/src/lib.rs:1:16",
            "  |",
            "1 | fn main() { x }",
            "  |             ^ not found in this scope",
            "            Long text of a message",
            "error: could not compile `shared` (lib) due to 1 previous error",
        ] {
            assert_eq!(parse(line), Some(Line::Diagnostic(line)));
        }
        assert_eq!(parse("   "), None);
    }
}
